// Buttons that many screens have alike: the last row of a sheet (what it is for, and a way out by which nothing happened), and one act for a line of a table.
import type { Acting } from '../load.ts';
import { words } from '../words.ts';

/** `onMain` left out: the sheet is a form, and its sending is the act. `label` left out: nothing can be done any more but to close it. */
export function SheetActs(props: {
  readonly label: string | undefined;
  readonly looks?: 'main' | 'danger';
  readonly disabled?: boolean;
  readonly onMain?: () => void;
  readonly onClose: () => void;
  readonly close?: string;
  /** While it runs, what runs cannot be left. */
  readonly held?: boolean;
}) {
  return (
    <div class="acts">
      {props.label !== undefined && (
        <button
          type={props.onMain ? 'button' : 'submit'}
          class={props.looks ?? 'main'}
          data-main
          disabled={props.disabled ?? false}
          onClick={props.onMain}
        >
          {props.label}
        </button>
      )}
      <button type="button" disabled={props.held ?? false} onClick={props.onClose}>
        {props.close ?? words.people.cancel}
      </button>
    </div>
  );
}

/** `spoken`: what a screen reader says where several lines have the same label; begins with it. `sure`: asked before anything happens. */
export function RowAct(props: {
  readonly label: string;
  readonly spoken?: string;
  readonly looks?: 'danger' | 'plain';
  readonly act: Acting;
  readonly sure?: string;
  readonly onAct: () => Promise<void>;
}) {
  return (
    <button
      type="button"
      class={props.looks ?? ''}
      aria-label={props.spoken}
      disabled={props.act.busy}
      onClick={() => {
        if (props.sure === undefined || confirm(props.sure)) props.act.run(props.onAct);
      }}
    >
      {props.label}
    </button>
  );
}

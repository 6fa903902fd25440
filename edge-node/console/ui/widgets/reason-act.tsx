// An act that needs a reason: its button, and the sheet that asks for the reason before anything happens. Closing the sheet is to have done nothing.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useAct } from '../load.ts';
import { SheetActs } from './acts.tsx';
import { Dialog, Field, ProblemNotice } from './basics.tsx';

export function ReasonAct(props: {
  /** On the button that opens the sheet, and by its looks. */
  readonly label: string;
  /** What a screen reader says instead, where several buttons have the same label; begins with it. */
  readonly spoken?: string;
  readonly looks: 'danger' | 'plain' | 'default';
  readonly title: string;
  readonly how: string;
  readonly warns?: boolean;
  readonly reasonLabel: string;
  readonly send: string;
  /** False: something else is still missing. */
  readonly ready?: boolean;
  readonly onSend: (reason: string) => Promise<void>;
  /** What is asked besides. */
  readonly children?: ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const act = useAct();
  return (
    <>
      <button type="button" class={props.looks} aria-label={props.spoken} onClick={() => setOpen(true)}>
        {props.label}
      </button>
      {open && (
        <Dialog title={props.title} onClose={() => setOpen(false)}>
          <p class={props.warns ? 'notice warn' : 'muted'}>{props.how}</p>
          <ProblemNotice problem={act.problem} />
          <Field
            label={props.reasonLabel}
            value={reason}
            onValue={setReason}
            rows={3}
            lengthMax={1_000}
            required
            autofocus
          />
          {props.children}
          <SheetActs
            label={props.send}
            looks="danger"
            disabled={act.busy || reason.trim() === '' || props.ready === false}
            onMain={() =>
              act.run(async () => {
                await props.onSend(reason.normalize('NFC').trim());
                setOpen(false);
              })
            }
            onClose={() => setOpen(false)}
          />
        </Dialog>
      )}
    </>
  );
}

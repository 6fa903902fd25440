// What every draft has around what is written in it, whether a new document or further recipients of a sent one: its saving, the trouble above, and below it send, throw
// away, how the saving stands, and the sheet before it leaves.
import { useState } from 'preact/hooks';
import type { Draft, DraftChecks, DraftFields } from '../../contract.ts';
import { get, Problem, remove } from '../api.ts';
import { clockText } from '../format.ts';
import { useAct } from '../load.ts';
import { useMay } from '../me.ts';
import { go } from '../router.ts';
import { useSaving } from '../saving.ts';
import { words } from '../words.ts';
import { ProblemNotice } from './basics.tsx';
import { ConfirmSheet } from './confirm-sheet.tsx';

const w = words.compose;

/** The draft on its way: saved as `fields` change, `ask` opens the sheet over what is saved. While it is open Ctrl+Enter is the sheet's own. */
export function useDraft(draft: string, loaded: Draft | 'new', fields: DraftFields) {
  const act = useAct();
  const [asked, setAsked] = useState<DraftChecks>();
  const { saving, save, forget } = useSaving(draft, loaded === 'new' ? 0 : loaded.revision, fields);
  const ask = () =>
    act.run(async () => {
      await save(true);
      setAsked(await get(`/drafts/${draft}/checks`));
    });
  const lastError = loaded === 'new' ? '' : loaded.lastError;
  return {
    draft,
    fields,
    lastError,
    act,
    asked,
    ask,
    close: () => setAsked(undefined),
    saving,
    save,
    forget,
  };
}
type OnItsWay = { readonly on: ReturnType<typeof useDraft> };

/** Why it could not be sent, what just failed, and that somebody else changed it. */
export function DraftTrouble({ on: { lastError, act, saving } }: OnItsWay) {
  return (
    <>
      {lastError && (
        <div class="notice bad" role="alert">
          <p>
            <strong>{w.failed}</strong> {lastError}
          </p>
        </div>
      )}
      <ProblemNotice problem={act.problem} />
      {saving.problem?.code === 'draft-changed' && <ProblemNotice problem={saving.problem} />}
    </>
  );
}

export function DraftActs({ on }: OnItsWay) {
  const { draft, act, asked, ask, saving, forget } = on;
  const may = useMay();
  const drop = async () => {
    forget();
    await remove(`/drafts/${draft}`).catch((error: unknown) => {
      // A draft that was never saved is gone already.
      if (!(error instanceof Problem && error.body.code === 'draft-changed')) throw error;
    });
    go('/du-thao', { replace: true });
  };
  return (
    <>
      <div class="acts foot">
        {may('document.send') ? (
          <button
            type="button"
            class="main"
            data-main={asked ? undefined : true}
            disabled={act.busy}
            onClick={ask}
          >
            {w.send}
          </button>
        ) : (
          <span class="muted">{w.mayNot}</span>
        )}
        <button
          type="button"
          class="danger"
          disabled={act.busy}
          onClick={() => {
            if (confirm(w.dropSure)) act.run(drop);
          }}
        >
          {w.drop}
        </button>
        <span class="saved" role="status">
          {saving.state === 'failed'
            ? w.unsaved
            : saving.state === 'saving'
              ? w.saving
              : saving.atMs
                ? w.saved(clockText(saving.atMs))
                : ''}
        </span>
      </div>
      {asked && (
        <ConfirmSheet
          draft={draft}
          fields={on.fields}
          asked={asked}
          save={on.save}
          onClose={on.close}
          onSent={forget}
        />
      )}
    </>
  );
}

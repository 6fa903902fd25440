// Below a draft: send it, throw it away, and how its saving stands.
import { Problem, remove } from '../api.ts';
import { clockText } from '../format.ts';
import type { Acting } from '../load.ts';
import { useMay } from '../me.ts';
import { go } from '../router.ts';
import type { Saving } from '../saving.ts';
import { words } from '../words.ts';

const w = words.compose;

export function DraftActs({
  draft,
  asking,
  act,
  saving,
  onSend,
  onDrop,
}: {
  readonly draft: string;
  /** The sheet is open: Ctrl+Enter is its own. */
  readonly asking: boolean;
  readonly act: Acting;
  readonly saving: Saving;
  readonly onSend: () => void;
  readonly onDrop: () => void;
}) {
  const may = useMay();
  const drop = async () => {
    onDrop();
    await remove(`/drafts/${draft}`).catch((error: unknown) => {
      // A draft that was never saved is gone already.
      if (!(error instanceof Problem && error.body.code === 'draft-changed')) throw error;
    });
    go('/du-thao', { replace: true });
  };
  return (
    <div class="acts foot">
      {may('document.send') ? (
        <button
          type="button"
          class="main"
          data-main={asking ? undefined : true}
          disabled={act.busy}
          onClick={onSend}
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
  );
}

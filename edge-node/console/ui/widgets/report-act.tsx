// Báo cáo văn bản có nội dung mật: a person says that a document holds a state secret; it is hidden here at once and the centre is told (Đ15.5). Asked
// twice, since it cannot be taken back here.
import { useState } from 'preact/hooks';
import { post } from '../api.ts';
import { useAct } from '../load.ts';
import { useMay } from '../me.ts';
import { words } from '../words.ts';
import { Dialog, Field, ProblemNotice } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.work;

export function ReportAct({ base, onDone }: { readonly base: string; readonly onDone: () => void }) {
  const [open, setOpen] = useState(false);
  const [why, setWhy] = useState('');
  const act = useAct();
  const may = useMay();
  if (!may('document.report')) return null;
  return (
    <>
      <button type="button" class="plain" onClick={() => setOpen(true)}>
        {w.report}
      </button>
      {open && (
        <Dialog title={w.reportTitle} onClose={() => setOpen(false)}>
          <p class="notice warn">{w.reportHow}</p>
          <ProblemNotice problem={act.problem} />
          <Field
            label={w.reportWhy}
            value={why}
            onValue={setWhy}
            rows={2}
            lengthMax={1_000}
            required
            autofocus
          />
          <div class="acts">
            <button
              type="button"
              class="danger"
              data-main
              disabled={act.busy || why.trim() === ''}
              onClick={() =>
                act.run(async () => {
                  await post(`${base}/report-secret`, { why: why.normalize('NFC').trim() });
                  say(w.secretReported);
                  setOpen(false);
                  onDone();
                })
              }
            >
              {w.reportSend}
            </button>
            <button type="button" onClick={() => setOpen(false)}>
              {words.people.cancel}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

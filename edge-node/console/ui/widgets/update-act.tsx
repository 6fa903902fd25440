// Sửa thông tin đã gửi: what a sent document says of itself is corrected; each recipient sees old and new and answers. Files never change this way.

import { useState } from 'preact/hooks';
import type { DocumentView } from '../../../core.ts';
import { post } from '../api.ts';
import { useAct } from '../load.ts';
import { words } from '../words.ts';
import { SheetActs } from './acts.tsx';
import { DayField, Dialog, Field, ProblemNotice } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.work;
type Fields = Record<'subject' | 'number' | 'notation' | 'type' | 'issueDate' | 'note', string>;

export function UpdateAct({
  view,
  base,
  again,
}: {
  readonly view: DocumentView;
  readonly base: string;
  readonly again: () => void;
}) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {w.update}
      </button>
      {open && (
        <UpdateSheet
          view={view}
          base={base}
          onClose={() => setOpen(false)}
          onDone={() => {
            setOpen(false);
            again();
          }}
        />
      )}
    </>
  );
}

function UpdateSheet({
  view,
  base,
  onClose,
  onDone,
}: {
  readonly view: DocumentView;
  readonly base: string;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const m = view.metadata;
  const before: Fields = {
    subject: m?.subject ?? '',
    number: m?.number ?? '',
    notation: m?.notation ?? '',
    type: m?.type ?? '',
    issueDate: m?.issueDate ?? '',
    note: m?.note ?? '',
  };
  const [fields, setFields] = useState(before);
  const [reason, setReason] = useState('');
  const act = useAct();
  const change = (some: Partial<Fields>) => setFields((now) => ({ ...now, ...some }));
  const changed = Object.fromEntries(
    (Object.keys(fields) as (keyof Fields)[])
      .filter((name) => fields[name] !== before[name])
      .map((name) => [name, fields[name].normalize('NFC').trim()]),
  );
  const d = words.document;
  return (
    <Dialog title={w.updateTitle} onClose={onClose}>
      <p class="muted">{w.updateHow}</p>
      <ProblemNotice problem={act.problem} />
      <Field
        label={d.subject}
        value={fields.subject}
        onValue={(subject) => change({ subject })}
        rows={2}
        lengthMax={500}
        autofocus
      />
      <div class="row">
        <Field label={d.type} value={fields.type} onValue={(type) => change({ type })} lengthMax={100} />
        <Field
          label={words.compose.number}
          value={fields.number}
          onValue={(number) => change({ number })}
          lengthMax={20}
        />
        <Field
          label={words.compose.notation}
          value={fields.notation}
          onValue={(notation) => change({ notation })}
          lengthMax={50}
        />
        <DayField
          label={d.issueDate}
          value={fields.issueDate}
          onValue={(issueDate) => change({ issueDate })}
        />
      </div>
      <Field label={d.note} value={fields.note} onValue={(note) => change({ note })} lengthMax={500} />
      <Field label={w.updateReason} value={reason} onValue={setReason} rows={2} lengthMax={1_000} required />
      <SheetActs
        label={w.updateSend}
        disabled={act.busy || reason.trim() === '' || Object.keys(changed).length === 0}
        onMain={() =>
          act.run(async () => {
            await post(`${base}/update`, { reason: reason.normalize('NFC').trim(), fields: changed });
            say(w.updated);
            onDone();
          })
        }
        onClose={onClose}
      />
    </Dialog>
  );
}

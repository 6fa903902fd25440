// Gửi thêm nơi nhận: a sent document goes to further recipients. Only they are chosen here; document, files and number are those that were sent. A draft
// like any other: saved by itself, looked at on a sheet, thirty seconds to undo.
import { useEffect, useState } from 'preact/hooks';
import type { DocumentView } from '../../../core.ts';
import { standingsOf } from '../../../recipients/newest.ts';
import { type Draft, type DraftFields, emptyFields } from '../../contract.ts';
import { documentName } from '../format.ts';
import { useLoad } from '../load.ts';
import { Link, Loading, ProblemNotice, Title } from '../widgets/basics.tsx';
import { DraftActs, DraftTrouble, useDraft } from '../widgets/draft-acts.tsx';
import { RecipientPicker } from '../widgets/recipient-picker.tsx';
import { stateText } from '../widgets/recipient-table.tsx';
import { words } from '../words.ts';

const w = words.further;
type Props = { readonly draft: string; readonly loaded: Draft | 'new'; readonly of: string };

export function Further({ draft, loaded, of }: Props) {
  const path = `/documents/out/${of}`;
  const { value: view, problem, again } = useLoad<DocumentView>(path, `${path}?refresh=1`);
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  return view ? <Form draft={draft} loaded={loaded} view={view} /> : <Loading />;
}

const urgencies = Object.keys(words.urgencyNames);

/** What lists and the sheet show of the draft, as the document says it. */
const fieldsOf = ({ documentId, metadata: m, urgency }: DocumentView): DraftFields => ({
  ...emptyFields,
  furtherOf: documentId,
  urgency: urgencies[urgency] ?? 'normal',
  ...(m ? { number: m.number, notation: m.notation, subject: m.subject, type: m.type } : {}),
});

function Form({
  draft,
  loaded,
  view,
}: {
  readonly draft: string;
  readonly loaded: Draft | 'new';
  readonly view: DocumentView;
}) {
  const fresh = loaded === 'new';
  const [fields, setFields] = useState<DraftFields>(fresh ? fieldsOf(view) : loaded.fields);
  const [missed, setMissed] = useState<readonly string[]>([]);
  const onItsWay = useDraft(draft, loaded, fields);
  useEffect(() => {
    document.querySelector<HTMLInputElement>('main [role=combobox]')?.focus();
  }, []);
  return (
    <>
      <Title>{w.title}</Title>
      <p class="muted">{w.how}</p>
      <DraftTrouble on={onItsWay} />
      <section class="card">
        <h2>{w.document}</h2>
        <p>
          <Link to={`/di/${view.documentId}`}>
            <strong>{documentName(fields) || words.list.noNumber}</strong> –{' '}
            {fields.subject || words.list.noSubject}
          </Link>
        </p>
        <h3>{w.had}</h3>
        <ul class="chips">
          {standingsOf(view.envelopes).map((to) => (
            <li key={`${to.desk}@${to.code}`} style={{ paddingRight: '12px' }}>
              <span>
                {to.name || to.code} <span class="muted">{stateText(to)}</span>
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section class="card">
        <h2>{w.more}</h2>
        <RecipientPicker
          recipients={fields.recipients}
          printed={[]}
          onRecipients={(recipients) => setFields((before) => ({ ...before, recipients }))}
          onMissed={(lines) => setMissed([...missed, ...lines])}
        />
        {missed.length > 0 && <p class="notice warn">{w.paper(missed.join('; '))}</p>}
      </section>
      <DraftActs on={onItsWay} />
    </>
  );
}

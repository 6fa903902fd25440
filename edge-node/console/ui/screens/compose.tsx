// S4 Soạn văn bản: files, facts, recipients on one page; saved by itself within a second on the node. Sending asks once, naming what goes to whom.

import { useEffect, useState } from 'preact/hooks';
import type { DocumentView } from '../../../core.ts';
import { standingsOf } from '../../../recipients/newest.ts';
import { type Draft, type DraftFields, emptyFields, type Matched } from '../../contract.ts';
import { get, Problem, type ProblemBody, post, problemOf, queryOf } from '../api.ts';
import { nowMs } from '../clock.ts';
import { todayIso } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { go } from '../router.ts';
import { Field, Link, Loading, ProblemNotice, Title } from '../widgets/basics.tsx';
import { ComposeFacts } from '../widgets/compose-facts.tsx';
import { nameOrNone } from '../widgets/document-rows.tsx';
import { DraftActs, DraftTrouble, useDraft } from '../widgets/draft-acts.tsx';
import { FileDrop } from '../widgets/file-drop.tsx';
import { RecipientPicker } from '../widgets/recipient-picker.tsx';
import { useLooks, useSuggestions } from '../widgets/suggestions.tsx';
import { isPdf, Viewer } from '../widgets/viewer.tsx';
import { words } from '../words.ts';
import { Further } from './further.tsx';

const w = words.compose;

type Props = {
  readonly draft: string | undefined;
  readonly to: string | undefined;
  readonly answers: string | undefined;
  readonly replaces: string | undefined;
  readonly furtherOf: string | undefined;
};

export function Compose({ draft, to, answers, replaces, furtherOf }: Props) {
  // A draft has its address from the first moment, so that a reload finds it.
  useEffect(() => {
    if (!draft)
      go(
        `/soan/${crypto.randomUUID()}${queryOf({ toi: to, 'tra-loi': answers, 'thay-the': replaces, 'gui-them': furtherOf })}`,
        { replace: true },
      );
  }, [draft]);
  const [loaded, setLoaded] = useState<Draft | 'new'>();
  const [problem, setProblem] = useState<ProblemBody>();
  const [undone, setUndone] = useState(0);
  useEffect(() => {
    if (draft)
      get<Draft>(`/drafts/${draft}`).then(setLoaded, (error: unknown) => {
        if (error instanceof Problem && error.body.code === 'draft-unknown') setLoaded('new');
        else setProblem(problemOf(error));
      });
  }, [draft, undone]);
  if (problem) return <ProblemNotice problem={problem} />;
  if (!draft || !loaded) return <Loading />;
  if (loaded !== 'new' && loaded.state !== 'open')
    return <Leaving draft={loaded} onUndone={() => setUndone(undone + 1)} />;
  const further = loaded === 'new' ? furtherOf : loaded.fields.furtherOf;
  if (further) return <Further key={draft} draft={draft} loaded={loaded} of={further} />;
  return <Form draft={draft} loaded={loaded} to={to} answers={answers} replaces={replaces} />;
}

/** A draft that waits for its thirty seconds, or has become a document. */
function Leaving({ draft, onUndone }: { readonly draft: Draft; readonly onUndone: () => void }) {
  const [now, setNow] = useState(nowMs());
  const act = useAct();
  useEffect(() => {
    const timer = setInterval(() => setNow(nowMs()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.ceil(((draft.dueMs ?? 0) - now) / 1000));
  return (
    <>
      <Title>{w.title}</Title>
      <ProblemNotice problem={act.problem} />
      {draft.state === 'held' && seconds > 0 ? (
        <div class="notice warn">
          <p>{w.held(seconds)}</p>
          <button
            type="button"
            onClick={() =>
              act.run(async () => {
                await post(`/drafts/${draft.draft}/undo`);
                onUndone();
              })
            }
          >
            {w.undo}
          </button>
        </div>
      ) : (
        <div class="notice good">
          <p>{w.sent}</p>
          <Link to={draft.documentId ? `/di/${draft.documentId}` : '/di'}>{w.seeSent}</Link>
        </div>
      )}
    </>
  );
}

type FormProps = {
  readonly draft: string;
  readonly loaded: Draft | 'new';
  readonly to: string | undefined;
  readonly answers: string | undefined;
  readonly replaces: string | undefined;
};

/** What a replacement has in common with the document whose place it takes; number, date and files are its own. */
async function replacementOf(id: string): Promise<Partial<DraftFields>> {
  const { metadata: m, envelopes } = await get<DocumentView>(`/documents/out/${id}`);
  const signer = m?.signers[0];
  return {
    replaces: id,
    ...(m
      ? { type: m.type, subject: m.subject, notation: m.notation, otherPlaces: m.otherPlaces.join('\n') }
      : {}),
    ...(signer
      ? { signerName: signer.name, signerPosition: signer.position, signerCompetence: signer.competence }
      : {}),
    recipients: standingsOf(envelopes).map(({ code, desk, name }) => ({
      code: desk ? `${desk}@${code}` : code,
      name,
    })),
  };
}

function Form({ draft, loaded, to, answers, replaces }: FormProps) {
  const fresh = loaded === 'new';
  const [fields, setFields] = useState<DraftFields>(
    fresh ? { ...emptyFields, issueDate: todayIso(), answers: answers ?? '' } : loaded.fields,
  );
  const onItsWay = useDraft(draft, loaded, fields);
  const { act } = onItsWay;
  const change = (some: Partial<DraftFields>) => setFields((before) => ({ ...before, ...some }));
  const looks = useLooks(fields.parts);
  const main = fields.parts[0];
  const suggested = useSuggestions(main && looks.get(main.handle), fields, change);
  const pages = fields.parts
    .filter(isPdf)
    .map(({ handle, name }) => ({ name, path: `/drafts/files/${handle}/pages` }));
  useEffect(() => {
    if (fresh && to)
      act.run(async () =>
        change({ recipients: (await post<Matched>('/directory/match', { text: to })).found }),
      );
    if (fresh && replaces) act.run(async () => change(await replacementOf(replaces)));
  }, []);
  return (
    <>
      <Title>{w.title}</Title>
      <div class="notice warn">
        <p>{w.secret}</p>
      </div>
      <DraftTrouble on={onItsWay} />
      <Relation fields={fields} change={change} />
      <section class="card">
        <h2>{w.files}</h2>
        <FileDrop
          looks={looks}
          parts={fields.parts}
          onPart={(part) => setFields((before) => ({ ...before, parts: [...before.parts, part] }))}
          onRemove={(handle) => change({ parts: fields.parts.filter((part) => part.handle !== handle) })}
        />
      </section>
      <div class={pages.length > 0 ? 'split' : ''}>
        <Viewer files={pages} />
        <div>
          <ComposeFacts fields={fields} change={change} suggested={suggested} />
          <section class="card">
            <h2>{w.recipients}</h2>
            <RecipientPicker
              recipients={fields.recipients}
              printed={suggested.look?.places ?? []}
              onRecipients={(recipients) => change({ recipients })}
              onMissed={(lines) =>
                change({ otherPlaces: [fields.otherPlaces, ...lines].filter(Boolean).join('\n') })
              }
            />
          </section>
        </div>
      </div>
      <DraftActs on={onItsWay} />
    </>
  );
}

/** What this draft answers, or whose place it takes; can be undone while it is a draft. */
/** The other document by its number and subject: which one it is must not be a guess. */
function Other({ to, path }: { readonly to: string; readonly path: string }) {
  const { value } = useLoad<DocumentView>(path, `${path}?refresh=1`);
  const metadata = value?.metadata;
  return (
    <Link to={to}>
      {metadata ? `${nameOrNone(metadata)} – ${metadata.subject || words.list.noSubject}` : w.openOld}
    </Link>
  );
}

function Relation({
  fields,
  change,
}: {
  readonly fields: DraftFields;
  readonly change: (some: Partial<DraftFields>) => void;
}) {
  if (fields.answers === '' && fields.replaces === '') return null;
  const replacing = fields.replaces !== '';
  return (
    <section class="card">
      <p>
        {replacing ? w.replacesNote : w.answersNote}{' '}
        {replacing ? (
          <Other to={`/di/${fields.replaces}`} path={`/documents/out/${fields.replaces}`} />
        ) : (
          <Other to={`/den/${fields.answers}`} path={`/documents/in/${fields.answers}`} />
        )}{' '}
        <button type="button" class="plain" onClick={() => change({ answers: '', replaces: '', reason: '' })}>
          {w.unlink}
        </button>
      </p>
      {replacing && (
        <Field
          label={w.replaceReason}
          value={fields.reason}
          onValue={(reason) => change({ reason })}
          lengthMax={1_000}
          required
        />
      )}
    </section>
  );
}

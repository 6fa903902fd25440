// What a document says of itself, its files, and the technical facts that a person rarely needs but must be able to see.
import type { DocumentView } from '../../../core.ts';
import { bytesText, dayText, documentName, isoToDay, timeText } from '../format.ts';
import { words } from '../words.ts';
import { Link, Tag } from './basics.tsx';

const w = words.document;

/** Of an arrival: the term that this office accepted it with. */
function dueOf({ envelopes }: DocumentView): string | undefined {
  const dueMs = envelopes[0]?.recipients.find((to) => to.dueMs !== undefined)?.dueMs;
  return dueMs === undefined ? undefined : dayText(dueMs);
}

export function Facts({ view, sender }: { readonly view: DocumentView; readonly sender: string }) {
  const m = view.metadata;
  const rows: readonly (readonly [string, string | undefined])[] = [
    [w.number, m && documentName(m)],
    [w.type, m?.type],
    [w.subject, m?.subject],
    [w.issuer, sender],
    [
      w.signer,
      m?.signers
        .map(({ name, position, competence }) => [competence, position, name].filter(Boolean).join(' '))
        .join('; '),
    ],
    [w.issueDate, m && isoToDay(m.issueDate)],
    [w.urgency, words.urgency[view.urgency]],
    [words.work.due, dueOf(view)],
    [w.sphere, m?.sphere],
    [w.pages, m?.pages ? String(m.pages) : ''],
    [w.copies, m?.copies ? String(m.copies) : ''],
    [w.paper, m?.paperFollows ? w.paperYes : ''],
    [w.otherPlaces, m?.otherPlaces.join('; ')],
    [w.note, m?.note],
  ];
  return (
    <section class="card">
      <h2>{w.info}</h2>
      {!m && <p class="notice warn">{w.erased}</p>}
      <dl class="facts">
        {rows
          .filter(([, value]) => value)
          .map(([label, value]) => (
            <>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </>
          ))}
      </dl>
      {view.links
        .filter(({ documentId }) => documentId)
        .map((link) => (
          <p key={link.documentId} style={{ margin: '10px 0 0' }}>
            {linkWords[link.relation] && <Tag>{linkWords[link.relation]}</Tag>}{' '}
            <Link to={`/${linkList(view.direction, link.relation)}/${link.documentId}`}>{w.open}</Link>
          </p>
        ))}
    </section>
  );
}

const answersRelation = 5;
const linkWords: Readonly<Record<number, string>> = { 2: w.replaces, [answersRelation]: w.answers };
/** An answer is about what came from the other side; everything else about what went the same way. */
const linkList = (direction: 'in' | 'out', relation: number): string =>
  (direction === 'in') === (relation === answersRelation) ? 'di' : 'den';

export function Files({ view, base }: { readonly view: DocumentView; readonly base: string }) {
  if (view.parts.length === 0) return null;
  return (
    <section class="card">
      <h2>{w.files}</h2>
      <ul class="files">
        {view.parts.map((part) => (
          <li key={part.index}>
            <span class="name">{part.name}</span>
            <span class="muted number">{bytesText(part.lengthBytes)}</span>
            <a
              class="button"
              href={`/c/v1${base}/parts/${part.index}`}
              aria-label={w.downloadNamed(part.name)}
              download
            >
              {w.download}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Technical({ view }: { readonly view: DocumentView }) {
  return (
    <section class="card">
      <details>
        <summary>{w.details}</summary>
        <dl class="facts">
          <dt>{w.documentId}</dt>
          <dd class="code">{view.documentId}</dd>
          {view.envelopes
            .filter(({ envelopeId }) => envelopeId)
            .map(({ envelopeId, sealedMs }) => (
              <>
                <dt>{w.envelope}</dt>
                <dd class="code">
                  {envelopeId} {sealedMs && <span class="muted">{timeText(sealedMs)}</span>}
                </dd>
              </>
            ))}
          {view.parts.map((part) => (
            <>
              <dt>
                {w.digest} {part.name}
              </dt>
              <dd class="code">{part.sha256Hex}</dd>
            </>
          ))}
        </dl>
      </details>
    </section>
  );
}

/** What can be kept or shown elsewhere of what became of a document. */
export function Evidence({ base, view }: { readonly base: string; readonly view: DocumentView }) {
  const sealed = view.envelopes.filter(({ envelopeId }) => envelopeId);
  return (
    <section class="card">
      <h2>{w.evidence}</h2>
      <p class="muted">{w.proofHow}</p>
      <div class="acts">
        <a class="button" href={`/c/v1${base}/receipt`} download>
          {w.receipt}
        </a>
        {sealed.length < 2 ? (
          <a class="button" href={`/c/v1${base}/proof`} download>
            {w.proof}
          </a>
        ) : (
          sealed.map(({ envelopeId, sealedMs, recipients }) => (
            <a
              key={envelopeId}
              class="button"
              href={`/c/v1/documents/${view.direction}/${envelopeId}/proof`}
              download
            >
              {w.proofOf(
                timeText(sealedMs ?? view.createdMs),
                recipients.length === 1 ? recipients[0]!.name : w.places(recipients.length),
              )}
            </a>
          ))
        )}
      </div>
    </section>
  );
}

export const replyByText = (ms: number): string => (ms > 0 ? dayText(ms) : '');

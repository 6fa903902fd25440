// The verbs of drafts: save, check, send, take back, and the loop that hands in what was held for its thirty seconds. A held draft is sent
// whatever becomes of the browser; the same draft is never two documents (its id is the idempotency key).
// Before edge-node/outbox/submit.ts on a document's path.
import { catalogue, ExchangeError, isErrorCode, isExchangeError } from '../../protocol/errors.ts';
import { startWorker, type WorkLoop } from '../../protocol/node/worker.ts';
import { type SubmitBody, toSubmitRequest } from '../api/routes-documents.ts';
import type { EdgeContext } from '../context.ts';
import type { SubmitAnswer, SubmitRequest } from '../core.ts';
import { assertSendable, type createChecks } from './checks.ts';
import { type Draft, type DraftFields, type DraftRow, emptyFields } from './contract.ts';
import { detailWords } from './detail-words.ts';
import type { DraftRecord } from './drafts-reads.ts';
import type { Drafts, Who } from './verbs.ts';

/** Long enough to see a wrong recipient, short enough that nobody waits for it. */
export const undoMs = 30_000;
const retryMs = 15_000;
/** 1,024 recipients with names, 64 parts, 500 letters of subject. */
export const fieldsBytesMax = 512 * 1024;

type Deps = Pick<EdgeContext, 'store' | 'clock' | 'log' | 'random' | 'emit'> & {
  readonly submit: (request: SubmitRequest) => Promise<SubmitAnswer>;
  /** Sends a document of the unit to further recipients. */
  readonly extend: (id: string, how: { unit: string; to: readonly string[]; actor: string }) => Promise<void>;
  readonly judge: ReturnType<typeof createChecks>;
};

const draftOf = (row: DraftRecord): Draft => ({
  draft: row.draft,
  state: row.state,
  revision: row.revision,
  // A field that a later version added is empty in a draft of before.
  fields: { ...emptyFields, ...(JSON.parse(row.fields) as Partial<DraftFields>) },
  by: row.email,
  changedMs: row.changed_ms,
  dueMs: row.due_ms ?? undefined,
  documentId: row.document_id ?? undefined,
  lastError: row.last_error === null ? undefined : failureWords(row.last_error),
});

/** "code: detail" as it is kept -> what a clerk reads. */
function failureWords(kept: string): string {
  const [, code = '', detail = ''] = /^([a-z0-9-]+)(?:: ([\s\S]*))?$/.exec(kept) ?? [];
  const row = isErrorCode(code) ? catalogue[code] : undefined;
  const said = detail && detailWords(detail);
  return row ? `${row.title.vi}${said ? ` (${said})` : ''}. ${row.remedy.vi} (mã ${code})` : kept;
}

/** As office software would hand it in over the API: one shape, one judge. */
export function bodyOf(f: DraftFields, unit: string): SubmitBody {
  const text = (name: keyof DraftFields & string) => {
    const value = String(f[name]).normalize('NFC').trim();
    return value === '' ? {} : { [name]: value };
  };
  const whole = (name: 'pages' | 'copies') => (/^\d{1,6}$/.test(f[name]) ? { [name]: Number(f[name]) } : {});
  const places = f.otherPlaces
    .split('\n')
    .map((place) => place.trim())
    .filter(Boolean);
  return {
    unit,
    recipients: f.recipients.map(({ code }) => code),
    parts: f.parts.map(({ handle, name, mediaType }) => ({ name, mediaType, uploadId: handle })),
    urgency: f.urgency as NonNullable<SubmitBody['urgency']>,
    ...text('subject'),
    ...text('number'),
    ...text('notation'),
    ...text('type'),
    ...text('issueDate'),
    ...text('note'),
    ...whole('pages'),
    ...whole('copies'),
    ...(f.signerName.trim() === ''
      ? {}
      : {
          signers: [
            {
              name: f.signerName.normalize('NFC').trim(),
              position: f.signerPosition.normalize('NFC').trim(),
              competence: f.signerCompetence.normalize('NFC').trim(),
            },
          ],
        }),
    ...(f.origin === 'scan' || f.origin === 'digital' ? { origin: f.origin } : {}),
    ...(f.paperFollows ? { paperFollows: true } : {}),
    ...(places.length > 0 ? { otherPlaces: places } : {}),
    // The end of that day in Vietnam.
    ...(f.replyBy === '' ? {} : { replyBy: `${f.replyBy}T17:00:00+07:00` }),
    ...linksOf(f),
  };
}

function linksOf({ answers, replaces, reason }: DraftFields): Pick<SubmitBody, 'kind' | 'links' | 'reason'> {
  const links = [
    ...(answers === '' ? [] : [{ relation: 'answers' as const, documentId: answers }]),
    ...(replaces === '' ? [] : [{ relation: 'replaces' as const, documentId: replaces }]),
  ];
  const said = reason.normalize('NFC').trim();
  return {
    ...(links.length > 0 ? { links } : {}),
    ...(replaces === '' ? {} : { kind: 'replacement' as const, ...(said === '' ? {} : { reason: said }) }),
  };
}

export function createDrafts({ store, clock, log, random, emit, submit, extend, judge }: Deps): Drafts {
  const find = (draft: string, unit: string): DraftRecord => {
    const row = store.draftOf(draft, unit);
    if (!row || row.state === 'dropped') throw new ExchangeError('draft-unknown');
    return row;
  };
  const changed = (draft: string) => emit({ kind: 'draft', draft });

  async function handIn(row: DraftRecord): Promise<void> {
    const { fields } = draftOf(row);
    const actor = row.sender === null ? row.email : (store.personById(row.sender)?.email ?? row.email);
    const nowMs = clock.nowMs();
    try {
      const documentId = fields.furtherOf || (await handInNew(row, fields, actor));
      // Repeated after a crash it adds nobody: who was added has the document.
      if (fields.furtherOf)
        await extend(documentId, {
          unit: row.unit,
          to: fields.recipients.map(({ code }) => code),
          actor,
        });
      await store.write('draftSent', { draft: row.draft, documentId, nowMs });
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      const later = error.row.retry === 'later';
      await store.write('draftFailed', {
        draft: row.draft,
        error: error.detail ? `${error.code}: ${error.detail.slice(0, 300)}` : error.code,
        dueMs: later ? nowMs + Math.max(retryMs, error.retryAfterMs ?? 0) : null,
        nowMs,
      });
    }
    changed(row.draft);
  }

  const handInNew = async (row: DraftRecord, fields: DraftFields, actor: string): Promise<string> =>
    (await submit(toSubmitRequest(bodyOf(fields, row.unit), `draft:${row.draft}`, actor))).documentId;

  const loop: WorkLoop = startWorker({
    clock,
    random,
    idleMs: 60_000,
    async step() {
      const due = store.draftsDue(clock.nowMs());
      for (const row of due) await handIn(row);
      if (due.length > 0) return 'more';
      const next = store.nextDraftDue();
      return next === undefined ? 'idle' : Math.max(50, next - clock.nowMs());
    },
    onError: (error, waitMs) => log.warn({ event: 'worker.waiting', worker: 'drafts', waitMs, err: error }),
  });

  return {
    list: (unit: string): readonly DraftRow[] =>
      store.draftsOf(unit).map((row) => {
        const { fields, draft, state, by, changedMs, dueMs, lastError } = draftOf(row);
        const { subject, notation, number } = fields;
        const recipients = fields.recipients.length;
        const further = fields.furtherOf !== '';
        return {
          draft,
          state,
          by,
          changedMs,
          dueMs,
          lastError,
          subject,
          notation,
          number,
          recipients,
          further,
        };
      }),
    /** Throws `draft-unknown`. */
    get: (draft: string, unit: string): Draft => draftOf(find(draft, unit)),
    /** Durable on return. `revision` 0 makes it. Throws `draft-changed`, `request-malformed`. */
    async save(
      who: Who,
      d: { readonly draft: string; readonly revision: number; readonly fields: DraftFields },
    ): Promise<{ readonly revision: number }> {
      const fields = JSON.stringify(d.fields);
      if (Buffer.byteLength(fields) > fieldsBytesMax)
        throw new ExchangeError('request-malformed', 'dự thảo quá lớn');
      return await store.write('draftSave', {
        draft: d.draft,
        unit: who.unit,
        person: who.personId,
        revision: d.revision,
        fields,
        handles: d.fields.parts.map(({ handle }) => handle),
        nowMs: clock.nowMs(),
      });
    },
    async drop(who: Who, draft: string): Promise<void> {
      await store.write('draftDrop', { draft, unit: who.unit, nowMs: clock.nowMs() });
      changed(draft);
    },
    /** What a person should see before it leaves. `stops`: it cannot be sent so. */
    async check(draft: string, unit: string) {
      return await judge(draftOf(find(draft, unit)).fields, unit);
    },
    /** Returns when it will be handed in. `flash` at once, everything else after the thirty seconds. */
    async send(who: Who, draft: string, revision: number): Promise<{ readonly dueMs: number }> {
      const row = find(draft, who.unit);
      // A second click, or a second clerk: it is on its way already.
      if (row.state === 'held' || row.state === 'sent') return { dueMs: row.due_ms ?? clock.nowMs() };
      const { fields } = draftOf(row);
      assertSendable(await judge(fields, who.unit));
      const nowMs = clock.nowMs();
      const dueMs = fields.urgency.startsWith('flash') ? nowMs : nowMs + undoMs;
      await store.write('draftHold', {
        draft,
        unit: who.unit,
        revision,
        sender: who.personId,
        actor: who.email,
        dueMs,
        nowMs,
      });
      changed(draft);
      loop.nudge();
      return { dueMs };
    },
    async undo(who: Who, draft: string): Promise<void> {
      find(draft, who.unit);
      await store.write('draftUndo', { draft, unit: who.unit, actor: who.email, nowMs: clock.nowMs() });
      changed(draft);
    },
    drain: () => loop.drain(),
    stop: () => loop.stop(),
  };
}

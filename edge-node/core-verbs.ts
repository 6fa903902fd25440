// The verbs of EdgeCore (core.ts) over the shared context: thin, each a call of the file that knows. Nothing here waits for the hub.
import { renewalDueMs } from '../certs/profile.ts';
import { dayOf } from '../protocol/calendar/working-days.ts';
import { unitStates } from '../protocol/directory.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { parseDocumentId, uuidFromBytes, uuidToBytes } from '../protocol/ids.ts';
import { modeWords } from '../protocol/node/at-rest/master.ts';
import type { BackupState } from '../protocol/node/backup-record.ts';
import { createPeople } from './accounts/people.ts';
import { createSignIn } from './accounts/sign-in.ts';
import { shownCertificate } from './console-certificate.ts';
import type { EdgeContext } from './context.ts';
import type { ContentHandle, EdgeCore, EdgeEvent, EdgeStatus, SubmitAnswer } from './core.ts';
import { findDocuments, rebuildSearch } from './find.ts';
import type { Fetcher } from './inbox/fetcher.ts';
import { inboxPage, outboxPage } from './lists.ts';
import { type OfficeHooks, officeVerbs } from './office/verbs.ts';
import { sendingUnit, submitDocument } from './outbox/submit.ts';
import { buildProof } from './proof.ts';
import { completenessOf } from './recipients/completeness.ts';
import { recipientsNamed } from './recipients/named.ts';
import { recipientVerbs } from './recipients/verbs.ts';
import { announce } from './safety/checker.ts';
import { assertReadable, heldRows, judgeHeld } from './safety/views.ts';
import { findUnits } from './search.ts';
import { createSelfTests } from './self-tests.ts';
import { statusVerbs } from './statuses/verbs.ts';
import { supportBundle } from './support-bundle.ts';
import { reportSecret } from './takedown/remover.ts';
import { documentState, find, openPart, showDocument } from './views.ts';
import { linkWords } from './words.ts';

const dayMs = 86_400_000;
/** How often a long stream looks at the disk. */
const lookEveryBytes = 64 * 1024 * 1024;

export type VerbHooks = OfficeHooks & {
  readonly fetcher: Fetcher;
  /** There is something to send or upload. */
  readonly nudge: () => void;
  /** How the watched folders stand. */
  readonly folders: () => EdgeStatus['folders'];
  /** There is something to destroy. */
  readonly destroy: () => void;
  readonly retryNow: () => void;
  /** The last backup of the folder. */
  readonly backup: () => BackupState;
  /** A report of a secret waits to be told. */
  readonly removal: () => void;
  readonly reloadIdentity: () => Promise<void>;
  readonly onEvent: (listener: (event: EdgeEvent) => void) => () => void;
};

export function coreVerbs(context: EdgeContext, hooks: VerbHooks): EdgeCore {
  const { store, clock, identity, directory } = context;

  function answer(documentId: Uint8Array, duplicate: boolean): SubmitAnswer {
    const row = store.documentById(documentId);
    const states = row ? store.latestRecipients(row.seq).map(({ state }) => state) : [];
    return { documentId: uuidFromBytes(documentId), state: documentState(states), duplicate };
  }

  function changed(documentId: Uint8Array): void {
    const row = store.documentById(documentId);
    if (row) context.emit({ kind: 'document', documentId: uuidFromBytes(documentId), unit: row.unit });
    hooks.nudge();
  }

  const run = createSelfTests(context, hooks.retryNow);
  return {
    ...statusVerbs(context, hooks),
    office: officeVerbs(context, hooks),
    async submit(request) {
      const { documentId, duplicate } = await submitDocument(request, context);
      if (duplicate) return answer(documentId, true);
      const text = uuidFromBytes(documentId);
      context.log.debug({ event: 'document.submitted', documentId: text });
      context.emit({
        kind: 'document',
        documentId: text,
        unit: request.unit ?? identity().units[0]?.unit ?? '',
      });
      hooks.nudge();
      return { documentId: text, state: 'queued', duplicate: false };
    },
    addContent: (body, options = {}) => addContent(body, options, context),
    async outbox(options = {}) {
      return outboxPage(options, context);
    },
    async inbox(options = {}) {
      return inboxPage(options, context);
    },
    async find(options = {}) {
      return findDocuments(options, context);
    },
    async rebuildSearch({ actor = '' } = {}) {
      await store.write('audit', { atMs: clock.nowMs(), actor, act: 'rebuild-search', about: '', said: '' });
      return rebuildSearch(context);
    },
    async show(id, options = {}) {
      const view = showDocument(id, options.direction, context);
      return { ...view, completeness: completenessOf(view) };
    },
    async readPart(id, index, options = {}) {
      return openPart(find(id, options.direction, context), index, options, context);
    },
    async resend(documentId, { to, actor = '' } = {}) {
      const id = uuidToBytes(parseDocumentId(documentId));
      context.disk.assertRoom();
      const only = recipientsNamed(id, to, context);
      await store.write('resendDocument', { documentId: id, only, actor, nowMs: clock.nowMs() });
      changed(id);
      return answer(id, false);
    },
    async settleFailures(documentId, { actor = '' } = {}) {
      const id = uuidToBytes(parseDocumentId(documentId));
      await store.write('settleFailures', { documentId: id, actor, nowMs: clock.nowMs() });
      changed(id);
    },
    async cancel(documentId, { to, actor = '' } = {}) {
      const id = uuidToBytes(parseDocumentId(documentId));
      const only = recipientsNamed(id, to, context);
      await store.write('cancelDocument', { documentId: id, only, actor, nowMs: clock.nowMs() });
      changed(id);
      return answer(id, false);
    },
    async retry(documentId, { actor = '' } = {}) {
      const id = uuidToBytes(parseDocumentId(documentId));
      await store.write('retryDocument', { documentId: id, actor, nowMs: clock.nowMs() });
      changed(id);
      hooks.retryNow();
      return answer(id, false);
    },
    async held(options = {}) {
      return store.reading(() => heldRows(Math.min(500, options.limit ?? 100), context));
    },
    async judgeHeld(id, { direction, ...how }) {
      const found = find(id, direction, context);
      const result = await judgeHeld(found, how, context);
      if (found.direction === 'out') changed(found.row.document_id);
      else if (result === 'released') announce(context, found.row.seq);
      return result;
    },
    async reportSecret(id, how) {
      await reportSecret(id, how, context);
      hooks.removal();
    },
    async status() {
      await context.safety.scanner.look();
      return statusOf(context, hooks);
    },
    units: () =>
      identity().units.map(({ unit, code, name, confirmed, certificate }) => {
        const named = directory.current().unit(unit);
        return {
          unit,
          code: named ? directory.current().codeOf(unit) : code,
          name: named?.name ?? name,
          confirmed: named ? named.state === unitStates.active : confirmed,
          sealDaysLeft: Math.floor((certificate.notAfterMs - clock.nowMs()) / dayMs),
        };
      }),
    recipients: recipientVerbs(context),
    searchDirectory: (text, options = {}) =>
      findUnits(directory.current(), text, {
        limit: Math.min(200, options.limit ?? 20),
        here: new Set(identity().units.map(({ unit }) => unit)),
      }),
    async proof(id, options = {}) {
      return store.reading(() => {
        const found = find(id, options.direction, context);
        if (options.withMetadata) assertReadable(found, context);
        return buildProof(found, { id, withMetadata: options.withMetadata ?? false }, context);
      });
    },
    async audit(options = {}) {
      const limit = Math.min(500, Math.max(1, options.limit ?? 100));
      const rows = store
        .auditPage(options.after, limit)
        .map(({ at_ms, ...row }) => ({ ...row, atMs: at_ms }));
      return { rows, next: rows.length === limit ? String(rows.at(-1)!.id) : undefined };
    },
    async noteAudit(entry) {
      await store.write('audit', { said: '', ...entry, atMs: clock.nowMs() });
    },
    async noteBackup({ actor }) {
      const { last } = hooks.backup();
      if (last === undefined) throw new ExchangeError('not-found', 'no backup of this folder');
      await store.write('audit', {
        atMs: clock.nowMs(),
        actor,
        act: 'backup',
        about: last.path,
        said: `${last.files} tệp`,
      });
      context.emit({ kind: 'backup' });
    },
    async alarmSeen(id, actor) {
      await store.write('alarmSeen', { id, actor, nowMs: clock.nowMs() });
    },
    selfTest: run,
    async supportBundle(actor) {
      await context.safety.scanner.look();
      await store.write('audit', { atMs: clock.nowMs(), actor, act: 'support-bundle', about: '', said: '' });
      return await supportBundle(context, { status: statusOf(context, hooks), run, actor });
    },
    people: createPeople(context),
    signIn: createSignIn(context),
    verifyAudit: store.verifyAudit,
    retryNow: hooks.retryNow,
    reloadIdentity: hooks.reloadIdentity,
    onEvent: hooks.onEvent,
  };
}

async function addContent(
  body: AsyncIterable<Uint8Array>,
  options: { readonly unit?: string; readonly signal?: AbortSignal },
  context: EdgeContext,
): Promise<ContentHandle> {
  const { store, clock, content, disk, line } = context;
  if (line.recovering()) throw new ExchangeError('store-recovering', '', { retryAfterMs: 5_000 });
  const unit = sendingUnit(options.unit, context);
  async function* watched(): AsyncGenerator<Uint8Array> {
    let sinceLook = lookEveryBytes;
    for await (const piece of body) {
      sinceLook += piece.length;
      if (sinceLook > lookEveryBytes) {
        disk.assertRoom();
        sinceLook = 0;
      }
      yield piece;
    }
  }
  const bounds = options.signal ? { signal: options.signal } : {};
  const { lengthBytes, sha256, treeRoot } = await content.addStream(watched(), bounds);
  if (store.isDenied(sha256)) {
    await content.destroy(sha256);
    throw new ExchangeError('secrecy-refused', 'this content was removed as a state secret');
  }
  const handle = Buffer.from(context.randomBytes(16)).toString('hex');
  await store.write('stageContent', {
    handle,
    unit,
    sha256,
    treeRoot,
    length: lengthBytes,
    nowMs: clock.nowMs(),
  });
  return { handle, lengthBytes, sha256Hex: Buffer.from(sha256).toString('hex') };
}

function atRestStatus({ atRest }: EdgeContext): EdgeStatus['atRest'] {
  const state = atRest();
  const mode = state?.mode ?? 'off';
  return { mode, recoveryConfirmed: state?.recoveryConfirmed ?? false, words: modeWords[mode] };
}

function safetyStatus({ store, safety }: EdgeContext): EdgeStatus['safety'] {
  const { held, pending } = store.checkCounts();
  return { held, checking: pending, scanner: safety.scanner.state(), policy: safety.policy.state() };
}

function statusOf(context: EdgeContext, { fetcher, folders, calendar, backup }: VerbHooks): EdgeStatus {
  const year = dayOf(context.clock.nowMs()).slice(0, 4);
  const { store, line, link, disk, clock, directory } = context;
  const failure = line.failure();
  const waiting = store.outboxWaiting();
  const current = directory.current();
  const { tlsCertificate, units, hubId } = context.identity();
  const shown = shownCertificate(context.config);
  const certificate = (file: string, c: { notBeforeMs: number; notAfterMs: number }, byHand = false) => ({
    file,
    daysLeft: Math.floor((c.notAfterMs - clock.nowMs()) / dayMs),
    renewalDue: clock.nowMs() >= renewalDueMs(c),
    byHand,
  });
  return {
    hub: {
      state: line.state(),
      code: failure?.code,
      detail: failure?.detail || undefined,
      words: linkWords(line.state(), failure?.code),
      lastContactMs: line.lastContactMs(),
      instance: link.instance(),
      epoch: store.numberFact('epoch'),
    },
    outbox: { waiting: waiting.waiting, oldestWaitingMs: waiting.oldestMs ?? undefined },
    receipts: { waiting: store.receiptsWaiting() },
    requests: { waiting: store.requestsWaiting() },
    inbox: { fetching: fetcher.fetching(), aside: store.asideCount() },
    disk: disk.state(),
    clock: { offsetMs: link.clockOffsetMs() },
    directory: {
      stamp: directory.stamp(),
      units: current.unitCount,
      expiresMs: current.hub(hubId)?.expiresMs,
    },
    certificates: [
      certificate('certs/node.pem', tlsCertificate),
      ...units.map((u) => certificate(`certs/seal-${u.unit}.pem`, u.certificate)),
      ...(shown ? [certificate('console', shown, true)] : []),
    ],
    recovering: line.recovering(),
    safety: safetyStatus(context),
    atRest: atRestStatus(context),
    backup: backup(),
    calendar: {
      year,
      known: calendar.current().known(year),
      next: calendar.current().known(String(Number(year) + 1)),
    },
    folders: folders(),
    alarms: store.alarms().map(({ at_ms, ...alarm }) => ({ ...alarm, atMs: at_ms })),
  };
}

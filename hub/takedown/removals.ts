// Removal of a state secret at the hub: decisions that operators signed become an order, what lies here is destroyed, peers fetch the order and bring
// signed words; other hubs get it, and bring it, with the decisions as they are. Each step is durable and taken up again after a crash: act,
// signature, destruction. Must never say "done" of what is still there, nor order what no operator signed.
import type { FastifyInstance } from 'fastify';
import { paths, protobufType } from '../../protocol/api.ts';
import {
  headerCodec,
  removalAnswerCodec,
  removalOrderCodec,
  removalRequestCodec,
  signedCodec,
} from '../../protocol/codec.ts';
import type { Directory } from '../../protocol/directory.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { AtRest } from '../../protocol/node/at-rest/open.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { emptyLog } from '../../protocol/node/sqlite.ts';
import {
  maySayRemoval,
  openAct,
  openDone,
  openOrder,
  openReport,
  removalActs,
  signDone,
  signOrder,
} from '../../protocol/removal.ts';
import type { SigningKey, Verifier } from '../../protocol/signature.ts';
import type { ResolveStatementSigner } from '../../protocol/statement.ts';
import { hubPeer } from '../peers.ts';
import { crossedContents } from '../store/border-removal.ts';
import type { HubStore } from '../store/store.ts';
import { contentsOf, deniedHash } from '../store/takedown-ops.ts';

export type RemovalDeps = {
  readonly hubId: string;
  readonly database: string;
  readonly store: HubStore;
  readonly content: ContentStore;
  readonly atRest: AtRest | undefined;
  readonly receiptsKey: () => SigningKey;
  readonly resolveStatement: ResolveStatementSigner;
  readonly verifier: Verifier;
  readonly directory: () => Directory;
  readonly clock: Clock;
  readonly log: Log;
  readonly wake: (peers: readonly string[]) => void;
  /** Hub id of the next hub, '' at the top. */
  readonly upstream: () => string;
};

/** Longer: a decision on paper may surprise; shorter: the second operator comes too late at night. */
const decisionLifeMs = 86_400_000;

type Row = {
  number: number;
  document_id: Uint8Array;
  sender: string;
  act: 'hide' | 'destroy';
  reason: string;
  operators: string;
  contents: string;
  keys: string;
  decided_by: string;
  acts: string;
  at_ms: number;
  signed: Uint8Array | null;
  done_here_ms: number | null;
};
const batch = 256;
/** Orders that a peer may push at once: each up to 150 KiB. */
export const ordersPushedMax = 16;

export type Removals = ReturnType<typeof createRemovals>;

export function createRemovals(deps: RemovalDeps) {
  const { store, content, clock } = deps;
  const { reader } = store;
  const trust = { resolve: deps.resolveStatement, verifier: deps.verifier };
  const operatorsOf = (hub: string) => deps.directory().hub(hub)?.operators ?? [];

  /** Number of the newest signed order for a peer. */
  const newestFor = (peer: string): number =>
    reader.get<{ n: number | null }>(
      'SELECT max(p.number) AS n FROM removal_peers p JOIN removals r ON r.number = p.number WHERE p.peer = ? AND r.signed IS NOT NULL',
      peer,
    )?.n ?? 0;

  /** Readers hold a log for moments; until it is empty the order is not done here, and all of it is done once more. */
  async function unlessRead(work: () => Promise<void>): Promise<void> {
    for (let tries = 0; ; tries++)
      try {
        await work();
        return;
      } catch (error) {
        if (tries >= 50 || !isExchangeError(error, 'overloaded')) throw error;
        await clock.sleep(100);
      }
  }

  async function destroy(row: Row): Promise<void> {
    const signed = (JSON.parse(row.contents) as string[]).map((hex) => Buffer.from(hex, 'hex'));
    for (const sha256 of [...signed, ...crossedContents(reader, row.document_id)]) {
      await content.destroy(sha256);
      await content.dropPartialsOf(sha256);
    }
    // 2 Rows and files are gone, keys and the log are not; a crash here: all of it once more.
    crashPoint('removal.2');
    deps.atRest?.keys.destroy(JSON.parse(row.keys) as number[]);
    if (!emptyLog(deps.database)) throw new ExchangeError('overloaded', 'the write-ahead log is in use');
  }

  /** Everything that an act or a crash left to do here. Idempotent. */
  async function carryOut(): Promise<void> {
    for (const row of reader.all<Row>('SELECT * FROM removals WHERE done_here_ms IS NULL ORDER BY number')) {
      store.forgetRecent();
      // 1 The act is durable, nothing is signed or destroyed; a crash here: taken up before the hub listens.
      crashPoint('removal.1');
      if (row.signed === null) await store.admin('removalSigned', { number: row.number, signed: sign(row) });
      if (row.act === 'destroy') await unlessRead(() => destroy(row));
      const nowMs = clock.nowMs();
      const word = signDone(
        {
          number: row.number,
          hub: deps.hubId,
          act: removalActs[row.act],
          documentId: row.document_id,
          unit: deps.hubId,
          found: reader.get('SELECT 1 FROM envelopes WHERE document_id = ?', row.document_id) !== undefined,
          atMs: nowMs,
        },
        deps.receiptsKey(),
      );
      // 3 Everything is gone, and not yet said.
      crashPoint('removal.3');
      await store.admin('removalDoneHere', { number: row.number, hub: deps.hubId, word, nowMs });
      deps.log.warn({ event: 'removal.ordered', number: row.number, act: row.act });
    }
  }

  const hubName = (hub: string): string => deps.directory().hub(hub)?.name || hub;

  const sign = (row: Row): Buffer =>
    signOrder(
      {
        number: row.number,
        hub: deps.hubId,
        act: removalActs[row.act],
        documentId: row.document_id,
        sender: row.sender,
        contents: (JSON.parse(row.contents) as string[]).slice(0, 4096).map((hex) => Buffer.from(hex, 'hex')),
        reason: row.reason.slice(0, 160),
        operators: JSON.parse(row.operators) as string[],
        atMs: row.at_ms,
        acts: (JSON.parse(row.acts) as string[]).map((text) => Buffer.from(text, 'base64')),
      },
      deps.receiptsKey(),
    );

  const envelopesOf = (documentId: Uint8Array) =>
    reader.all<{ sender: string; signed: Uint8Array }>(
      'SELECT sender, signed FROM envelopes WHERE document_id = ?',
      documentId,
    );

  /** By the sealed headers; a document that is not here has no parties to ask, and nothing to lose. */
  function assertMaySay(decidedBy: string, documentId: Uint8Array): void {
    const envelopes = envelopesOf(documentId);
    if (envelopes.length === 0) return;
    const parties = {
      sender: envelopes[0]!.sender,
      recipients: envelopes.flatMap(({ signed }) =>
        headerCodec.decode(signedCodec.decode(signed).bytes).recipients.map(({ unit }) => unit),
      ),
    };
    if (!maySayRemoval(deps.directory(), decidedBy, parties))
      throw new ExchangeError('removal-refused', `hub ${decidedBy} is no party to the document`);
  }

  /** What an operator is to sign: nothing here is a secret, and the hub adds nothing to it afterwards. Code: document-unknown. */
  function draft(documentId: Uint8Array) {
    const envelopes = envelopesOf(documentId);
    if (envelopes.length === 0) throw new ExchangeError('document-unknown');
    return {
      hub: deps.hubId,
      sender: envelopes[0]!.sender,
      senderCode: deps.directory().codeOf(envelopes[0]!.sender),
      contents: contentsOf(envelopes),
      operators: operatorsOf(deps.hubId).map((key) => ({
        name: key.name,
        publicKey: Buffer.from(key.publicKey).toString('base64'),
        untilMs: key.untilMs,
      })),
    };
  }

  /** An operator's signed decision. Codes: signer-unknown, signature-*, request-malformed, removal-refused and those of `removalOrder`. */
  async function decided(bytes: Uint8Array) {
    const act = await openAct(bytes, operatorsOf, deps.verifier);
    const name =
      act.act === removalActs.hide ? 'hide' : act.act === removalActs.destroy ? 'destroy' : undefined;
    if (act.hub !== deps.hubId || !name || act.documentId.length !== 16)
      throw new ExchangeError('request-malformed', 'a decision of an operator of this hub');
    // A paper that was signed and forgotten must not take force by surprise.
    if (Math.abs(clock.nowMs() - act.atMs) > decisionLifeMs)
      throw new ExchangeError('request-malformed', 'signed more than a day ago: sign it again');
    if (act.sender !== (envelopesOf(act.documentId)[0]?.sender ?? act.sender))
      throw new ExchangeError('request-malformed', 'another sender than the document has');
    assertMaySay(act.hub, act.documentId);
    return {
      documentId: act.documentId,
      act: name as Row['act'],
      reason: act.reason,
      operators: [act.operator],
      acts: [bytes],
      decidedBy: act.hub,
      ...(name === 'destroy' ? { contentsDigest: act.contentsDigest } : {}),
      nowMs: clock.nowMs(),
    };
  }

  /** Orders that another hub brings, or that peers remember of a time that this hub has lost. What is wrong for ever is an alarm, no loop. */
  async function takeOrders(orders: readonly Uint8Array[], from: string): Promise<void> {
    if (orders.length > batch) throw new ExchangeError('batch-too-large', `at most ${batch}`);
    for (const bytes of orders) {
      try {
        const order = await openOrder(bytes, { ...trust, operatorsOf, own: deps.hubId });
        if (order.hub !== from && order.hub !== deps.hubId)
          throw new ExchangeError('statement-mismatch', `an order of ${order.hub}`);
        assertMaySay(order.decidedBy, order.documentId);
        const { number, again } = await store.admin<{ number: number; again: boolean }>('removalOrder', {
          documentId: order.documentId,
          act: order.act === removalActs.hide ? 'hide' : 'destroy',
          reason: order.reason,
          operators: order.operators,
          acts: order.acts ?? [],
          decidedBy: order.decidedBy,
          told: true,
          contents: order.contents.map((each) => Buffer.from(each).toString('hex')),
          sender: order.sender,
          nowMs: clock.nowMs(),
        });
        if (!again) await afterAct(number);
      } catch (error) {
        if (!isExchangeError(error) || error.row.retry !== 'never') throw error;
        await store.alarm({
          code: error.code,
          about: `removal by ${from}`,
          said: error.detail,
          nowMs: clock.nowMs(),
        });
      }
    }
  }

  /** Orders for another hub: everything about documents that it had, in the order of our numbers. */
  const ordersFor = (peer: string, after: number, most = batch) =>
    reader.all<{ number: number; signed: Uint8Array }>(
      `SELECT DISTINCT r.number, r.signed FROM removals r JOIN removal_peers p ON p.number = r.number
       WHERE p.peer = ? AND r.number > ? AND r.signed IS NOT NULL ORDER BY r.number LIMIT ?`,
      peer,
      after,
      most,
    );
  /** Words for a hub that takes part, but for those that it brought itself. */
  const wordsFor = (peer: string, after: number) =>
    reader.all<{ id: number; bytes: Uint8Array }>(
      `SELECT w.id, w.bytes FROM removal_words w WHERE w.id > ?1 AND w.peer <> ?2
         AND EXISTS (SELECT 1 FROM removal_peers p WHERE p.number = w.number AND p.peer = ?2) ORDER BY w.id LIMIT ?3`,
      after,
      peer,
      batch,
    );

  async function afterAct(number: number): Promise<void> {
    await carryOut();
    deps.wake(
      reader
        .all<{ peer: string }>('SELECT DISTINCT peer FROM removal_peers WHERE number = ?', number)
        .map(({ peer }) => peer),
    );
  }

  async function takeReport(bytes: Uint8Array): Promise<void> {
    const report = await openReport(bytes, trust);
    await store.admin('secretReported', { ...report, bytes, nowMs: clock.nowMs() });
    await store.alarm({
      code: 'secret-reported',
      about: uuidFromBytes(report.documentId),
      said: `${deps.directory().codeOf(report.unit)}: ${report.person}`.slice(0, 300),
      nowMs: clock.nowMs(),
    });
  }

  async function takeDone(
    bytes: Uint8Array,
    peer: { readonly kind: string; readonly id: string },
  ): Promise<void> {
    const done = await openDone(bytes, trust);
    // A node speaks for its units; a hub for itself and for whoever stands behind it, in their own signed words.
    if (
      peer.kind !== 'hub' &&
      (done.hub !== deps.hubId || deps.directory().unit(done.unit)?.node !== peer.id)
    )
      throw new ExchangeError('peer-not-recipient', done.unit);
    const news = await store.admin<boolean>('removalConfirmed', {
      documentId: done.documentId,
      act: done.act === removalActs.hide ? 'hide' : 'destroy',
      peer: peer.id,
      unit: done.unit,
      found: done.found,
      atMs: done.atMs,
      bytes,
    });
    if (news && deps.upstream() !== '') deps.wake([deps.upstream()]);
  }

  return {
    newestFor,
    carryOut,
    // Asked for every part of every document; at nearly every hub the list is empty.
    denied: (sha256: Uint8Array): boolean =>
      reader.get('SELECT 1 FROM denied LIMIT 1') !== undefined &&
      reader.get('SELECT 1 FROM denied WHERE hash = ?', deniedHash(reader, sha256)) !== undefined,
    /** Nothing of this document is taken any more: at least one operator has it hidden. */
    removed: (documentId: Uint8Array): boolean =>
      reader.get('SELECT 1 FROM removals WHERE document_id = ?', documentId) !== undefined,
    draft,
    decided,
    takeOrders,
    takeDone,
    ordersFor,
    wordsFor,
    /** Of an order that was verified. */
    numberOf: (bytes: Uint8Array): number => removalOrderCodec.decode(signedCodec.decode(bytes).bytes).number,
    /** True while a peer has not confirmed everything. */
    openAt: (peer: string): boolean =>
      reader.get('SELECT 1 FROM removal_peers WHERE peer = ? AND confirmed_ms IS NULL', peer) !== undefined,
    /** After the operator's act is committed. */
    afterAct,
    /** Everything about the removals of one document, or of all: times, what each peer has confirmed, who is missing. The trace without content. */
    report(documentId?: Uint8Array) {
      const rows = reader.all<Row>(
        'SELECT * FROM removals WHERE ?1 IS NULL OR document_id = ?1 ORDER BY number',
        documentId ?? null,
      );
      return rows.map((row) => ({
        number: row.number,
        documentId: uuidFromBytes(row.document_id),
        sender: deps.directory().codeOf(row.sender),
        act: row.act,
        reason: row.reason,
        operators: JSON.parse(row.operators) as string[],
        decidedBy: hubName(row.decided_by || deps.hubId),
        orderedMs: row.at_ms,
        doneHereMs: row.done_here_ms,
        reports: reader
          .all<{ unit: string; person: string; reason: string; at_ms: number; received_ms: number }>(
            'SELECT unit, person, reason, at_ms, received_ms FROM secret_reports WHERE document_id = ? ORDER BY id',
            row.document_id,
          )
          .map(({ unit, at_ms, received_ms, ...rest }) => ({
            ...rest,
            unit: deps.directory().codeOf(unit),
            atMs: at_ms,
            receivedMs: received_ms,
          })),
        peers: reader
          .all<{
            peer: string;
            unit: string;
            confirmed_ms: number | null;
            found: number | null;
            last_seen_ms: number | null;
            system: string | null;
          }>(
            `SELECT p.peer, p.unit, p.confirmed_ms, p.found, q.last_seen_ms, b.system FROM removal_peers p LEFT JOIN peers q ON q.peer = p.peer
             LEFT JOIN borders b ON b.node = p.peer WHERE p.number = ? ORDER BY p.unit`,
            row.number,
          )
          .map(({ peer, unit, confirmed_ms, found, last_seen_ms, system }) => ({
            peer,
            unit: unit.startsWith('h') ? hubName(unit) : deps.directory().codeOf(unit),
            hub: unit.startsWith('h'),
            via: peer.startsWith('h') && unit !== peer ? hubName(peer) : '',
            confirmedMs: confirmed_ms,
            found: found === null ? null : found === 1,
            lastSeenMs: last_seen_ms,
            // No order reaches another system: a person writes to that office.
            beyond: system,
          })),
      }));
    },
    routes(app: FastifyInstance): void {
      app.post(paths.removals, { bodyLimit: removalRequestCodec.bytesMax }, async (request, reply) => {
        const peer = hubPeer(request.peer);
        const asked = removalRequestCodec.decode(request.body as Buffer);
        const { after, done, reports, orders: pushed = [], wordsAfter = 0 } = asked;
        if (done.length > batch || reports.length > batch || pushed.length > ordersPushedMax)
          throw new ExchangeError('batch-too-large', `at most ${batch}`);
        for (const each of reports) await takeReport(each);
        await takeOrders(pushed, peer.kind === 'hub' ? peer.id : deps.hubId);
        for (const each of done) await takeDone(each, peer);
        const words = peer.kind === 'hub' ? wordsFor(peer.id, wordsAfter) : [];
        return reply.type(protobufType).send(
          removalAnswerCodec.encode({
            orders: ordersFor(peer.id, after).map(({ signed }) => signed),
            done: words.map(({ bytes }) => bytes),
            wordsLast: words.at(-1)?.id ?? wordsAfter,
          }),
        );
      });
    },
  };
}

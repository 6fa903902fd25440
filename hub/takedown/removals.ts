// Removal of a state secret at the hub: an operator's act becomes a signed order, what lies here is destroyed, peers fetch the order and bring their units'
// signed words. Each step is durable and taken up again after a crash: act, signature, destruction. Must never say "done" of what is still there.
import type { FastifyInstance } from 'fastify';
import { paths, protobufType } from '../../protocol/api.ts';
import { removalAnswerCodec, removalRequestCodec } from '../../protocol/codec.ts';
import type { Directory } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { AtRest } from '../../protocol/node/at-rest/open.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { emptyLog } from '../../protocol/node/sqlite.ts';
import { openDone, openReport, removalActs, signOrder } from '../../protocol/removal.ts';
import type { SigningKey, Verifier } from '../../protocol/signature.ts';
import type { ResolveStatementSigner } from '../../protocol/statement.ts';
import { hubPeer } from '../peers.ts';
import type { HubStore } from '../store/store.ts';
import { deniedHash } from '../store/takedown-ops.ts';

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
};

type Row = {
  number: number;
  document_id: Uint8Array;
  sender: string;
  act: 'hide' | 'destroy';
  reason: string;
  operators: string;
  contents: string;
  keys: string;
  at_ms: number;
  signed: Uint8Array | null;
  done_here_ms: number | null;
};
const batch = 256;

export type Removals = ReturnType<typeof createRemovals>;

export function createRemovals(deps: RemovalDeps) {
  const { store, content, clock } = deps;
  const { reader } = store;

  /** Number of the newest signed order for a peer. */
  const newestFor = (peer: string): number =>
    reader.get<{ n: number | null }>(
      'SELECT max(p.number) AS n FROM removal_peers p JOIN removals r ON r.number = p.number WHERE p.peer = ? AND r.signed IS NOT NULL',
      peer,
    )?.n ?? 0;

  /** Everything that an act or a crash left to do here. Idempotent. */
  async function carryOut(): Promise<void> {
    for (const row of reader.all<Row>('SELECT * FROM removals WHERE done_here_ms IS NULL ORDER BY number')) {
      store.forgetRecent();
      if (row.signed === null) await store.admin('removalSigned', { number: row.number, signed: sign(row) });
      if (row.act === 'destroy') {
        for (const hex of JSON.parse(row.contents) as string[]) {
          const sha256 = Buffer.from(hex, 'hex');
          await content.destroy(sha256);
          await content.dropPartialsOf(sha256);
        }
        deps.atRest?.keys.destroy(JSON.parse(row.keys) as number[]);
        // Readers hold the log for moments; until it is empty the order is not done here.
        for (let tries = 0; !emptyLog(deps.database); tries++) {
          if (tries >= 50) throw new ExchangeError('overloaded', 'the write-ahead log is in use');
          await clock.sleep(100);
        }
      }
      await store.admin('removalDoneHere', { number: row.number, nowMs: clock.nowMs() });
      deps.log.warn({ event: 'removal.ordered', number: row.number, act: row.act });
    }
  }

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
      },
      deps.receiptsKey(),
    );

  async function takeReport(bytes: Uint8Array): Promise<void> {
    const trust = { resolve: deps.resolveStatement, verifier: deps.verifier };
    const report = await openReport(bytes, trust);
    await store.admin('secretReported', { ...report, bytes, nowMs: clock.nowMs() });
    await store.alarm({
      code: 'secret-reported',
      about: uuidFromBytes(report.documentId),
      said: `${deps.directory().codeOf(report.unit)}: ${report.person}`.slice(0, 300),
      nowMs: clock.nowMs(),
    });
  }

  async function takeDone(bytes: Uint8Array, peer: string): Promise<void> {
    const done = await openDone(bytes, { resolve: deps.resolveStatement, verifier: deps.verifier });
    if (done.hub !== deps.hubId || deps.directory().unit(done.unit)?.node !== peer)
      throw new ExchangeError('peer-not-recipient', done.unit);
    await store.admin('removalConfirmed', {
      number: done.number,
      peer,
      unit: done.unit,
      found: done.found,
      atMs: done.atMs,
      bytes,
    });
  }

  return {
    newestFor,
    carryOut,
    denied: (sha256: Uint8Array): boolean =>
      reader.get('SELECT 1 FROM denied WHERE hash = ?', deniedHash(reader, sha256)) !== undefined,
    /** After the operator's act is committed. */
    async afterAct(number: number): Promise<void> {
      await carryOut();
      deps.wake(
        reader
          .all<{ peer: string }>('SELECT DISTINCT peer FROM removal_peers WHERE number = ?', number)
          .map(({ peer }) => peer),
      );
    },
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
          }>(
            `SELECT p.peer, p.unit, p.confirmed_ms, p.found, q.last_seen_ms FROM removal_peers p LEFT JOIN peers q ON q.peer = p.peer WHERE p.number = ? ORDER BY p.unit`,
            row.number,
          )
          .map(({ peer, unit, confirmed_ms, found, last_seen_ms }) => ({
            peer,
            unit: deps.directory().codeOf(unit),
            confirmedMs: confirmed_ms,
            found: found === null ? null : found === 1,
            lastSeenMs: last_seen_ms,
          })),
      }));
    },
    routes(app: FastifyInstance): void {
      app.post(paths.removals, { bodyLimit: removalRequestCodec.bytesMax }, async (request, reply) => {
        const peer = hubPeer(request.peer);
        const { after, done, reports } = removalRequestCodec.decode(request.body as Buffer);
        if (done.length > batch || reports.length > batch)
          throw new ExchangeError('batch-too-large', `at most ${batch}`);
        for (const each of reports) await takeReport(each);
        for (const each of done) await takeDone(each, peer.id);
        const orders = reader
          .all<{ signed: Uint8Array }>(
            `SELECT DISTINCT r.number, r.signed FROM removals r JOIN removal_peers p ON p.number = r.number
             WHERE p.peer = ? AND r.number > ? AND r.signed IS NOT NULL ORDER BY r.number LIMIT ?`,
            peer.id,
            after,
            batch,
          )
          .map(({ signed }) => signed);
        return reply.type(protobufType).send(removalAnswerCodec.encode({ orders }));
      });
    },
  };
}

// Acceptance inside the writer thread: the duplicate decision, the rows, the receipt. The checks that need no transaction are in
// hub/ingress/accept.ts. After the COMMIT that holds these rows the hub owns the document.
import { hopCodec, signedStatementCodec } from '../../protocol/codec.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { type Cell, releaseCell } from '../../protocol/node/at-rest/cells.ts';
import { buildStatement, type EventName, outcomes, parseStatement } from '../../protocol/statement.ts';
import { hopsWrapper } from '../../protocol/wire-splice.ts';
import { noteRecalls, wasRecalled } from './recall-ops.ts';
import { insertHubCheck, isStopped } from './safety-ops.ts';
import type { AcceptArgs, AcceptResult, RefuseArgs, Shared } from './types.ts';

type Fresh = {
  readonly digest: Buffer;
  /** Signed indexes that the leg names. */
  readonly covered: ReadonlySet<number>;
  readonly result: AcceptResult;
};
type KnownRow = { seq: number; digest: Uint8Array; receipt: Uint8Array };

const going = ({ outcome }: { readonly outcome: number }) => outcome !== outcomes.refused;

function eventOf({ deliveries, fromHub }: AcceptArgs): EventName {
  const some = deliveries.some(going);
  if (fromHub) return some ? 'RelayAcceptance' : 'RelayRejection';
  return some ? 'SubmissionAcceptance' : 'SubmissionRejection';
}

export function acceptOps(shared: Shared) {
  const { db, context, ledger } = shared;
  // Accepted in this batch and not inserted yet: a second copy in the same batch gets the same receipt.
  const fresh = new Map<string, Fresh>();
  const keyOf = ({ sender, envelopeId }: AcceptArgs) =>
    `${sender} ${Buffer.from(envelopeId).toString('latin1')}`;
  // Bytes of this batch that no row counts yet, by sender.
  const freshBytes = new Map<string, number>();

  /** Codes: duplicate-conflict, part-missing. */
  function accept(args: AcceptArgs): AcceptResult {
    const known = db.get<KnownRow>(
      'SELECT seq, digest, receipt FROM envelopes WHERE sender = ? AND envelope_id = ?',
      args.sender,
      args.envelopeId,
    );
    if (known) {
      if (Buffer.compare(known.digest, args.digest) !== 0) throw new ExchangeError('duplicate-conflict');
      return acceptAgain(known, args);
    }
    const twin = twinOf(args);
    if (twin) return twin;
    assertContentHeld(args);
    assertQuota(args);
    const result = remember(args);
    freshBytes.set(args.sender, (freshBytes.get(args.sender) ?? 0) + args.bytes);
    shared.state({
      kind: 'acceptance',
      atMs: args.nowMs,
      build: (sequence) => buildReceipt(args, sequence),
      hop: {
        type: 'lienthong/hop/1',
        bytes: hopCodec.encode({
          hub: context.hubId,
          envelopeDigest: args.digest,
          previous: args.previousHopDigest,
          atMs: args.nowMs,
        }),
      },
      commit: (receipt, sequence, hop) => {
        const hops = Buffer.concat([args.hops, hopsWrapper([hop!])]);
        const seq = insertEnvelope(args, { receipt, sequence, hops });
        insertParts(args, seq);
        if (args.check) insertHubCheck(db, { seq, nowMs: args.nowMs, cell: cellOf(args) }, args.check);
        result.kept = { seq, hops };
        result.receipt = receipt;
        result.nudge = insertDeliveries(args, seq);
        result.recalled = recallsIn(args, seq);
      },
    });
    return result;
  }

  /** In the same commit: what this envelope takes back is held, and so is itself when it was taken back before it came. */
  function recallsIn(args: AcceptArgs, seq: number): boolean {
    const units = args.deliveries.filter(going).map(({ unit }) => unit);
    const noted = noteRecalls(db, args, seq, units);
    return units.filter((unit) => holdRecalled(args, seq, unit)).length > 0 || noted;
  }

  function holdRecalled(args: AcceptArgs, seq: number, unit: string): boolean {
    if (!wasRecalled(db, args, unit)) return false;
    db.run(
      `UPDATE deliveries SET state = 'held', last_error = 'delivery-recalled'
       WHERE envelope_seq = ? AND unit = ? AND state IN ('ready','held')`,
      seq,
      unit,
    );
    return true;
  }

  // All cells of one document share a key: the rows of one acceptance are written one after the other.
  let sealing: { readonly of: AcceptArgs; readonly cell: Cell } | undefined;
  function cellOf(args: AcceptArgs): Cell {
    if (sealing?.of !== args) sealing = { of: args, cell: db.cells.begin() };
    return sealing.cell;
  }

  /** The answer to a copy that meets its first one in the same batch. */
  function twinOf(args: AcceptArgs): AcceptResult | undefined {
    const twin = fresh.get(keyOf(args));
    if (!twin) return undefined;
    if (!twin.digest.equals(args.digest)) throw new ExchangeError('duplicate-conflict');
    // Another leg while the first is on its way into the store: when it comes again it is a later leg.
    if (!args.deliveries.every(({ index }) => twin.covered.has(index)))
      throw new ExchangeError('overloaded', 'another leg is being accepted', { retryAfterMs: 1000 });
    return twin.result;
  }

  function remember(args: AcceptArgs): AcceptResult {
    const result: AcceptResult = { receipt: new Uint8Array(), duplicate: false, nudge: [] };
    const covered = new Set(args.deliveries.map(({ index }) => index));
    fresh.set(keyOf(args), { digest: Buffer.from(args.digest), covered, result });
    return result;
  }

  /**
   * The same envelope once more. A retry names recipients that the stored receipt covers and gets it. Recipients that came by no leg
   * before (a hub may split them over two ways) are a later leg: they get deliveries and a receipt of their own.
   */
  function acceptAgain(known: KnownRow, args: AcceptArgs): AcceptResult {
    const same: AcceptResult = { receipt: known.receipt, duplicate: true, nudge: [] };
    const covered = new Set(
      parseStatement(signedStatementCodec.decode(known.receipt)).statement.results.map(({ index }) => index),
    );
    if (!args.fromHub && cameOtherwise(known.seq, args)) return homecoming(known.seq, args);
    if (args.deliveries.every(({ index }) => covered.has(index))) return same;
    const extra = db.all<{ idx: number; receipt: Uint8Array }>(
      'SELECT idx, receipt FROM extra_legs WHERE envelope_seq = ?',
      known.seq,
    );
    for (const { idx } of extra) covered.add(idx);
    const missing = args.deliveries.filter(({ index }) => !covered.has(index));
    if (missing.length === 0) {
      const leg = extra.find(({ idx }) => args.deliveries.some(({ index }) => index === idx));
      return { ...same, receipt: leg?.receipt ?? known.receipt };
    }
    const later = { ...args, deliveries: missing };
    const twin = twinOf(later);
    if (twin) return twin;
    // Retention may have taken the content meanwhile: then this leg must bring it anew.
    assertContentHeld(args);
    const result = remember(later);
    shared.state({
      kind: 'acceptance',
      atMs: args.nowMs,
      build: (sequence) => buildReceipt(later, sequence),
      commit: (receipt) => {
        for (const { index } of missing)
          db.run(
            'INSERT OR IGNORE INTO extra_legs (envelope_seq, idx, receipt, from_peer) VALUES (?,?,?,?)',
            known.seq,
            index,
            receipt,
            args.peer,
          );
        reopen(later, known.seq);
        insertParts(later, known.seq);
        result.receipt = receipt;
        result.nudge = insertDeliveries(later, known.seq);
        result.recalled = recallsIn(later, known.seq);
      },
    });
    return result;
  }

  const cameOtherwise = (seq: number, { peer }: AcceptArgs): boolean =>
    db.get('SELECT 1 FROM envelopes WHERE seq = ? AND from_peer <> ?', seq, peer) !== undefined;

  /**
   * The sender's own node brings an envelope that came another way before: by the hub that the unit was handed over from, or by the node that
   * it had then. It gets a receipt of its own about every recipient; what is said of the envelope goes to this node from now on, and what
   * was said already is said again. Recipients that did not come this way before get their deliveries.
   */
  function homecoming(seq: number, args: AcceptArgs): AcceptResult {
    const twin = twinOf(args);
    if (twin) return twin;
    const { peer, nowMs, urgency } = args;
    const there = new Set(
      db.all<{ idx: number }>('SELECT idx FROM deliveries WHERE envelope_seq = ?', seq).map(({ idx }) => idx),
    );
    const missing = { ...args, deliveries: args.deliveries.filter(({ index }) => !there.has(index)) };
    if (missing.deliveries.some(going)) assertContentHeld(args);
    const result = remember(args);
    const taken = 'UPDATE envelopes SET from_peer = ?, receipt = ?, ledger_sequence = ? WHERE seq = ?';
    shared.state({
      kind: 'acceptance',
      atMs: nowMs,
      build: (sequence) => buildReceipt(args, sequence),
      commit: (receipt, sequence) => {
        db.run(taken, peer, receipt, sequence, seq);
        db.run("UPDATE extra_legs SET from_peer = '' WHERE envelope_seq = ?", seq);
        db.run(
          `INSERT OR IGNORE INTO outgoing (peer, statement, lane, state, at_ms)
           SELECT ?, id, ?, 'ready', ? FROM statements WHERE envelope_seq = ? ORDER BY id`,
          peer,
          Math.min(urgency, 4),
          nowMs,
          seq,
        );
        result.receipt = receipt;
        result.nudge = [peer];
        if (missing.deliveries.length === 0) return;
        reopen(missing, seq);
        insertParts(missing, seq);
        result.nudge.push(...insertDeliveries(missing, seq));
      },
    });
    return result;
  }

  /** A later leg: its deliveries are open, and an envelope that had none open counts for its sender again. */
  function reopen({ deliveries, sender, bytes }: AcceptArgs, seq: number): void {
    const open = deliveries.filter(going).length;
    if (open === 0) return;
    const { changes } = db.run(
      'UPDATE envelopes SET open_deliveries = ?, closed_ms = NULL WHERE seq = ? AND open_deliveries = 0',
      open,
      seq,
    );
    if (changes > 0) countOpen(sender, bytes);
    else db.run('UPDATE envelopes SET open_deliveries = open_deliveries + ? WHERE seq = ?', open, seq);
  }

  /** What waits here for its recipients is what a unit may fill; delivered documents count no more. */
  function assertQuota({ sender, bytes }: AcceptArgs): void {
    const unit = db.get<{ quota_bytes: number | null }>(
      'SELECT quota_bytes FROM units WHERE unit = ?',
      sender,
    );
    const quota = unit?.quota_bytes ?? context.quotaBytesDefault;
    if (quota === 0) return;
    const usage = db.get<{ open_bytes: number }>('SELECT open_bytes FROM unit_usage WHERE unit = ?', sender);
    const openBytes = (usage?.open_bytes ?? 0) + (freshBytes.get(sender) ?? 0);
    if (openBytes + bytes > quota)
      throw new ExchangeError('quota-exceeded', `${openBytes} of ${quota} bytes wait for their recipients`, {
        retryAfterMs: 60_000,
      });
  }

  /** Bytes are skipped only for content that this same unit has itself uploaded completely. */
  function assertContentHeld({ parts, sender }: AcceptArgs): void {
    for (const { index, content, sha256 } of parts) {
      if (content) continue;
      if (!db.get('SELECT 1 FROM unit_content WHERE unit = ? AND sha256 = ?', sender, sha256))
        throw new ExchangeError('part-missing', `part ${index}`);
    }
  }

  function buildReceipt(args: AcceptArgs, ledgerSequence: number) {
    return buildStatement({
      event: eventOf(args),
      statementId: args.statementId,
      envelopeId: args.envelopeId,
      documentId: args.documentId,
      envelopeDigest: args.digest,
      sender: args.sender,
      issuer: context.hubId,
      results: args.deliveries.map(({ index, unit, outcome, code }) => ({ index, unit, outcome, code })),
      epoch: shared.epoch(),
      atMs: args.nowMs,
      directoryVersion: args.directoryVersion,
      revocationNumber: args.revocationNumber,
      ledgerSequence,
    });
  }

  function countOpen(sender: string, bytes: number): void {
    db.run(
      `INSERT INTO unit_usage (unit, open_bytes, open_envelopes) VALUES (?,?,1)
       ON CONFLICT (unit) DO UPDATE SET open_bytes = open_bytes + excluded.open_bytes, open_envelopes = open_envelopes + 1`,
      sender,
      bytes,
    );
  }

  function insertEnvelope(
    args: AcceptArgs,
    made: { receipt: Buffer; sequence: number; hops: Buffer },
  ): number {
    // Erased together (recall-ops.ts, takedown-ops.ts).
    const [salt, metadata] = cellOf(args).together(args.salt, args.metadata);
    const open = args.deliveries.filter(going).length;
    if (open > 0) countOpen(args.sender, args.bytes);
    return db.run(
      `INSERT INTO envelopes (envelope_id, document_id, sender, digest, signed, hops, salt, metadata, kind, urgency, accepted_ms,
         deliver_by_ms, receipt, ledger_sequence, from_peer, bytes, open_deliveries, closed_ms)
       VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
      args.envelopeId,
      args.documentId,
      args.sender,
      args.digest,
      args.signed,
      made.hops,
      salt,
      metadata,
      args.kind,
      args.urgency,
      args.nowMs,
      args.deliverByMs,
      made.receipt,
      made.sequence,
      args.peer,
      args.bytes,
      open,
      open === 0 ? args.nowMs : null,
    ).lastRowId;
  }

  /** A later leg finds them there, unless retention took them. */
  function insertParts(args: AcceptArgs, seq: number): void {
    for (const { index, length, sha256, treeRoot, content } of args.parts) {
      const sealed = cellOf(args).seal(content);
      db.run(
        'INSERT OR IGNORE INTO parts (envelope_seq, idx, length, sha256, tree_root, content) VALUES (?,?,?,?,?,?)',
        seq,
        index,
        length,
        sha256,
        treeRoot,
        sealed,
      );
      releaseCell(sealed, content);
    }
  }

  function insertDeliveries(args: AcceptArgs, seq: number): string[] {
    const nudge = new Set<string>();
    const lane = Math.min(args.urgency, 4);
    const stopped = isStopped(db, seq);
    for (const { index, unit, peer, code } of args.deliveries.filter(going)) {
      // Taken, but nobody knows yet for whom (route.ts), or what it holds is not judged yet.
      const held = code !== '' ? code : stopped ? 'document-held' : null;
      db.run(
        `INSERT INTO deliveries (envelope_seq, idx, unit, peer, state, lane, turn, next_ms, deadline_ms, last_error)
         VALUES (?,?,?,?,?,?,?,?,?,?)`,
        seq,
        index,
        unit,
        peer,
        held === null ? 'ready' : 'held',
        lane,
        shared.turns.next(peer, lane, args.sender),
        args.nowMs,
        args.deliverByMs,
        held,
      );
      if (held === null) nudge.add(peer);
    }
    return [...nudge];
  }

  return {
    ops: {
      accept,
      /** A permanent refusal of a readable envelope is evidence as well: one row, one ledger entry. */
      refuse(args: RefuseArgs): void {
        const said = Buffer.from(`refusal ${args.code} ${args.sender ?? ''} `);
        const entry = Buffer.concat([
          said,
          args.envelopeId ?? Buffer.alloc(0),
          args.digest ?? Buffer.alloc(0),
        ]);
        const sequence = ledger.append('refusal', entry, args.nowMs);
        db.run(
          'INSERT INTO refusals (at_ms, peer, sender, envelope_id, digest, code, ledger_sequence) VALUES (?,?,?,?,?,?,?)',
          args.nowMs,
          args.peer,
          args.sender,
          args.envelopeId,
          args.digest,
          args.code,
          sequence,
        );
      },
      /** This unit has now uploaded these bytes completely. Idempotent. */
      rememberContent(args: { unit: string; sha256: Uint8Array; length: number; nowMs: number }): void {
        db.run(
          'INSERT OR IGNORE INTO unit_content (unit, sha256, length, at_ms) VALUES (?,?,?,?)',
          args.unit,
          args.sha256,
          args.length,
          args.nowMs,
        );
      },
    },
    forget: () => {
      fresh.clear();
      freshBytes.clear();
    },
  };
}

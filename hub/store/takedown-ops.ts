// Writes about removals at the hub. The first operator hides, a second, different one destroys: held here, under the audit (admin-ops.ts). Rows of the
// document lose metadata and parts in the transaction of the order; the trace (header, receipts, ledger) stays whole.
import { hash } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { readFact } from './facts.ts';

export type RemovalAct = 'hide' | 'destroy';
export type Removal = {
  readonly number: number;
  readonly documentId: Uint8Array;
  readonly sender: string;
  readonly act: RemovalAct;
  readonly reason: string;
  readonly operators: readonly string[];
  readonly contents: readonly string[];
  readonly keys: readonly number[];
  readonly atMs: number;
};

/** Keyed with the hub's id: the list says nothing to whoever has the database and guesses at files elsewhere. */
export const deniedHash = (db: Pick<Database, 'get'>, sha256: Uint8Array): Buffer =>
  hash(
    'sha256',
    Buffer.concat([Buffer.from(`lienthong denied 1 ${readFact(db as Database, 'hubId') ?? ''} `), sha256]),
    'buffer',
  );

type Envelope = { readonly seq: number; readonly sender: string; readonly from_peer: string };

export function takedownActs(db: Database) {
  function stopDeliveries(seq: number, nowMs: number): void {
    db.run(
      `INSERT INTO checks (envelope_seq, state, findings, policy, secret, since_ms, decided_ms, next_ms) VALUES (?, 'held', '[]', '', 1, ?, ?, 0)
       ON CONFLICT (envelope_seq) DO UPDATE SET state = 'held', secret = 1`,
      seq,
      nowMs,
      nowMs,
    );
    db.run(
      `UPDATE deliveries SET state = 'held', last_error = 'document-held', lease_owner = NULL, lease_until_ms = NULL
       WHERE envelope_seq = ? AND state IN ('ready','deferred','leased')`,
      seq,
    );
    db.run('UPDATE deliveries SET again = 0 WHERE envelope_seq = ?', seq);
  }

  /** Metadata and parts are overwritten; answers what files and keys must still go. */
  function eraseRows(envelopes: readonly Envelope[], nowMs: number): { contents: string[]; keys: number[] } {
    const contents = new Set<string>();
    const keys = new Set<number>();
    db.exec('PRAGMA secure_delete = ON');
    try {
      for (const { seq } of envelopes) {
        for (const id of db.sealedWith('SELECT salt, metadata FROM envelopes WHERE seq = ?', seq))
          keys.add(id);
        for (const id of db.sealedWith('SELECT content FROM parts WHERE envelope_seq = ?', seq)) keys.add(id);
        for (const { sha256 } of db.all<{ sha256: Uint8Array }>(
          'SELECT sha256 FROM parts WHERE envelope_seq = ?',
          seq,
        )) {
          contents.add(Buffer.from(sha256).toString('hex'));
          db.run('INSERT OR IGNORE INTO denied (hash, at_ms) VALUES (?, ?)', deniedHash(db, sha256), nowMs);
          db.run('DELETE FROM unit_content WHERE sha256 = ?', sha256);
        }
        db.run('DELETE FROM parts WHERE envelope_seq = ?', seq);
        db.run('UPDATE envelopes SET salt = NULL, metadata = NULL WHERE seq = ?', seq);
        db.run(
          `UPDATE checks SET state = 'rejected', findings = '[]', parts = '[]' WHERE envelope_seq = ?`,
          seq,
        );
      }
    } finally {
      db.exec('PRAGMA secure_delete = OFF');
    }
    return { contents: [...contents], keys: [...keys] };
  }

  return {
    /** Codes: document-unknown, document-state-refused (done already, or to destroy before hiding), same-person-refused. */
    removalOrder(args: {
      readonly documentId: Uint8Array;
      readonly act: RemovalAct;
      readonly person: string;
      readonly reason: string;
      readonly nowMs: number;
    }): Removal {
      const { documentId, act, person, reason, nowMs } = args;
      const envelopes = db.all<Envelope>(
        'SELECT seq, sender, from_peer FROM envelopes WHERE document_id = ?',
        documentId,
      );
      const [first] = envelopes;
      if (!first) throw new ExchangeError('document-unknown');
      if (db.get('SELECT 1 FROM removals WHERE document_id = ? AND act = ?', documentId, act))
        throw new ExchangeError('document-state-refused', 'ordered already');
      const hidden = db.get<{ operators: string }>(
        `SELECT operators FROM removals WHERE document_id = ? AND act = 'hide'`,
        documentId,
      );
      if (act === 'destroy' && !hidden)
        throw new ExchangeError('document-state-refused', 'it is hidden first, by another operator');
      const operators = [...(hidden ? (JSON.parse(hidden.operators) as string[]) : []), person];
      if (new Set(operators).size !== operators.length)
        throw new ExchangeError('same-person-refused', person);
      for (const { seq } of envelopes) stopDeliveries(seq, nowMs);
      const { contents, keys } = act === 'destroy' ? eraseRows(envelopes, nowMs) : { contents: [], keys: [] };
      const { lastRowId: number } = db.run(
        'INSERT INTO removals (document_id, sender, act, reason, operators, contents, keys, at_ms) VALUES (?,?,?,?,?,?,?,?)',
        documentId,
        first.sender,
        act,
        reason,
        JSON.stringify(operators),
        JSON.stringify(contents),
        JSON.stringify(keys),
        nowMs,
      );
      // Everybody who had it, sent it or may still have it in a lease.
      db.run(
        `INSERT OR IGNORE INTO removal_peers (number, peer, unit)
         SELECT ?1, from_peer, sender FROM envelopes WHERE document_id = ?2
         UNION SELECT ?1, d.peer, d.unit FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq
           WHERE e.document_id = ?2 AND d.peer <> '' AND d.state <> 'expired'`,
        number,
        documentId,
      );
      return {
        number,
        documentId,
        sender: first.sender,
        act,
        reason,
        operators,
        contents,
        keys,
        atMs: nowMs,
      };
    },
  };
}

export function takedownOps(db: Database) {
  return {
    removalSigned({ number, signed }: { number: number; signed: Uint8Array }): void {
      db.run('UPDATE removals SET signed = ? WHERE number = ? AND signed IS NULL', signed, number);
    },
    removalDoneHere({ number, nowMs }: { number: number; nowMs: number }): void {
      db.run('UPDATE removals SET done_here_ms = ? WHERE number = ? AND done_here_ms IS NULL', nowMs, number);
    },
    /** A unit's word, brought by the peer that the order went to. Idempotent. */
    removalConfirmed(c: {
      number: number;
      peer: string;
      unit: string;
      found: boolean;
      atMs: number;
      bytes: Uint8Array;
    }): void {
      db.run(
        'UPDATE removal_peers SET confirmed_ms = ?, found = ?, bytes = ? WHERE number = ? AND peer = ? AND unit = ? AND confirmed_ms IS NULL',
        c.atMs,
        c.found ? 1 : 0,
        c.bytes,
        c.number,
        c.peer,
        c.unit,
      );
    },
    secretReported(r: {
      documentId: Uint8Array;
      sender: string;
      unit: string;
      person: string;
      reason: string;
      atMs: number;
      bytes: Uint8Array;
      nowMs: number;
    }): void {
      db.run(
        'INSERT OR IGNORE INTO secret_reports (document_id, sender, unit, person, reason, at_ms, received_ms, bytes) VALUES (?,?,?,?,?,?,?,?)',
        r.documentId,
        r.sender,
        r.unit,
        r.person,
        r.reason,
        r.atMs,
        r.nowMs,
        r.bytes,
      );
    },
  };
}

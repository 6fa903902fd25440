// Writes about removals at the hub. The first operator hides, a second, different one destroys: held here, under the audit (admin-ops.ts). The
// decisions are the operators' own signatures, verified before they come here; they travel with the order to whoever obeys it. Rows of the
// document lose metadata and parts in the transaction of the order; the trace (header, receipts, ledger) stays whole.
import { hash } from 'node:crypto';
import { headerCodec, signedCodec } from '../../protocol/codec.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { contentsDigestOf } from '../../protocol/removal.ts';
import { eraseCrossed } from './border-removal.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import { needFact, readFact } from './facts.ts';

export type RemovalAct = 'hide' | 'destroy';

/** Keyed with the hub's id: the list says nothing to whoever has the database and guesses at files elsewhere. */
export const deniedHash = (db: Pick<Database, 'get'>, sha256: Uint8Array): Buffer =>
  hash(
    'sha256',
    Buffer.concat([Buffer.from(`lienthong denied 1 ${readFact(db as Database, 'hubId') ?? ''} `), sha256]),
    'buffer',
  );

type Envelope = {
  readonly seq: number;
  readonly sender: string;
  readonly from_peer: string;
  readonly signed: Uint8Array;
};

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
  function eraseRows(
    documentId: Uint8Array,
    { envelopes, denied }: { readonly envelopes: readonly Envelope[]; readonly denied: readonly string[] },
    nowMs: number,
  ): { contents: string[]; keys: number[] } {
    const contents = new Set<string>();
    const keys = new Set<number>();
    for (const hex of denied)
      db.run(
        'INSERT OR IGNORE INTO denied (hash, at_ms) VALUES (?, ?)',
        deniedHash(db, Buffer.from(hex, 'hex')),
        nowMs,
      );
    db.exec('PRAGMA secure_delete = ON');
    try {
      for (const { seq } of envelopes) {
        for (const id of db.sealedWith('SELECT salt, metadata FROM envelopes WHERE seq = ?', seq))
          keys.add(id);
        for (const id of db.sealedWith('SELECT content FROM parts WHERE envelope_seq = ?', seq)) keys.add(id);
        // What a check found names words of it; settled later than the envelope was written, it has a key of its own.
        for (const id of db.sealedWith('SELECT findings, parts FROM checks WHERE envelope_seq = ?', seq))
          keys.add(id);
        for (const { sha256 } of db.all<{ sha256: Uint8Array }>(
          'SELECT sha256 FROM parts WHERE envelope_seq = ?',
          seq,
        )) {
          contents.add(Buffer.from(sha256).toString('hex'));
          db.run('DELETE FROM unit_content WHERE sha256 = ?', sha256);
        }
        db.run('DELETE FROM parts WHERE envelope_seq = ?', seq);
        db.run('UPDATE envelopes SET salt = NULL, metadata = NULL WHERE seq = ?', seq);
        db.run(
          `UPDATE checks SET state = 'rejected', findings = '[]', parts = '[]' WHERE envelope_seq = ?`,
          seq,
        );
      }
      for (const id of eraseCrossed(db, documentId, nowMs)) keys.add(id);
    } finally {
      db.exec('PRAGMA secure_delete = FAST');
    }
    return { contents: [...contents], keys: [...keys] };
  }

  return {
    /**
     * Decisions that were verified (openAct, openOrder) take force here. Codes: document-unknown, document-state-refused (done already, or to
     * destroy before hiding, or other contents than were signed), same-person-refused. An order of another hub's operators is taken also
     * about a document that is not here: it may not come any more. The same order again changes nothing and answers its number.
     */
    removalOrder(args: NewRemoval): { readonly number: number; readonly again: boolean } {
      const { documentId, act, reason, decidedBy, nowMs } = args;
      const envelopes = db.all<Envelope>(
        'SELECT seq, sender, from_peer, signed FROM envelopes WHERE document_id = ?',
        documentId,
      );
      const own = decidedBy === needFact(db, 'hubId');
      const sender = envelopes[0]?.sender ?? args.sender;
      if (sender === undefined) throw new ExchangeError('document-unknown');
      const earlier = (wanted: RemovalAct) =>
        db.get<{ number: number; operators: string; acts: string }>(
          'SELECT number, operators, acts FROM removals WHERE document_id = ? AND act = ? AND decided_by = ?',
          documentId,
          wanted,
          decidedBy,
        );
      const known = earlier(act);
      if (known && args.told) return { number: known.number, again: true };
      if (known) throw new ExchangeError('document-state-refused', 'ordered already');
      const hidden = earlier('hide');
      if (act === 'destroy' && !hidden && !args.told)
        throw new ExchangeError('document-state-refused', 'it is hidden first, by another operator');
      const before = args.told || !hidden ? { operators: [], acts: [] } : listsOf(hidden);
      const operators = [...before.operators, ...args.operators];
      const acts = [...before.acts, ...args.acts.map((each) => Buffer.from(each).toString('base64'))];
      if (new Set(operators).size !== operators.length)
        throw new ExchangeError('same-person-refused', operators.at(-1) ?? '');
      const named =
        act === 'destroy' ? [...new Set([...contentsOf(envelopes), ...(args.contents ?? [])])].sort() : [];
      if (own && !args.told && args.contentsDigest && !digestOf(named).equals(args.contentsDigest))
        throw new ExchangeError('document-state-refused', 'the contents are others than were signed');
      for (const { seq } of envelopes) stopDeliveries(seq, nowMs);
      const erased =
        act === 'destroy'
          ? eraseRows(documentId, { envelopes, denied: named }, nowMs)
          : { contents: [], keys: [] };
      const { lastRowId: number } = db.run(
        `INSERT INTO removals (document_id, sender, act, reason, operators, contents, keys, at_ms, decided_by, acts)
         VALUES (?,?,?,?,?,?,?,?,?,?)`,
        documentId,
        sender,
        act,
        reason,
        JSON.stringify(operators),
        // What the operators signed: an order passed on names neither more nor less.
        JSON.stringify(args.told ? (args.contents ?? []) : named),
        JSON.stringify(erased.keys),
        nowMs,
        decidedBy,
        JSON.stringify(acts),
      );
      // Everybody who had it, sent it or may still have it in a lease; of a hub also the machine itself.
      // A border of this hub is this hub; offices behind it are listed, since somebody must tell them.
      db.run(
        `INSERT OR IGNORE INTO removal_peers (number, peer, unit)
         SELECT ?1, from_peer, sender FROM envelopes WHERE document_id = ?2 AND sender NOT IN (SELECT unit FROM borders)
         UNION SELECT ?1, d.peer, d.unit FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq
           WHERE e.document_id = ?2 AND d.peer <> '' AND d.state <> 'expired'`,
        number,
        documentId,
      );
      db.run(
        `INSERT OR IGNORE INTO removal_peers (number, peer, unit) SELECT DISTINCT number, peer, peer FROM removal_peers
         WHERE number = ? AND peer LIKE 'h%'`,
        number,
      );
      return { number, again: false };
    },
  };
}

export type NewRemoval = {
  readonly documentId: Uint8Array;
  readonly act: RemovalAct;
  readonly reason: string;
  /** Who decided, in the order of their decisions, and what each signed. */
  readonly operators: readonly string[];
  readonly acts: readonly Uint8Array[];
  readonly decidedBy: string;
  /** Of the decision to destroy. */
  readonly contentsDigest?: Uint8Array;
  /** Another hub, or a peer that remembers, brings a whole order; `contents` (hex) and `sender` are the order's. */
  readonly told?: boolean;
  readonly contents?: readonly string[];
  readonly sender?: string;
  readonly nowMs: number;
};

const listsOf = (row: { operators: string; acts: string }) => ({
  operators: JSON.parse(row.operators) as string[],
  acts: JSON.parse(row.acts) as string[],
});

/** Digests that the sealed headers name, in hex: they stay when the parts have gone. Sorted, so that whoever looks sees the same list. */
export const contentsOf = (envelopes: readonly { readonly signed: Uint8Array }[]): string[] =>
  [
    ...new Set(
      envelopes.flatMap(({ signed }) =>
        headerCodec
          .decode(signedCodec.decode(signed).bytes)
          .parts.map(({ sha256 }) => Buffer.from(sha256).toString('hex')),
      ),
    ),
  ].sort();

const digestOf = (hexes: readonly string[]): Buffer =>
  contentsDigestOf(hexes.map((hex) => Buffer.from(hex, 'hex')));

/** Acts about keys of operators; each is a new version of the directory. */
export function operatorKeyActs(db: Database, deps: AdminDeps) {
  return {
    /** The key with which an operator signs removals from now on; the one before ends. Codes: not-found (no such operator), request-malformed. */
    operatorKey({ name, publicKey, nowMs }: { name: string; publicKey: Uint8Array; nowMs: number }) {
      if (!db.get('SELECT 1 FROM operators WHERE name = ? AND removed_ms IS NULL', name))
        throw new ExchangeError('not-found', `no operator ${name}`);
      endOperatorKeys(db, name, nowMs);
      const { changes } = db.run(
        'INSERT OR IGNORE INTO operator_keys (public_key, name, from_ms) VALUES (?, ?, ?)',
        publicKey,
        name,
        nowMs,
      );
      // One key is one person's, for ever.
      if (changes === 0) throw new ExchangeError('request-malformed', 'this key was named before');
      return { version: publishPart(db, deps, nowMs) };
    },
  };
}

export const endOperatorKeys = (db: Database, name: string, nowMs: number): boolean =>
  db.run('UPDATE operator_keys SET until_ms = ? WHERE name = ? AND until_ms = 0', nowMs, name).changes > 0;

export function takedownOps(db: Database) {
  return {
    removalSigned({ number, signed }: { number: number; signed: Uint8Array }): void {
      db.run('UPDATE removals SET signed = ? WHERE number = ? AND signed IS NULL', signed, number);
    },
    /** `word`: this hub's own, which other hubs are told. */
    removalDoneHere(d: { number: number; hub: string; word: Uint8Array; nowMs: number }): void {
      db.run(
        'UPDATE removals SET done_here_ms = ? WHERE number = ? AND done_here_ms IS NULL',
        d.nowMs,
        d.number,
      );
      noteWord(db, { number: d.number, peer: '', unit: d.hub, bytes: d.word });
    },
    /**
     * The word of a unit or a hub, brought by the peer that it stands behind, about every order of this act on the document: what is gone is gone
     * for all of them. Idempotent; returns whether it was news.
     */
    removalConfirmed(c: {
      documentId: Uint8Array;
      act: RemovalAct;
      peer: string;
      unit: string;
      found: boolean;
      atMs: number;
      bytes: Uint8Array;
    }): boolean {
      let news = false;
      for (const { number } of db.all<{ number: number }>(
        'SELECT number FROM removals WHERE document_id = ? AND act = ?',
        c.documentId,
        c.act,
      )) {
        db.run(
          'INSERT OR IGNORE INTO removal_peers (number, peer, unit) VALUES (?, ?, ?)',
          number,
          c.peer,
          c.unit,
        );
        const { changes } = db.run(
          'UPDATE removal_peers SET confirmed_ms = ?, found = ?, bytes = ? WHERE number = ? AND peer = ? AND unit = ? AND confirmed_ms IS NULL',
          c.atMs,
          c.found ? 1 : 0,
          c.bytes,
          number,
          c.peer,
          c.unit,
        );
        if (changes === 0) continue;
        news = true;
        noteWord(db, { number, peer: c.peer, unit: c.unit, bytes: c.bytes });
      }
      return news;
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

function noteWord(
  db: Database,
  word: { number: number; peer: string; unit: string; bytes: Uint8Array },
): void {
  db.run(
    'INSERT OR IGNORE INTO removal_words (number, peer, unit, bytes) VALUES (?, ?, ?, ?)',
    word.number,
    word.peer,
    word.unit,
    word.bytes,
  );
}

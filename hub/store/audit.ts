// The audit of administration: who did what to units, certificates, directory and operators, when and from where. One row per act, in the
// transaction of the act, chained by hash, anchored in the ledger, and its head signed. Must never hold a secret (invitation, passphrase,
// key), nor be written outside the transaction that it tells about. audit-acts.ts calls it for every operation; audit-check.ts verifies.
import { hash } from 'node:crypto';
import { signedCodec } from '../../protocol/codec.ts';
import { leafHash } from '../../protocol/merkle.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type SigningKey, signOne } from '../../protocol/signature.ts';
import { readFact } from './facts.ts';
import { chainHash, chainStart } from './ledger.ts';

/** Who acts, and from where. `admin/caller.ts` makes it of a request. */
export type Actor = {
  /** `operator:NAME` (proved by a passphrase), `account:NAME` (as the machine says), `node:ID`, `hub:ID`, `invitation`, `hub` (the program). */
  readonly who: string;
  /** Listener or command, machine, address. */
  readonly from: string;
};
/** What the hub does by itself. */
export const programActor: Actor = { who: 'hub', from: 'program' };

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain };

export type AuditAct = {
  readonly by: Actor;
  /** Name of the operation, such as `unitClose`. */
  readonly act: string;
  /** The unit, peer, serial… that it is about; empty when nothing single. */
  readonly about: string;
  /** Anything; `plain` bounds it. */
  readonly what: unknown;
  /** Operators who agreed, where the act needed a second person. */
  readonly agreed?: readonly string[];
  readonly nowMs: number;
};

/** One row as it is hashed. */
export type AuditEntry = {
  readonly version: 1;
  readonly sequence: number;
  readonly atMs: number;
  readonly who: string;
  readonly from: string;
  readonly act: string;
  readonly about: string;
  readonly what: Plain;
  readonly agreed?: readonly string[];
};

/** What is signed as head, and what an operator keeps elsewhere to prove later that nothing was cut off. */
export type AuditHead = {
  readonly hub: string;
  readonly sequence: number;
  /** Hex. */
  readonly chain: string;
  readonly ledgerSequence: number;
  readonly atMs: number;
};

export type AuditDeps = {
  /** Appends to the ledger in the running transaction; returns the sequence. */
  readonly appendLedger: (kind: string, entry: Uint8Array, atMs: number) => number;
  readonly directoryKey: SigningKey;
};

/** A row is read by people: an import of 100,000 units is one act, and its file is named by digest. */
const TEXT_CHARS_MAX = 300;
const ITEMS_MAX = 32;
const DEPTH_MAX = 5;
/** Known secrets and bulk never enter, whatever an operation is given. */
const left = new Set([
  'nowMs',
  'by',
  'agreed',
  'secretHash',
  'answer',
  'verifier',
  'passphrase',
  'pin',
  'secret',
]);

/** Bounded JSON of an operation's arguments: bytes become their SHA-256, long texts and lists are cut and say so. */
export function plain(value: unknown, depth = 0): Plain {
  if (typeof value === 'string')
    return value.length <= TEXT_CHARS_MAX ? value : `${value.slice(0, TEXT_CHARS_MAX)}… (${value.length})`;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return `sha256:${hash('sha256', value)} (${value.length} bytes)`;
  if (depth >= DEPTH_MAX || typeof value !== 'object') return '…';
  if (Array.isArray(value)) {
    const some = value.slice(0, ITEMS_MAX).map((each) => plain(each, depth + 1));
    return value.length <= ITEMS_MAX ? some : [...some, `… (${value.length})`];
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, each]) => each !== undefined && !left.has(name))
      .map(([name, each]) => [name, plain(each, depth + 1)]),
  );
}

type Last = { readonly sequence: number; readonly chain: Uint8Array };
const lastRow = (db: Database): Last =>
  db.get<Last>('SELECT sequence, chain FROM audit ORDER BY sequence DESC LIMIT 1') ?? {
    sequence: 0,
    chain: chainStart,
  };

/**
 * Appends one act inside the running transaction: row, ledger entry, signed head become durable with the act or not at all. Call it last,
 * after everything that may refuse. Returns the row's sequence, from 1.
 */
export function appendAudit(db: Database, deps: AuditDeps, act: AuditAct): number {
  const last = lastRow(db);
  const { who, from } = act.by;
  const made: AuditEntry = {
    version: 1,
    sequence: last.sequence + 1,
    atMs: act.nowMs,
    who: who.slice(0, 128),
    from: from.slice(0, 300),
    act: act.act,
    about: act.about.slice(0, 300),
    what: plain(act.what),
    ...(act.agreed === undefined ? {} : { agreed: act.agreed }),
  };
  const entry = JSON.stringify(made);
  const chain = chainHash(last.chain, leafHash(Buffer.from(entry)));
  const ledgerSequence = deps.appendLedger('admin', Buffer.from(entry), act.nowMs);
  db.run(
    'INSERT INTO audit (sequence, entry, chain, ledger_sequence) VALUES (?, ?, ?, ?)',
    made.sequence,
    entry,
    chain,
    ledgerSequence,
  );
  const head: AuditHead = {
    hub: readFact(db, 'hubId') ?? '',
    sequence: made.sequence,
    chain: chain.toString('hex'),
    ledgerSequence,
    atMs: act.nowMs,
  };
  const signed = signOne('lienthong/audit/1', Buffer.from(JSON.stringify(head)), deps.directoryKey);
  db.run(
    'INSERT INTO audit_head (id, signed) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET signed = excluded.signed',
    signedCodec.encode(signed),
  );
  return made.sequence;
}

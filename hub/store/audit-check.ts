// Verifies the audit: nothing removed, altered, put in another order or cut off at the end. Reads a database or an exported file, believes
// only hashes and the hub's signature under the deployment's root. `hub audit verify`, `hub audit export` and fsck. Changes nothing.
// What it cannot see: a whole hub set back to an older moment, database and all. An exported head kept elsewhere shows that (`head`).
import { parseCertificate } from '../../certs/certificate.ts';
import { type RootAnchor, verifyCertificate } from '../../certs/trust.ts';
import { signedCodec } from '../../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { leafHash } from '../../protocol/merkle.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { verifySigned } from '../../protocol/signature.ts';
import type { AuditEntry, AuditHead } from './audit.ts';
import { chainHash, chainStart } from './ledger.ts';

export type AuditFault = {
  readonly kind: 'removed' | 'altered' | 'reordered' | 'truncated' | 'unanchored' | 'head';
  readonly about: string;
  readonly said: string;
};
export type AuditCheck = {
  readonly entries: number;
  readonly faults: readonly AuditFault[];
  /** The signed head, when it verified. */
  readonly head: AuditHead | undefined;
};

/** Enough to see what happened; a rewritten audit would be one fault for each row. */
const FAULTS_MAX = 200;

export type AuditRow = {
  readonly sequence: number;
  readonly entry: string;
  readonly chain: Uint8Array;
  readonly ledger_sequence: number;
};
type Anchor = { readonly sequence: number; readonly leaf: Uint8Array };

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function entryOf(text: string): Partial<AuditEntry> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Partial<AuditEntry>) : {};
  } catch {
    // Not JSON any more: altered, which the hash says as well.
    return {};
  }
}

/** Rows by themselves: sequence, chain, and the sequence that each row's own bytes say. `chains`: chain value after each row. */
function checkRows(
  rows: Iterable<AuditRow>,
  found: (kind: AuditFault['kind'], sequence: number, said: string) => void,
  each: (row: AuditRow) => void,
): { last: number; chain: Uint8Array } {
  let expected = 1;
  let chain: Uint8Array = chainStart;
  for (const row of rows) {
    const { sequence } = row;
    if (sequence > expected)
      found(
        'removed',
        expected,
        sequence - 1 > expected ? `rows ${expected} to ${sequence - 1} are missing` : 'the row is missing',
      );
    const own = entryOf(row.entry).sequence;
    const continues = chainHash(chain, leafHash(Buffer.from(row.entry))).equals(Buffer.from(row.chain));
    if (own !== sequence && Number.isSafeInteger(own))
      found('reordered', sequence, `the row says of itself that it is row ${own}`);
    else if (!continues && sequence === expected)
      found('altered', sequence, 'the chain does not continue here: this row was changed');
    each(row);
    chain = row.chain;
    expected = sequence + 1;
  }
  return { last: expected - 1, chain };
}

/** The certificates that a head may be signed with. */
export type HeadSigners = {
  readonly directory: readonly Uint8Array[];
  readonly issuing: readonly Uint8Array[];
};

/** Verifies an encoded, signed head under the root. Throws `signature-invalid` and the codes of certs/. */
export function openHead(
  bytes: Uint8Array,
  signers: HeadSigners,
  rootsDer: readonly RootAnchor[],
): AuditHead {
  const signed = signedCodec.decode(bytes);
  const wanted = hex(signed.signature?.keyId ?? new Uint8Array(0));
  const signer = signers.directory.map(parseCertificate).find(({ keyId }) => keyId === wanted);
  if (!signer) throw new ExchangeError('signature-invalid', 'no certificate of the key that signed the head');
  verifySigned(signed, ['lienthong/audit/1'], signer.x509.publicKey);
  const head = JSON.parse(Buffer.from(signed.bytes).toString('utf8')) as AuditHead;
  const { hubId } = verifyCertificate({
    leafDer: signer.der,
    intermediatesDer: signers.issuing,
    rootsDer,
    atMs: head.atMs,
    role: 'hub-directory',
  });
  if (hubId !== head.hub) throw new ExchangeError('signature-invalid', `the head is of hub ${head.hub}`);
  return head;
}

export function headSigners(db: Database): HeadSigners {
  const of = (role: string) =>
    db
      .all<{ der: Uint8Array }>('SELECT der FROM certificates WHERE role = ? ORDER BY issued_ms DESC', role)
      .map(({ der }) => der);
  return { directory: of('hub-directory'), issuing: of('issuing') };
}

/** `known`: heads that were exported before and kept elsewhere, encoded as they were signed. */
export function checkAudit(
  db: Database,
  rootsDer: readonly RootAnchor[],
  known: readonly Uint8Array[] = [],
): AuditCheck {
  const signers = headSigners(db);
  const anchors = db.all<Anchor>("SELECT sequence, leaf FROM ledger WHERE kind = 'admin' ORDER BY sequence");
  const signed = db.get<{ signed: Uint8Array }>('SELECT signed FROM audit_head')?.signed;
  const rows = db.each<AuditRow>(
    'SELECT sequence, entry, chain, ledger_sequence FROM audit ORDER BY sequence',
  );
  return check({ rows, anchors, signed, known, signers, rootsDer });
}

/** `anchors` undefined: an exported file, which has no ledger beside it. */
export function check(given: {
  readonly rows: Iterable<AuditRow>;
  readonly anchors: readonly Anchor[] | undefined;
  readonly signed: Uint8Array | undefined;
  readonly known: readonly Uint8Array[];
  readonly signers: HeadSigners;
  readonly rootsDer: readonly RootAnchor[];
}): AuditCheck {
  const { anchors, signers, rootsDer } = given;
  const faults: AuditFault[] = [];
  const add = (kind: AuditFault['kind'], about: string, said: string) => {
    if (faults.length < FAULTS_MAX) faults.push({ kind, about, said });
  };
  const found = (kind: AuditFault['kind'], sequence: number, said: string) =>
    add(kind, `row ${sequence}`, said);
  const heads = [...given.known.map((bytes) => ({ bytes, own: false }))];
  if (given.signed) heads.push({ bytes: given.signed, own: true });
  const opened = heads.map(({ bytes, own }) => ({ own, ...openOr(bytes, signers, rootsDer) }));
  const chains = new Map<number, string>();
  const wanted = new Set(opened.map(({ head }) => head?.sequence));
  let entries = 0;
  const { last } = checkRows(given.rows, found, (row) => {
    entries += 1;
    if (wanted.has(row.sequence)) chains.set(row.sequence, hex(row.chain));
    if (anchors) checkAnchor(row, anchors, found);
  });
  // The n-th entry of kind `admin` in the ledger is the n-th act: what the ledger has beyond the rows was cut off here.
  if (anchors && anchors.length > last)
    found('truncated', last + 1, `the ledger has ${anchors.length} acts, the audit ends at row ${last}`);
  if (!given.signed && last > 0) add('head', 'head', 'there are rows, and no signed head');
  for (const { own, head, said } of opened) {
    const about = own ? 'head' : 'kept head';
    if (!head) add('head', about, said);
    else if (head.sequence > last)
      add(
        'truncated',
        `row ${last + 1}`,
        `the ${about} was signed over ${head.sequence} rows, ${last} are here`,
      );
    else if (own && head.sequence < last)
      add(
        'head',
        about,
        `it is signed over ${head.sequence} rows, ${last} are here: rows were added without the hub`,
      );
    else if (chains.get(head.sequence) !== head.chain)
      add('head', about, `row ${head.sequence} is not the one that was signed: the audit was written anew`);
  }
  return { entries, faults, head: opened.find(({ own }) => own)?.head };
}

function openOr(
  bytes: Uint8Array,
  signers: HeadSigners,
  rootsDer: readonly RootAnchor[],
): { readonly head: AuditHead | undefined; readonly said: string } {
  try {
    return { head: openHead(bytes, signers, rootsDer), said: '' };
  } catch (error) {
    if (!isExchangeError(error) && !(error instanceof SyntaxError)) throw error;
    return { head: undefined, said: error.message };
  }
}

function checkAnchor(
  { sequence, entry, ledger_sequence }: AuditRow,
  anchors: readonly Anchor[],
  found: (kind: AuditFault['kind'], sequence: number, said: string) => void,
): void {
  const anchor = anchors[sequence - 1];
  const leaf = leafHash(Buffer.from(entry));
  if (!anchor)
    found('unanchored', sequence, 'the ledger has no entry for it: cut off, or the row was added by hand');
  else if (!leaf.equals(Buffer.from(anchor.leaf)))
    found('altered', sequence, `the ledger's entry ${anchor.sequence} is the hash of another row`);
  else if (anchor.sequence !== ledger_sequence)
    found(
      'unanchored',
      sequence,
      `it names ledger entry ${ledger_sequence}, its hash is entry ${anchor.sequence}`,
    );
}

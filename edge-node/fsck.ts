// "node fsck": reads the whole store of a node offline and says by name what does not hold: hashes, signatures, receipts, states.
// It must never change anything, and never stop at the first damage: an operator needs the whole list.
// Beside the document's path; run on a node that stands still, or on a restored copy.
import fs from 'node:fs';
import { join } from 'node:path';
import { createEvidence, type Evidence } from '../certs/evidence.ts';
import { createChunkHasher } from '../protocol/chunks.ts';
import { headerCodec, signedCodec, wrapperCodec } from '../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { atRestState } from '../protocol/node/at-rest/master.ts';
import { openAtRest } from '../protocol/node/at-rest/open.ts';
import { plainCellsIn, sealedNames } from '../protocol/node/at-rest/seal-rows.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { contentFiles } from '../protocol/node/content-files.ts';
import { plainFilesIn, plainWords } from '../protocol/node/seal-content.ts';
import { type Database, integrityCheck, openDatabase } from '../protocol/node/sqlite.ts';
import { envelopeDigest, metadataDigest } from '../protocol/seal.ts';
import { verifySigned } from '../protocol/signature.ts';
import { openStatementSync } from '../protocol/statement.ts';
import type { Header } from '../protocol/wire.ts';
import { checkStates } from './fsck-states.ts';
import { type Identity, loadIdentity } from './identity.ts';
import { checkBooks } from './office/fsck.ts';
import { checkStatuses } from './statuses/fsck.ts';
import { directoryReads } from './store/directory-ops.ts';
import { sealedColumns } from './store/sealed-columns.ts';
import { storeFile } from './store/store.ts';

export type Problem = {
  /** 'store', 'directory', 'identity', or the id of a document. */
  readonly about: string;
  readonly envelopeId?: string;
  /** Number of the part, from 0. */
  readonly part?: number;
  /** A code of the catalogue, where one fits. */
  readonly code: string;
  readonly what: string;
};
export type FsckResult = {
  readonly clean: boolean;
  readonly problems: readonly Problem[];
  /** Nothing is damaged, and a person should act. */
  readonly notes: readonly string[];
  readonly checked: {
    readonly documents: number;
    readonly arrivals: number;
    readonly statements: number;
    readonly bytes: number;
  };
};

export type FsckOptions = {
  readonly dir: string;
  readonly clock: Clock;
  readonly onProgress?: (doneBytes: number) => void;
};

type Check = {
  readonly db: Database;
  readonly evidence: Evidence | undefined;
  readonly files: ReturnType<typeof contentFiles>;
  readonly found: (problem: Problem) => void;
  readonly counted: { documents: number; arrivals: number; statements: number; bytes: number };
  readonly onBytes: (bytes: number) => void;
};

/** Throws only when there is nothing to check: `dir-missing`, `store-damaged` (not a database at all). */
export async function fsckNode({ dir, clock, onProgress }: FsckOptions): Promise<FsckResult> {
  const problems: Problem[] = [];
  const counted = { documents: 0, arrivals: 0, statements: 0, bytes: 0 };
  const db = openDatabase(join(dir, storeFile), { readOnly: true, init: 'lienthong node init' });
  const notes: string[] = [];
  const found = (problem: Problem) => void problems.push(problem);
  const atRest = await openAtRest(dir);
  if (atRest) db.useCells(atRest.cells, sealedNames(sealedColumns));
  try {
    for (const line of integrityCheck(db)) found({ about: 'store', code: 'store-damaged', what: line });
    const identity = attempt(found, { about: 'identity' }, () => loadIdentity(dir));
    const rest = atRestState(dir);
    if (rest)
      for (const said of plainWords(
        plainCellsIn(db.path, sealedColumns),
        plainFilesIn(join(dir, 'content', 'sha256')),
      ))
        notes.push(`at-rest: ${said}`);
    if (rest && !rest.recoveryConfirmed)
      notes.push('at-rest: the recovery key has not been confirmed as kept (lienthong at-rest confirm)');
    const check: Check = {
      db,
      evidence: identity && evidenceOf(db, identity, found),
      files: contentFiles(join(dir, 'content', 'sha256'), clock, atRest?.keys),
      found,
      counted,
      onBytes: (bytes) => {
        counted.bytes += bytes;
        onProgress?.(counted.bytes);
      },
    };
    await checkOutbox(check);
    await checkInbox(check);
    checkStatements(check);
    checkStates(db, found);
    checkStatuses(db, found);
    checkBooks(db, found, notes);
    await checkStaged(check, dir);
  } finally {
    db.close();
    atRest?.close();
  }
  return { clean: problems.length === 0, problems, notes, checked: counted };
}

type Where = Pick<Problem, 'about' | 'envelopeId' | 'part'>;

/** What `body` throws of our own vocabulary becomes a problem; anything else is a fault of ours. */
function attempt<T>(found: Check['found'], where: Where, body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (!isExchangeError(error)) throw error;
    found({ ...where, code: error.code, what: error.detail || error.row.title.en });
    return undefined;
  }
}

function evidenceOf(db: Database, identity: Identity, found: Check['found']): Evidence | undefined {
  const certificates = identity.units.map((unit) => unit.certificate.der);
  const rows = [...directoryReads(db).directoryParts()];
  const make = (directory: readonly Uint8Array[], own: readonly Uint8Array[]) =>
    createEvidence({ rootDer: identity.anchors, certificates: own, directory, directoryRequired: false });
  // Each alone first, so that one damaged part is named and the others still serve. A part brings its own certificates.
  const good = rows.filter(({ hub, bytes }) =>
    attempt(found, { about: `directory ${hub}` }, () => make([bytes], [])),
  );
  return attempt(found, { about: 'identity' }, () =>
    make(
      good.map(({ bytes }) => bytes),
      certificates,
    ),
  );
}

type PartRow = {
  idx: number;
  length: number;
  sha256: Uint8Array;
  tree_root: Uint8Array;
  content: Uint8Array | null;
};

async function checkParts(check: Check, parts: Iterable<PartRow>, where: Where): Promise<void> {
  for (const part of parts) {
    const at = { ...where, part: part.idx };
    if (part.content) {
      const hasher = createChunkHasher();
      hasher.update(part.content);
      const digest = hasher.finish();
      check.onBytes(part.content.length);
      if (
        Buffer.compare(digest.sha256, part.sha256) !== 0 ||
        Buffer.compare(digest.treeRoot, part.tree_root) !== 0
      )
        check.found({
          ...at,
          code: 'content-damaged',
          what: 'the bytes in the database differ from their digest',
        });
    } else await checkContent(check, part.sha256, part.length, at);
  }
}

async function checkContent(check: Check, sha256: Uint8Array, lengthBytes: number, at: Where): Promise<void> {
  try {
    const result = await check.files.verify(sha256);
    check.onBytes(result.lengthBytes);
    if (result.ok && result.lengthBytes === lengthBytes) return;
    const chunks = result.badChunks.length > 0 ? `, chunks ${result.badChunks.slice(0, 8).join(', ')}` : '';
    check.found({
      ...at,
      code: 'content-damaged',
      what: `the content file differs from its digest${chunks}`,
    });
  } catch (error) {
    if (!isExchangeError(error, 'content-gone')) throw error;
    check.found({ ...at, code: 'content-gone', what: 'the content file is missing' });
  }
}

function partsAgree(header: Header, parts: readonly PartRow[], where: Where, found: Check['found']): void {
  for (const [i, part] of header.parts.entries()) {
    const row = parts.find(({ idx }) => idx === i);
    if (!row || row.length !== part.length || Buffer.compare(row.sha256, part.sha256) !== 0)
      found({
        ...where,
        part: i,
        code: 'part-mismatch',
        what: 'the stored part is not the one that was sealed',
      });
  }
}

type Sealed = {
  readonly signed: Uint8Array;
  readonly digest: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly metadata: Uint8Array | null;
  readonly atMs: number | undefined;
};

/** Signature, signer, digest and metadata of one sealed header; its header if it can be read. */
function checkSealed({ evidence, found }: Check, sealed: Sealed, where: Where): Header | undefined {
  return attempt(found, where, () => {
    const signed = signedCodec.decode(sealed.signed);
    const header = headerCodec.decode(signed.bytes);
    if (!envelopeDigest(signed.bytes).equals(sealed.digest))
      throw new ExchangeError('store-damaged', 'the digest is not that of the sealed bytes');
    if (sealed.salt && sealed.metadata) {
      const { salt, metadata: block } = { salt: sealed.salt, metadata: sealed.metadata };
      if (!metadataDigest({ salt, block }).equals(header.metadataDigest))
        throw new ExchangeError('metadata-mismatch', 'the metadata block is not the one that was sealed');
    }
    if (evidence) {
      const signer = evidence.signers(
        signed.signature?.keyId ?? Buffer.alloc(0),
        sealed.atMs ?? header.createdMs,
      );
      verifySigned(signed, ['lienthong/header/1'], signer.publicKey);
      if (signer.id !== header.sender) throw new ExchangeError('signer-not-sender', `sealed by ${signer.id}`);
    }
    return header;
  });
}

async function checkOutbox(check: Check): Promise<void> {
  const { db } = check;
  for (const row of db.each<{
    seq: number;
    document_id: Uint8Array;
    salt: Uint8Array | null;
    metadata: Uint8Array | null;
    rebuilt: number;
  }>(
    'SELECT seq, document_id, salt, metadata, length(request_digest) = 0 AS rebuilt FROM documents ORDER BY seq',
  )) {
    check.counted.documents += 1;
    const about = uuidFromBytes(row.document_id);
    const parts = db.all<PartRow>(
      'SELECT idx, length, sha256, tree_root, content FROM out_parts WHERE document_seq = ? ORDER BY idx',
      row.seq,
    );
    const envelopes = db.all<{
      envelope_id: Uint8Array | null;
      digest: Uint8Array | null;
      signed: Uint8Array | null;
    }>('SELECT envelope_id, digest, signed FROM envelopes WHERE document_seq = ?', row.seq);
    for (const { envelope_id, digest, signed } of envelopes) {
      if (!envelope_id || !digest || !signed) continue;
      const where = { about, envelopeId: uuidFromBytes(envelope_id) };
      const header = checkSealed(check, { ...row, signed, digest, atMs: undefined }, where);
      if (header) partsAgree(header, parts, where, check.found);
    }
    // Rebuilt from the hub after a restore, or destroyed by an order: a file that is not here is no damage.
    const removed = db.get(
      'SELECT 1 FROM removals r JOIN documents d ON d.document_id = r.document_id WHERE d.seq = ? AND r.act = 2 AND r.told <> 2',
      row.seq,
    );
    const here = row.rebuilt === 0 && !removed ? parts : await partsHere(check, parts);
    await checkParts(check, here, { about });
  }
}

async function partsHere({ files }: Check, parts: readonly PartRow[]): Promise<PartRow[]> {
  const found = await Promise.all(
    parts.map(async (part) => part.content !== null || (await files.stat(part.sha256)) !== undefined),
  );
  return parts.filter((_, i) => found[i]);
}

type InboxRow = {
  seq: number;
  envelope_id: Uint8Array;
  document_id: Uint8Array;
  digest: Uint8Array;
  signed: Uint8Array;
  hops: Uint8Array;
  salt: Uint8Array | null;
  metadata: Uint8Array | null;
  receipt: Uint8Array;
  accepted_ms: number;
  readonly destroyed: number;
};

async function checkInbox(check: Check): Promise<void> {
  const { db, evidence, found } = check;
  for (const row of db.each<InboxRow>(
    `SELECT seq, envelope_id, document_id, digest, signed, hops, salt, metadata, receipt, accepted_ms,
       destroyed_ms IS NOT NULL AS destroyed FROM inbox ORDER BY seq`,
  )) {
    check.counted.arrivals += 1;
    const where = { about: uuidFromBytes(row.document_id), envelopeId: uuidFromBytes(row.envelope_id) };
    const header = checkSealed(check, { ...row, atMs: row.accepted_ms }, where);
    attempt(found, where, () => wrapperCodec.decode(row.hops));
    attempt(found, where, () => {
      if (!evidence) return;
      const { statement } = openStatementSync(row.receipt, evidence.signers);
      if (Buffer.compare(statement.envelopeDigest, row.digest) !== 0)
        throw new ExchangeError('statement-mismatch', "the hub's receipt is about another envelope");
      if (statement.atMs !== row.accepted_ms)
        throw new ExchangeError('store-damaged', 'the acceptance time is not that of the receipt');
    });
    const parts = db.all<PartRow>(
      'SELECT idx, length, sha256, tree_root, content FROM in_parts WHERE inbox_seq = ? ORDER BY idx',
      row.seq,
    );
    // Of what a recall destroyed the trace is left: no part may be.
    if (header && row.destroyed === 0) partsAgree(header, parts, where, found);
    await checkParts(check, parts, where);
  }
}

function checkStatements({ db, evidence, found, counted }: Check): void {
  if (!evidence) return;
  for (const row of db.each<{ id: number; envelope_id: Uint8Array; bytes: Uint8Array; event: number }>(
    'SELECT id, envelope_id, bytes, event FROM statements ORDER BY id',
  )) {
    counted.statements += 1;
    const where = { about: `statement ${row.id}`, envelopeId: uuidFromBytes(row.envelope_id) };
    attempt(found, where, () => {
      const { statement } = openStatementSync(row.bytes, evidence.signers);
      if (statement.event !== row.event || Buffer.compare(statement.envelopeId, row.envelope_id) !== 0)
        throw new ExchangeError('statement-mismatch', 'the row is not about the statement that it holds');
    });
  }
}

async function checkStaged(check: Check, dir: string): Promise<void> {
  for (const { handle, sha256, length } of check.db.all<{
    handle: string;
    sha256: Uint8Array;
    length: number;
  }>('SELECT handle, sha256, length FROM staged'))
    await checkContent(check, sha256, length, { about: `upload ${handle}` });
  if (!fs.existsSync(join(dir, 'content')))
    check.found({ about: 'store', code: 'store-damaged', what: 'the content folder is missing' });
}

// Reads the whole store of a hub and verifies it again: hashes, seals, receipts, statements, the ledger's chain, states, certificates,
// directory, content. Reports by name, changes nothing. Works beside a running hub, on one snapshot of the database.
// Must never stop at the first finding, nor believe a column that a signature or a hash can prove.

import { join } from 'node:path';
import { readRoots } from '../certs/roots.ts';
import type { RootAnchor } from '../certs/trust.ts';
import { leafHash } from '../protocol/merkle.ts';
import { atRestState } from '../protocol/node/at-rest/master.ts';
import { openAtRest } from '../protocol/node/at-rest/open.ts';
import { plainCellsIn, sealedNames } from '../protocol/node/at-rest/seal-rows.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { contentFiles } from '../protocol/node/content-files.ts';
import { plainFilesIn, plainWords } from '../protocol/node/seal-content.ts';
import { type Database, integrityCheck, openDatabase } from '../protocol/node/sqlite.ts';
import { checkContent } from './fsck-content.ts';
import { checkEnvelopes, checkStatements } from './fsck-envelopes.ts';
import { checkRecalls, checkRecords, loadAllParts } from './fsck-records.ts';
import { hubPaths, readCertificateFile } from './identity.ts';
import { checkAudit } from './store/audit-check.ts';
import { checkLedger } from './store/ledger.ts';
import { sealedColumns } from './store/sealed-columns.ts';

/** A `fault` must not be; a `note` may be and is worth a look. */
export type Finding = {
  readonly severity: 'fault' | 'note';
  /** Name of the check. */
  readonly check: string;
  readonly about: string;
  readonly said: string;
};

export type FsckResult = {
  readonly sound: boolean;
  readonly counted: Readonly<Record<string, number>>;
  /** At most FINDINGS_MAX; `faults` and `notes` count all. */
  readonly findings: readonly Finding[];
  readonly faults: number;
  readonly notes: number;
};

const FINDINGS_MAX = 1000;

/** What the checks share. `leaf` answers from the ledger as it was verified. */
export type Fsck = {
  readonly db: Database;
  /** The roots believed. */
  readonly anchors: readonly RootAnchor[];
  fault(check: string, about: string, said: string): void;
  note(check: string, about: string, said: string): void;
  count(what: string): void;
  counted(what: string, n: number): void;
  /** The ledger's leaf at a sequence is the hash of `entry`. */
  inLedger(sequence: number, entry: Uint8Array): boolean;
  /** The leaf that an entry has in the ledger, hex. */
  leafHex(entry: Uint8Array): string;
};

export type FsckOptions = {
  readonly dir: string;
  /** Leaves out the re-hashing of content files; presence and length are looked at. */
  readonly fast?: boolean;
  /** Rows and files looked at so far. */
  readonly onProgress?: (done: number) => void;
};

/** Throws only when it cannot read at all (`dir-missing`, `store-damaged`). */
export async function fsckHub({ dir, fast = false, onProgress }: FsckOptions): Promise<FsckResult> {
  const paths = hubPaths(dir);
  const db = openDatabase(paths.database, { readOnly: true, init: 'lienthong hub init' });
  const atRest = await openAtRest(dir);
  if (atRest) db.useCells(atRest.cells, sealedNames(sealedColumns));
  try {
    const findings: Finding[] = [];
    const counted: Record<string, number> = {};
    const total = { fault: 0, note: 0 };
    let done = 0;
    const found = (severity: Finding['severity']) => (check: string, about: string, said: string) => {
      total[severity] += 1;
      if (findings.length < FINDINGS_MAX) findings.push({ severity, check, about, said });
    };
    const fsck: Fsck = {
      db,
      anchors: readRoots(paths.certs, readCertificateFile(paths.certificate('root'))).anchors,
      fault: found('fault'),
      note: found('note'),
      count(what) {
        counted[what] = (counted[what] ?? 0) + 1;
        done += 1;
        if (done % 256 === 0) onProgress?.(done);
      },
      counted(what, n) {
        counted[what] = n;
      },
      inLedger(sequence, entry) {
        const row = db.get<{ leaf: Uint8Array }>('SELECT leaf FROM ledger WHERE sequence = ?', sequence);
        return row !== undefined && leafHash(entry).equals(Buffer.from(row.leaf));
      },
      leafHex: (entry) => leafHash(entry).toString('hex'),
    };
    // One snapshot for all checks: a hub that goes on working does not make them disagree.
    db.exec('BEGIN');
    for (const line of integrityCheck(db)) fsck.fault('database', 'hub.sqlite', line);
    for (const { about, said } of checkLedger(db, () => fsck.count('ledger')))
      fsck.fault('ledger', about, said);
    const audit = checkAudit(db, fsck.anchors);
    fsck.counted('audit', audit.entries);
    for (const { about, said } of audit.faults) fsck.fault('audit', about, said);
    const directory = loadAllParts(fsck);
    checkRecords(fsck);
    checkRecalls(fsck);
    checkEnvelopes(fsck, directory);
    checkStatements(fsck, directory);
    const root = join(dir, 'content', 'sha256');
    await checkContent(fsck, { root, files: contentFiles(root, systemClock, atRest?.keys), fast });
    const rest = atRestState(dir);
    if (rest)
      for (const said of plainWords(plainCellsIn(db.path, sealedColumns), plainFilesIn(root)))
        fsck.note('at-rest', rest.mode, said);
    if (rest && !rest.recoveryConfirmed)
      fsck.note(
        'at-rest',
        rest.mode,
        'the recovery key has not been confirmed as kept (lienthong at-rest confirm)',
      );
    db.exec('COMMIT');
    return { sound: total.fault === 0, counted, findings, faults: total.fault, notes: total.note };
  } finally {
    db.close();
    atRest?.close();
  }
}

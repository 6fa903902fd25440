// The audit as one file: JSON lines, a header, every row as it is hashed, then the signed head with the certificates that verify it. Whoever
// has the file and the deployment's root can check it without the hub; a file kept elsewhere proves later that the hub's audit was not cut.
import fs from 'node:fs';
import { certificateDer } from '../certs/pem.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import { openDatabase } from '../protocol/node/sqlite.ts';
import { hubPaths, rootsOfHub } from './identity.ts';
import { type AuditCheck, type AuditRow, check, checkAudit, headSigners } from './store/audit-check.ts';
import { needFact } from './store/facts.ts';
import { checkLedger } from './store/ledger.ts';

const FORMAT = 'lienthong/audit-export/1';
/** A million acts of 500 bytes; more is not an export of ours. */
const FILE_BYTES_MAX = 1024 * 1024 * 1024;

type Header = { format: string; hub: string };
type Line = { sequence: number; entry: string; chain: string; ledgerSequence: number };
type End = { head: string; directoryCertificates: string[]; issuingCertificates: string[] };

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'base64');

/** Durable on return; one snapshot of a running hub. Throws `dir-missing`, `dir-exists` when `to` exists. */
export async function exportAudit({ dir, to }: { dir: string; to: string }): Promise<{ entries: number }> {
  const db = openDatabase(hubPaths(dir).database, { readOnly: true, init: 'lienthong hub init' });
  try {
    db.exec('BEGIN');
    const header: Header = { format: FORMAT, hub: needFact(db, 'hubId') };
    const lines = [JSON.stringify(header)];
    for (const row of db.each<AuditRow>(
      'SELECT sequence, entry, chain, ledger_sequence FROM audit ORDER BY sequence',
    )) {
      const { sequence, entry, chain, ledger_sequence: ledgerSequence } = row;
      const line: Line = { sequence, entry, chain: Buffer.from(chain).toString('hex'), ledgerSequence };
      lines.push(JSON.stringify(line));
    }
    const head = db.get<{ signed: Uint8Array }>('SELECT signed FROM audit_head')?.signed;
    const signers = headSigners(db);
    const end: End = {
      head: base64(head ?? new Uint8Array()),
      directoryCertificates: signers.directory.map(base64),
      issuingCertificates: signers.issuing.map(base64),
    };
    try {
      writeFileDurable(to, `${[...lines, JSON.stringify(end)].join('\n')}\n`, {
        mode: 0o600,
        replace: false,
      });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      throw new ExchangeError('dir-exists', to, { cause });
    }
    db.exec('COMMIT');
    return { entries: lines.length - 1 };
  } finally {
    db.close();
  }
}

type Opened = { readonly header: Header; readonly rows: AuditRow[]; readonly end: End };

/** Throws `backup-invalid` when it is not such a file, whole. */
function readExport(path: string): Opened {
  const damaged = (why: string, cause?: unknown) =>
    new ExchangeError('backup-invalid', `${path}: ${why}`, { cause });
  if (fs.statSync(path).size > FILE_BYTES_MAX) throw damaged('larger than an export can be');
  try {
    const lines = fs.readFileSync(path, 'utf8').trimEnd().split('\n');
    const header = JSON.parse(lines[0]!) as Header;
    if (header.format !== FORMAT) throw damaged('not an export of an audit');
    const end = JSON.parse(lines.at(-1)!) as End;
    if (lines.length < 2 || typeof end.head !== 'string') throw damaged('its end is missing');
    const rows = lines.slice(1, -1).map((text): AuditRow => {
      const { sequence, entry, chain, ledgerSequence } = JSON.parse(text) as Line;
      return { sequence, entry, chain: Buffer.from(chain, 'hex'), ledger_sequence: ledgerSequence };
    });
    return { header, rows, end };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) throw damaged('not JSON lines', error);
    throw error;
  }
}

/** Without the hub: chain, order, signed head under `root` (PEM). What was cut off together with a newer head shows only against a later file. */
export function verifyAuditFile({ file, root }: { file: string; root: string }): AuditCheck {
  const { rows, end } = readExport(file);
  return check({
    rows,
    anchors: undefined,
    signed: end.head === '' ? undefined : bytesOf(end.head),
    known: [],
    signers: {
      directory: end.directoryCertificates.map(bytesOf),
      issuing: end.issuingCertificates.map(bytesOf),
    },
    rootsDer: [certificateDer(fs.readFileSync(root, 'utf8'))],
  });
}

/** The audit of a hub's folder, its anchors in the ledger, the ledger's own chain, and that an earlier export (`head`) is contained in it. */
export function verifyAuditDir({ dir, head }: { dir: string; head?: string }): AuditCheck {
  const paths = hubPaths(dir);
  const known = head === undefined ? [] : [bytesOf(readExport(head).end.head)];
  const db = openDatabase(paths.database, { readOnly: true, init: 'lienthong hub init' });
  try {
    db.exec('BEGIN');
    const checked = checkAudit(db, rootsOfHub(dir).anchors, known);
    const ledger = [...checkLedger(db)].slice(0, 100);
    db.exec('COMMIT');
    return {
      ...checked,
      faults: [
        ...checked.faults,
        ...ledger.map(({ about, said }) => ({ kind: 'unanchored' as const, about: `ledger ${about}`, said })),
      ],
    };
  } finally {
    db.close();
  }
}

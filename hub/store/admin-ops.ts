// Writer thread: all operations of the hub's operator and of enrolment, merged into the hub's operations by writer-ops.ts.
// Each act is one transaction: rows, the new signed directory version and its ledger entry. Nothing here is on a document's path.
import { createPrivateKey } from 'node:crypto';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type AdminDeps, directoryOps } from './directory-ops.ts';
import { enrolOps } from './enrol-ops.ts';
import type { WriterContext } from './types.ts';
import { unitOps } from './unit-ops.ts';

export type AdminOps = ReturnType<typeof adminOps>;

/** As the default of config.ts. */
const DIRECTORY_DAYS = 30;

export function adminOps(
  db: Database,
  options: {
    readonly appendLedger: AdminDeps['appendLedger'];
    readonly context: Pick<WriterContext, 'directoryKeyPem' | 'directoryKeyId'> & {
      /** config.directoryDays. */
      readonly directoryDays?: number;
    };
  },
) {
  const deps: AdminDeps = {
    appendLedger: options.appendLedger,
    directoryLifeMs: (options.context.directoryDays ?? DIRECTORY_DAYS) * 86_400_000,
    directoryKey: {
      keyId: Buffer.from(options.context.directoryKeyId, 'hex'),
      privateKey: createPrivateKey(options.context.directoryKeyPem),
    },
  };
  return { ...unitOps(db, deps), ...enrolOps(db, deps), ...directoryOps(db, deps) };
}

// Writer thread: all operations of the hub's operator and of enrolment, merged into the hub's operations by writer-ops.ts.
// Each act is one transaction: rows, the new signed directory version and its ledger entry. Nothing here is on a document's path.
// All of them run under the audit (audit-acts.ts).
import { createPrivateKey } from 'node:crypto';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Op } from '../../protocol/node/writer.ts';
import type { SigningKey } from '../../protocol/signature.ts';
import { approvalOps } from './approval-ops.ts';
import { auditedOps } from './audit-acts.ts';
import { borderAdminOps } from './border-admin-ops.ts';
import { certificateOps } from './certificate-ops.ts';
import { describeOps } from './describe-ops.ts';
import { type AdminDeps, directoryOps } from './directory-ops.ts';
import { enrolOps } from './enrol-ops.ts';
import { reformOps } from './reform-ops.ts';
import { checkActs } from './safety-ops.ts';
import { operatorKeyActs, takedownActs } from './takedown-ops.ts';
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
      /** config.secondPerson.acts. */
      readonly secondPerson?: readonly string[];
    };
    /** The key in force, where it may change while the hub runs; default the one of `context`. */
    readonly directoryKey?: () => SigningKey;
  },
) {
  const atStart: SigningKey = {
    keyId: Buffer.from(options.context.directoryKeyId, 'hex'),
    privateKey: createPrivateKey(options.context.directoryKeyPem),
  };
  const directoryKey = options.directoryKey ?? (() => atStart);
  const deps: AdminDeps = {
    appendLedger: options.appendLedger,
    directoryLifeMs: (options.context.directoryDays ?? DIRECTORY_DAYS) * 86_400_000,
    get directoryKey() {
      return directoryKey();
    },
  };
  // An agreed act runs as any other: under the audit.
  const byName = new Map<string, Op>();
  const acts = {
    ...unitOps(db, deps),
    ...reformOps(db, deps),
    ...describeOps(db, deps),
    ...enrolOps(db, deps),
    ...certificateOps(db, deps),
    ...directoryOps(db, deps),
    ...borderAdminOps(db, deps),
    ...checkActs(db),
    ...takedownActs(db),
    ...operatorKeyActs(db, deps),
    ...approvalOps(db, (act) => byName.get(act), deps),
  };
  const audited = auditedOps(db, acts, { ...deps, secondPerson: options.context.secondPerson ?? [] });
  for (const [name, op] of Object.entries(audited)) byName.set(name, op as Op);
  return audited;
}

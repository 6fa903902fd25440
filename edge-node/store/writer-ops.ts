// The module of the node's writer thread: every write of the store, in one transaction per batch. What units state (delivery receipts,
// refusals) is collected by the operations and signed before COMMIT, one Merkle tree per unit, so that a document is visible
// exactly when its receipt is stored. Nothing is answered before the commit was synced.
import { signerOf } from '../../certs/keys.ts';
import { signedCodec } from '../../protocol/codec.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { cellsOf } from '../../protocol/node/at-rest/open.ts';
import { sealedNames } from '../../protocol/node/at-rest/seal-rows.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Operations } from '../../protocol/node/writer.ts';
import { type SigningKey, signMany } from '../../protocol/signature.ts';
import { personOps } from '../accounts/ops.ts';
import { signInOps } from '../accounts/sign-in-ops.ts';
import { draftOps } from '../console/drafts-ops.ts';
import { figureOps } from '../figures/ops.ts';
import { folderOps } from '../folder/folder-ops.ts';
import { registerOps } from '../office/register-ops.ts';
import { workOps } from '../office/work-ops.ts';
import { groupOps } from '../recipients/group-ops.ts';
import { changeOps } from '../statuses/change-ops.ts';
import { holderOps } from '../statuses/holders.ts';
import { numberOps } from '../statuses/numbers.ts';
import { reminderOps } from '../statuses/reminders.ts';
import { requestOps } from '../statuses/request-ops.ts';
import { statusOps } from '../statuses/status-ops.ts';
import { directoryOps } from './directory-ops.ts';
import { factOps } from './fact-ops.ts';
import { inboxOps, type ToSign } from './inbox-ops.ts';
import { outboxOps } from './outbox-ops.ts';
import { recoveryOps } from './recovery-ops.ts';
import { retryOps } from './retry-ops.ts';
import { safetyOps } from './safety-ops.ts';
import { sealedColumns } from './sealed-columns.ts';
import { takedownOps } from './takedown-ops.ts';
import type { UnitKey, WriterContext } from './types.ts';

function allOps(db: Database, keys: Map<string, SigningKey>, sign: (items: readonly ToSign[]) => void) {
  return {
    ...outboxOps(db),
    ...recoveryOps(db),
    ...retryOps(db),
    ...inboxOps(db, sign),
    ...numberOps(db),
    ...registerOps(db),
    ...workOps(db),
    ...factOps(db),
    ...directoryOps(db),
    ...groupOps(db),
    ...statusOps(db),
    ...requestOps(db),
    ...changeOps(db),
    ...holderOps(db),
    ...reminderOps(db),
    ...safetyOps(db),
    ...takedownOps(db),
    ...personOps(db),
    ...signInOps(db),
    ...draftOps(db),
    ...figureOps(db),
    ...folderOps(db),
    /** Keys after a renewal, or of a further unit. */
    setKeys({ keys: given }: { keys: readonly UnitKey[] }): void {
      for (const { unit, keyId, signer } of given)
        keys.set(unit, { keyId: Buffer.from(keyId), privateKey: signerOf(signer) });
    },
  };
}

export type EdgeOps = ReturnType<typeof allOps>;

/** The module's entry for protocol/node/writer-thread.ts. */
export function operations(db: Database, context: WriterContext): Operations<EdgeOps> {
  if (context.atRest) db.useCells(cellsOf(context.atRest), sealedNames(sealedColumns));
  const keys = new Map<string, SigningKey>();
  let waiting: ToSign[] = [];
  const ops = allOps(db, keys, (items) => {
    const keyless = items.find(({ unit }) => !keys.has(unit));
    if (keyless) throw new ExchangeError('key-file-missing', `seal key of ${keyless.unit}`);
    waiting.push(...items);
  });
  ops.setKeys(context);
  return {
    ops,
    beforeCommit() {
      if (waiting.length === 0) return;
      // A crash here: nothing of the batch is on disk, the hub hands it out again.
      crashPoint('receive.4');
      signWaiting(waiting, keys);
      // A crash here: signed but not committed, so nobody has seen it; the next receipt is the first.
      crashPoint('receive.5');
    },
    afterBatch() {
      waiting = [];
    },
  };
}

function signWaiting(waiting: readonly ToSign[], keys: ReadonlyMap<string, SigningKey>): void {
  const byUnit = new Map<string, ToSign[]>();
  for (const item of waiting) {
    const list = byUnit.get(item.unit);
    if (list) list.push(item);
    else byUnit.set(item.unit, [item]);
  }
  for (const [unit, items] of byUnit) {
    for (let from = 0; from < items.length; from += limits.merkleLeavesMax) {
      const some = items.slice(from, from + limits.merkleLeavesMax);
      const signed = signMany(some, keys.get(unit)!);
      for (const [i, item] of some.entries()) item.store(signedCodec.encode(signed[i]!));
    }
  }
}

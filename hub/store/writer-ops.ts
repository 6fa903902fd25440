// Every write of the hub, run in the writer thread inside the batch's one transaction. What needs the hub's signature (receipts,
// notices, hops) is collected by the operations and signed once per batch, as leaves of one Merkle tree, in `beforeCommit`: ledger
// entry, receipt, envelope and deliveries become durable in the same COMMIT or not at all. Nothing is answered before it.
import { createPrivateKey } from 'node:crypto';
import { signedCodec } from '../../protocol/codec.ts';
import { limits } from '../../protocol/limits.ts';
import { cellsOf } from '../../protocol/node/at-rest/open.ts';
import { sealedNames } from '../../protocol/node/at-rest/seal-rows.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Op, Operations } from '../../protocol/node/writer.ts';
import { type SigningKey, signMany } from '../../protocol/signature.ts';
import { acceptOps } from './accept-ops.ts';
import { adminOps } from './admin-ops.ts';
import { auditedOps } from './audit-acts.ts';
import { borderOps } from './border-ops.ts';
import { claimOps } from './claim-ops.ts';
import { forwardOps } from './forward-ops.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { peerOps } from './peer-ops.ts';
import { safetyOps } from './safety-ops.ts';
import { sealedColumns } from './sealed-columns.ts';
import { settleOps } from './settle-ops.ts';
import { takedownOps } from './takedown-ops.ts';
import { createTurns } from './turns.ts';
import type { HubKeyTexts, Pending, Shared, WriterContext } from './types.ts';

/** The module's entry for protocol/node/writer-thread.ts. */
export function operations(db: Database, context: WriterContext): Operations<Record<string, Op>> {
  let keys = signingKeysOf(context);
  // Between acceptance and settlement the pages of a document are touched four times; 64 MiB hold some thousand of them.
  db.exec('PRAGMA cache_size = -65536');
  if (context.atRest) db.useCells(cellsOf(context.atRest), sealedNames(sealedColumns));
  const ledger = openLedger(db);
  let pending: Pending[] = [];
  let epoch: number | undefined;
  const shared: Shared = {
    db,
    context,
    ledger,
    turns: createTurns(db),
    state: (item) => {
      pending.push(item);
    },
    // Read once for each batch: it changes only while the hub is stopped.
    epoch: () => {
      epoch ??= Number(db.get<{ value: string }>("SELECT value FROM facts WHERE name = 'epoch'")?.value ?? 1);
      return epoch;
    },
  };
  const accepting = acceptOps(shared);
  const { speakFor, ...settling } = settleOps(shared);
  const { cancel, hold, redrive } = settling;
  // What an operator does to waiting documents stands in the audit like acts on units.
  const queue = auditedOps(
    db,
    { cancel, hold, redrive },
    {
      appendLedger: ledger.append,
      secondPerson: [],
      personsOnly: true,
      get directoryKey() {
        return keys.directory;
      },
    },
  );
  const ops = {
    ...accepting.ops,
    ...claimOps(shared),
    ...settling,
    ...queue,
    ...forwardOps(shared),
    ...borderOps(shared, speakFor),
    ...peerOps(shared),
    ...safetyOps(db),
    ...takedownOps(db),
    ...adminOps(db, { appendLedger: ledger.append, context, directoryKey: () => keys.directory }),
    /** Renewed keys: what is signed from the next batch on. */
    setHubKeys(next: HubKeyTexts): void {
      keys = signingKeysOf(next);
    },
  } as Record<string, Op>;
  return {
    ops: Object.fromEntries(Object.entries(ops).map(([name, op]) => [name, forgetting(op, ledger)])),
    beforeCommit() {
      const accepts = pending.some(({ kind }) => kind === 'acceptance');
      if (accepts) crashPoint('accept.8');
      signPending(pending, ledger, keys.receipts);
      // A crash here leaves no trace of the whole batch: nothing is committed and nobody was answered.
      if (accepts) crashPoint('accept.9');
    },
    afterBatch() {
      pending = [];
      epoch = undefined;
      ledger.forget();
      accepting.forget();
    },
  };
}

type SigningKeys = { readonly receipts: SigningKey; readonly directory: SigningKey };

function signingKeysOf(texts: HubKeyTexts): SigningKeys {
  const key = (pem: string, keyId: string): SigningKey => ({
    keyId: Buffer.from(keyId, 'hex'),
    privateKey: createPrivateKey(pem),
  });
  return {
    receipts: key(texts.receiptsKeyPem, texts.receiptsKeyId),
    directory: key(texts.directoryKeyPem, texts.directoryKeyId),
  };
}

/** An operation that throws is undone alone, with the ledger entries it made. */
function forgetting(op: Op, ledger: Ledger): Op {
  return (args: never) => {
    try {
      return op(args);
    } catch (error) {
      ledger.forget();
      throw error;
    }
  };
}

/** Ledger sequences, one Merkle tree over statements and hops, then the rows. At most 512 statements, each perhaps with a hop, per tree. */
function signPending(all: readonly Pending[], ledger: Ledger, key: SigningKey): void {
  for (let from = 0; from < all.length; from += limits.merkleLeavesMax / 2) {
    const some = all.slice(from, from + limits.merkleLeavesMax / 2);
    const first = ledger.head() + 1;
    const built = some.map((item, i) => item.build(first + i));
    const leaves = some.flatMap(({ hop }, i) => (hop ? [built[i]!, hop] : [built[i]!]));
    const signed = signMany(leaves, key).map((each) => signedCodec.encode(each));
    let at = 0;
    for (const [i, item] of some.entries()) {
      const sequence = ledger.append(item.kind, built[i]!.bytes, item.atMs);
      const statement = signed[at++]!;
      item.commit(statement, sequence, item.hop ? signed[at++] : undefined);
    }
  }
}

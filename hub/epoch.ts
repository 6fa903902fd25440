// The hub's epoch, signed at start: which life of the store this is. A restore begins a new one (hub/backup.ts); nodes that see a higher
// number offer again what the restored store may not have. PROTOCOL.md 10.11.
import { epochCodec, signedCodec } from '../protocol/codec.ts';
import { type SigningKey, signOne } from '../protocol/signature.ts';

export type SignedEpoch = {
  readonly number: number;
  /** Encoded Signed "lienthong/epoch/1". */
  readonly bytes: Uint8Array;
};

/** `fact` reads hub/store/facts.ts. */
export function signEpoch(
  fact: (name: string) => string | undefined,
  hub: string,
  key: SigningKey,
): SignedEpoch {
  const number = Number(fact('epoch') ?? 1);
  const bytes = epochCodec.encode({
    hub,
    number,
    startedMs: Number(fact('epochStartedMs') ?? 0),
    commonLedgerSequence: Number(fact('commonLedgerSequence') ?? 0),
    previous: Number(fact('epochBefore') ?? 0),
  });
  return { number, bytes: signedCodec.encode(signOne('lienthong/epoch/1', bytes, key)) };
}

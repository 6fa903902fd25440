// Arrivals whose seal was withdrawn for a time before the hub accepted them: they stay as they are and are marked (DESIGN §5 Validity).
// A derived fact, never a column: the signed directory says it, also years later. Must never hide or delete such a document.
import type { Signers } from '../certs/signers.ts';
import { signedCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';

type Arrival = { readonly signed: Uint8Array; readonly accepted_ms: number };

/** True when the key that sealed it was not to be believed any more at the accepted time. */
export function sealWithdrawn({ signed, accepted_ms: atMs }: Arrival, signers: Signers): boolean {
  const keyId = signedCodec.decode(signed).signature?.keyId ?? new Uint8Array(0);
  try {
    signers.resolve(keyId, 'unit-seal', atMs);
    return false;
  } catch (error) {
    if (!isExchangeError(error)) throw error;
    // Whatever else is wrong today (a key that no directory names any more) was judged when it came.
    return error.code === 'certificate-revoked';
  }
}

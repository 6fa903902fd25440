// OCSP answers of any shape, right or wrong (RFC 6960), byte by byte, signed by whoever is given: for what a PDF brings along about its signers.
// Nothing of the product's reader is used but the DER forms. Beside pki.ts.
import { createHash, type KeyObject } from 'node:crypto';
import {
  childrenOf,
  der,
  derGeneralizedTime,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  readDer,
} from '../../certs/der.ts';
import { type Party, signed } from './pki.ts';

/** A certificate as an answer speaks of it: the name inside it (DER) and its key. */
export type Known = { readonly nameDer: Uint8Array; readonly publicKey: KeyObject };

export type AnswerShape = {
  /** Whose certificate is asked about. */
  readonly issuer: Known;
  readonly serial: bigint;
  readonly state?: 'good' | 'unknown' | { readonly revokedMs: number };
  /** Who answers: its certificate travels along. */
  readonly by: Pick<Party, 'kind' | 'privateKey' | 'der'> & Pick<Known, 'nameDer'>;
  readonly atMs: number;
  /** null: without nextUpdate. */
  readonly nextMs?: number | null;
};

const hashed = (bytes: Uint8Array): Uint8Array => derOctets(createHash('sha1').update(bytes).digest());

/** The bits of the key without their algorithm, as RFC 6960 hashes them. */
function keyBits(key: KeyObject): Uint8Array {
  const [, bits] = childrenOf(readDer(key.export({ type: 'spki', format: 'der' })));
  return bits!.content.subarray(1);
}

function stateOf(state: AnswerShape['state'] = 'good'): Uint8Array {
  if (state === 'good') return der(0x80);
  return state === 'unknown' ? der(0x82) : der(0xa1, derGeneralizedTime(state.revokedMs));
}

/** OCSPResponse with one basic answer. Valid for a day unless said otherwise. */
export function ocspAnswer(shape: AnswerShape): Buffer {
  const { issuer, serial, by, atMs, nextMs = atMs + 86_400_000 } = shape;
  const id = derSequence(
    derSequence(derOid('1.3.14.3.2.26')),
    hashed(issuer.nameDer),
    hashed(keyBits(issuer.publicKey)),
    derInteger(serial),
  );
  const one = derSequence(
    id,
    stateOf(shape.state),
    derGeneralizedTime(atMs),
    ...(nextMs === null ? [] : [der(0xa0, derGeneralizedTime(nextMs))]),
  );
  const data = derSequence(der(0xa1, by.nameDer), derGeneralizedTime(atMs), derSequence(one));
  const [tbs, algorithm, signature] = childrenOf(readDer(signed(data, by)));
  const basic = derSequence(tbs!.whole, algorithm!.whole, signature!.whole, der(0xa0, derSequence(by.der)));
  const answer = derSequence(derOid('1.3.6.1.5.5.7.48.1.1'), derOctets(basic));
  return Buffer.from(derSequence(der(0x0a, Buffer.from([0])), der(0xa0, answer)));
}

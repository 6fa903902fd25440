// The test vectors of test/vectors: fixed keys, readers of the files, and small pieces of wire format for those that write them.
// The keys are public knowledge; nothing outside tests may ever believe them. Used by test/vectors/generate.ts and protocol.test.ts.
import { createECDH, createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type ErrorCode, ExchangeError } from '../../protocol/errors.ts';
import { newHubId, newUnitId } from '../../protocol/ids.ts';
import { keyIdOf, type SigningKey } from '../../protocol/signature.ts';

export type TestKey = {
  readonly name: string;
  readonly kind: 'unit' | 'hub';
  readonly id: string;
  readonly signing: SigningKey;
  readonly publicKey: KeyObject;
};

const seedOf = (text: string): Buffer => hash('sha256', `lienthong test vectors ${text}`, 'buffer');

/** A P-256 key whose private number is a hash of its name: the same in every run and every country. */
function fixedKey(name: string): { privateKey: KeyObject; publicKey: KeyObject } {
  const ecdh = createECDH('prime256v1');
  const d = seedOf(`key ${name}`);
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const key = {
    kty: 'EC',
    crv: 'P-256',
    d: d.toString('base64url'),
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

function testKey(name: string, kind: 'unit' | 'hub'): TestKey {
  const { privateKey, publicKey } = fixedKey(name);
  const random = seedOf(`id ${name}`);
  const id = kind === 'unit' ? newUnitId(random) : newHubId(random);
  return { name, kind, id, signing: { keyId: keyIdOf(publicKey), privateKey }, publicKey };
}

export const sender = testKey('sender', 'unit');
export const recipient = testKey('recipient', 'unit');
export const stranger = testKey('stranger', 'unit');
export const hub = testKey('hub', 'hub');
export const nextHub = testKey('next hub', 'hub');
export const keys: readonly TestKey[] = [sender, recipient, stranger, hub, nextHub];

/** 2026-01-15 09:00 in Vietnam: when everything in the vectors happens. */
export const atMs = Date.UTC(2026, 0, 15, 2);

/** Sixteen or more bytes that look random and never change. */
export const fixedBytes = (text: string, length: number): Buffer => {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => seedOf(`bytes ${text} ${i}`));
  return Buffer.concat(blocks).subarray(0, length);
};

/** What the directory of the vectors names. Throws `signer-unknown`. */
export function resolveSigner(keyId: Uint8Array): {
  kind: 'unit' | 'hub';
  id: string;
  unit: string;
  publicKey: KeyObject;
} {
  const found = keys.find(({ signing }) => signing.keyId.equals(keyId));
  if (!found) throw new ExchangeError('signer-unknown');
  return { kind: found.kind, id: found.id, unit: found.id, publicKey: found.publicKey };
}

/** `ok`, or the code of the refusal. */
export type Outcome = 'ok' | ErrorCode;
/** Bytes in hex; long ones as base64 of their gzip. */
export type Bytes = { readonly hex: string } | { readonly gzipBase64: string };
export type Vector = {
  readonly name: string;
  /** Of docs/PROTOCOL.md. */
  readonly clause: string;
  readonly bytes: Bytes;
  readonly expect: Outcome;
};
export type VectorFile<Each> = { readonly about: string; readonly vectors: readonly Each[] };

export function toBytes(bytes: Uint8Array): Bytes {
  if (bytes.length <= 4096) return { hex: Buffer.from(bytes).toString('hex') };
  return { gzipBase64: gzipSync(bytes, { level: 9 }).toString('base64') };
}

export function fromBytes(bytes: Bytes): Buffer {
  return 'hex' in bytes ? Buffer.from(bytes.hex, 'hex') : gunzipSync(Buffer.from(bytes.gzipBase64, 'base64'));
}

export const vectorPath = (name: string): URL => new URL(`../vectors/${name}.json`, import.meta.url);

export function readVectors<Each>(name: string): VectorFile<Each> {
  return JSON.parse(readFileSync(vectorPath(name), 'utf8')) as VectorFile<Each>;
}

/** One varint, shortest form. */
export function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  while (rest > 127) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...out, rest]);
}

/** One length-delimited field. */
export const bytesField = (number: number, bytes: Uint8Array | string): Buffer => {
  const value = Buffer.from(bytes as Uint8Array);
  return Buffer.concat([varint(number * 8 + 2), varint(value.length), value]);
};

/** One varint field. */
export const numberField = (number: number, value: number): Buffer =>
  Buffer.concat([varint(number * 8), varint(value)]);

/** The code with which `attempt` refuses, or `ok`. Anything but an ExchangeError is thrown on. */
export async function outcomeOf(attempt: () => unknown): Promise<Outcome> {
  try {
    await attempt();
    return 'ok';
  } catch (error) {
    if (error instanceof ExchangeError) return error.code;
    throw error;
  }
}

// Removal of a state secret that was found later (regulation Đ15.5): a unit's report, a hub's order, a unit's word that it is done. Built and opened
// here; each is bytes under one signature, verified before it is read for anything but the time its signer is judged at. PROTOCOL.md 17.
import { removalDoneCodec, removalOrderCodec, secretReportCodec, signedCodec } from './codec.ts';
import { ExchangeError } from './errors.ts';
import { type PayloadType, type SigningKey, signOne, type Verifier } from './signature.ts';
import type { ResolveStatementSigner } from './statement.ts';
import type { RemovalDone, RemovalOrder, SecretReport } from './wire.ts';

export const removalActs = { hide: 1, destroy: 2 } as const;

const signed = (type: PayloadType, bytes: Uint8Array, key: SigningKey): Buffer =>
  signedCodec.encode(signOne(type, bytes, key));
export const signOrder = (order: RemovalOrder, key: SigningKey): Buffer =>
  signed('lienthong/removal/1', removalOrderCodec.encode(order), key);
export const signDone = (done: RemovalDone, key: SigningKey): Buffer =>
  signed('lienthong/removal-done/1', removalDoneCodec.encode(done), key);
export const signReport = (report: SecretReport, key: SigningKey): Buffer =>
  signed('lienthong/secret-report/1', secretReportCodec.encode(report), key);

type Trust = { readonly resolve: ResolveStatementSigner; readonly verifier: Verifier };

async function open<T extends { readonly atMs: number }>(
  bytes: Uint8Array,
  how: {
    readonly type: PayloadType;
    readonly decode: (inner: Uint8Array) => T;
    readonly kind: 'hub' | 'unit';
    readonly id: (value: T) => string;
  },
  { resolve, verifier }: Trust,
): Promise<T> {
  const wrapper = signedCodec.decode(bytes);
  const value = how.decode(wrapper.bytes);
  const signer = resolve(wrapper.signature?.keyId ?? new Uint8Array(), value.atMs);
  await verifier.verify(wrapper, [how.type], signer.publicKey);
  if (signer.kind !== how.kind || signer.id !== how.id(value))
    throw new ExchangeError('signature-invalid', 'signed by another than it names');
  return value;
}

/**
 * An order of the hub that it names. Codes: signature-*, signer-unknown, statement-malformed. To destroy it names two different operators: a hub
 * that leaves one out is not obeyed.
 */
export async function openOrder(bytes: Uint8Array, trust: Trust): Promise<RemovalOrder> {
  const order = await open(
    bytes,
    { type: 'lienthong/removal/1', decode: removalOrderCodec.decode, kind: 'hub', id: ({ hub }) => hub },
    trust,
  );
  const { act, documentId, operators, contents } = order;
  const persons = new Set(operators).size;
  const enough = act === removalActs.hide ? persons >= 1 : act === removalActs.destroy && persons >= 2;
  if (
    !enough ||
    documentId.length !== 16 ||
    contents.length > 4096 ||
    contents.some(({ length }) => length !== 32)
  )
    throw new ExchangeError('statement-malformed', 'an order of removal');
  return order;
}

export const openDone = (bytes: Uint8Array, trust: Trust): Promise<RemovalDone> =>
  open(
    bytes,
    {
      type: 'lienthong/removal-done/1',
      decode: removalDoneCodec.decode,
      kind: 'unit',
      id: ({ unit }) => unit,
    },
    trust,
  );

export const openReport = (bytes: Uint8Array, trust: Trust): Promise<SecretReport> =>
  open(
    bytes,
    {
      type: 'lienthong/secret-report/1',
      decode: secretReportCodec.decode,
      kind: 'unit',
      id: ({ unit }) => unit,
    },
    trust,
  );

// Removal of a state secret that was found later (regulation Đ15.5): a unit's report, the decisions of operators, a hub's order that carries them, the
// word that it is done. Built and opened here; each is bytes under one signature, verified before it is read for anything but the time its signer
// is judged at. The order of a hub without its operators' own signatures moves nobody. PROTOCOL.md 17.
import { createPublicKey, hash } from 'node:crypto';
import {
  removalActCodec,
  removalDoneCodec,
  removalOrderCodec,
  secretReportCodec,
  signedCodec,
} from './codec.ts';
import type { Directory } from './directory.ts';
import { ExchangeError } from './errors.ts';
import { keyIdOf, type PayloadType, type SigningKey, signOne, type Verifier } from './signature.ts';
import type { ResolveStatementSigner } from './statement.ts';
import type { OperatorKey, RemovalAct, RemovalDone, RemovalOrder, SecretReport } from './wire.ts';

export const removalActs = { hide: 1, destroy: 2 } as const;

const signed = (type: PayloadType, bytes: Uint8Array, key: SigningKey): Buffer =>
  signedCodec.encode(signOne(type, bytes, key));
export const signOrder = (order: RemovalOrder, key: SigningKey): Buffer =>
  signed('lienthong/removal/1', removalOrderCodec.encode(order), key);
export const signAct = (act: RemovalAct, key: SigningKey): Buffer =>
  signed('lienthong/removal-act/1', removalActCodec.encode(act), key);
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

/** Written into the decision to destroy, so that a hub can add no content to what two persons signed. */
export const contentsDigestOf = (contents: readonly Uint8Array[]): Buffer =>
  hash('sha256', Buffer.concat(contents), 'buffer');

/** Key id of what the directory names, hex. */
export const operatorKeyId = ({ publicKey }: Pick<OperatorKey, 'publicKey'>): string =>
  hash('sha256', publicKey, 'hex');

/**
 * One operator's decision, by a key that `operators` (of the directory part of the hub that it names) gives that operator at the time that it
 * bears. Codes: signer-unknown (the directory may not have come yet), signature-*, statement-malformed.
 */
export async function openAct(
  bytes: Uint8Array,
  operatorsOf: (hub: string) => readonly OperatorKey[],
  verifier: Verifier,
): Promise<RemovalAct> {
  const wrapper = signedCodec.decode(bytes);
  const act = removalActCodec.decode(wrapper.bytes);
  const wanted = Buffer.from(wrapper.signature?.keyId ?? []).toString('hex');
  const named = operatorsOf(act.hub).find((key) => operatorKeyId(key) === wanted);
  if (
    !named ||
    named.name !== act.operator ||
    act.atMs < named.fromMs ||
    (named.untilMs > 0 && act.atMs >= named.untilMs)
  )
    throw new ExchangeError('signer-unknown', `operator ${act.operator.slice(0, 32)}`, {
      retryAfterMs: 60_000,
    });
  const publicKey = createPublicKey({ key: Buffer.from(named.publicKey), format: 'der', type: 'spki' });
  if (keyIdOf(publicKey).toString('hex') !== wanted) throw new ExchangeError('signature-invalid', 'operator');
  await verifier.verify(wrapper, ['lienthong/removal-act/1'], publicKey);
  return act;
}

export type OpenedOrder = RemovalOrder & {
  /** Hub whose operators decided; another than `hub` when that one passes it on. */
  readonly decidedBy: string;
};

/**
 * An order of the hub that it names, with the decisions that it carries. Codes: signature-*, signer-unknown, statement-malformed. One operator
 * hides; to destroy it takes two different persons with two different keys: a hub that leaves one out is not obeyed. `own`: of this hub's own
 * signature, which it gave when it had verified the decisions (what a restored hub is told back).
 */
export async function openOrder(
  bytes: Uint8Array,
  trust: Trust & { readonly operatorsOf: (hub: string) => readonly OperatorKey[]; readonly own?: string },
): Promise<OpenedOrder> {
  const order = await open(
    bytes,
    { type: 'lienthong/removal/1', decode: removalOrderCodec.decode, kind: 'hub', id: ({ hub }) => hub },
    trust,
  );
  const { act, documentId, contents, acts = [] } = order;
  const wrong = (said: string) => new ExchangeError('statement-malformed', `an order of removal: ${said}`);
  if (documentId.length !== 16 || contents.length > 4096 || contents.some(({ length }) => length !== 32))
    throw wrong('document or contents');
  if (acts.length === 0 || acts.length > 8) throw wrong('no decision of an operator');
  const read = await Promise.all(
    acts.map(async (each) =>
      order.hub === trust.own
        ? removalActCodec.decode(signedCodec.decode(each).bytes)
        : await openAct(each, trust.operatorsOf, trust.verifier),
    ),
  );
  const keys = new Set(
    acts.map((each) => Buffer.from(signedCodec.decode(each).signature?.keyId ?? []).toString('hex')),
  );
  const [first] = read;
  if (
    read.some((each) => !Buffer.from(each.documentId).equals(documentId) || each.sender !== order.sender) ||
    read.some(({ hub }) => hub !== first!.hub)
  )
    throw wrong('decisions about something else');
  if (act === removalActs.destroy) {
    const persons = new Set(read.map(({ operator }) => operator)).size;
    const last = read.findLast((each) => each.act === removalActs.destroy);
    if (!last || persons < 2 || keys.size < 2) throw wrong('two operators destroy');
    if (!contentsDigestOf(contents).equals(last.contentsDigest))
      throw wrong('other contents than were signed');
  } else if (act !== removalActs.hide || contents.length > 0) throw wrong('act');
  return { ...order, decidedBy: first!.hub };
}

/** Hubs whose operators may have a document removed: of its sender, of its recipients, and every hub above one of these. */
export function maySayRemoval(
  directory: Directory,
  hub: string,
  parties: { readonly sender: string; readonly recipients: readonly string[] },
): boolean {
  for (const unit of [parties.sender, ...parties.recipients]) {
    let at = directory.unit(unit)?.hub ?? '';
    // A tree of three tiers; the bound only ends a circle.
    for (let steps = 0; at !== '' && steps < 8; steps++) {
      if (at === hub) return true;
      at = directory.hub(at)?.parent ?? '';
    }
  }
  return false;
}

/** A unit's word, or a hub's about its own machine. */
export async function openDone(bytes: Uint8Array, trust: Trust): Promise<RemovalDone> {
  const kind = removalDoneCodec.decode(signedCodec.decode(bytes).bytes).unit.startsWith('h') ? 'hub' : 'unit';
  return await open(
    bytes,
    { type: 'lienthong/removal-done/1', decode: removalDoneCodec.decode, kind, id: ({ unit }) => unit },
    trust,
  );
}

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

// PKCS#12 files (RFC 7292): keys with their certificates under one password, as every operating system and OpenSSL take them. Written with
// pkijs: AES-256, PBKDF2 with SHA-256, MAC over all. It must never write without a password, nor give out a key before the MAC was verified.
// Beside the document's path: moving a node to new hardware.
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { ExchangeError } from '../protocol/errors.ts';

pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as never }));

export type P12Entry = {
  /** friendlyName: shown by other programs. */
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly certificateDer: Uint8Array;
};
export type P12 = {
  readonly entries: readonly P12Entry[];
  /** Certificates without a key: the authorities above. */
  readonly authorities: readonly Uint8Array[];
  /** Text of our own, carried as an attribute that other programs pass over. */
  readonly note: string;
};

const FRIENDLY_NAME = '1.2.840.113549.1.9.20';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';
/** Under the arc of profile.ts. */
const NOTE = '2.25.173102312551249597175952950707201876170.12';
const KEY_BAG = '1.2.840.113549.1.12.10.1.2';
const PLAIN_KEY_BAG = '1.2.840.113549.1.12.10.1.1';
const CERT_BAG = '1.2.840.113549.1.12.10.1.3';
/** 0.1 s for one try of a password. */
const ITERATIONS = 100_000;
const FILE_BYTES_MAX = 1024 * 1024;
const protection = {
  contentEncryptionAlgorithm: { name: 'AES-CBC', length: 256 },
  hmacHashAlgorithm: 'SHA-256',
  iterationCount: ITERATIONS,
} as const;

const passwordOf = (password: string): ArrayBuffer =>
  new Uint8Array(Buffer.from(password, 'utf8')).buffer as ArrayBuffer;
const berOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer as ArrayBuffer;

const attribute = (type: string, value: asn1js.BaseBlock) => new pkijs.Attribute({ type, values: [value] });

async function attributesOf({ name, certificateDer }: Pick<P12Entry, 'name' | 'certificateDer'>) {
  const id = await webcrypto.subtle.digest('SHA-1', berOf(certificateDer));
  return [
    attribute(FRIENDLY_NAME, new asn1js.BmpString({ value: name })),
    attribute(LOCAL_KEY_ID, new asn1js.OctetString({ valueHex: id })),
  ];
}

const certBag = (der: Uint8Array, attributes?: pkijs.Attribute[]) =>
  new pkijs.SafeBag({
    bagId: CERT_BAG,
    bagValue: new pkijs.CertBag({ parsedValue: pkijs.Certificate.fromBER(berOf(der)) }),
    ...(attributes ? { bagAttributes: attributes } : {}),
  } as never);

async function keyBag(entry: P12Entry, password: ArrayBuffer) {
  const pkcs8 = entry.privateKey.export({ type: 'pkcs8', format: 'der' });
  const bag = new pkijs.PKCS8ShroudedKeyBag({
    parsedValue: pkijs.PrivateKeyInfo.fromBER(berOf(pkcs8)),
  } as never);
  await (bag as unknown as { makeInternalValues(p: object): Promise<void> }).makeInternalValues({
    password,
    ...protection,
  });
  return new pkijs.SafeBag({
    bagId: KEY_BAG,
    bagValue: bag,
    bagAttributes: await attributesOf(entry),
  } as never);
}

/** Certificates are encrypted too: names in them say who the office is. */
export async function writeP12({ entries, authorities, note }: P12, password: string): Promise<Buffer> {
  if (password === '') throw new ExchangeError('request-malformed', 'a PKCS#12 file needs a password');
  const secret = passwordOf(password);
  const keys = await Promise.all(entries.map((entry) => keyBag(entry, secret)));
  const leaves = await Promise.all(
    entries.map(async (entry) => certBag(entry.certificateDer, await attributesOf(entry))),
  );
  const above = authorities.map((der, i) =>
    certBag(der, i === 0 ? [attribute(NOTE, new asn1js.Utf8String({ value: note }))] : undefined),
  );
  const safe = new pkijs.AuthenticatedSafe({
    parsedValue: {
      safeContents: [
        { privacyMode: 0, value: new pkijs.SafeContents({ safeBags: keys }) },
        { privacyMode: 1, value: new pkijs.SafeContents({ safeBags: [...leaves, ...above] }) },
      ],
    },
  } as never);
  await safe.makeInternalValues({ safeContents: [{}, { password: secret, ...protection }] } as never);
  const pfx = new pkijs.PFX({ parsedValue: { integrityMode: 0, authenticatedSafe: safe } } as never);
  const mac = {
    password: secret,
    iterations: ITERATIONS,
    pbkdf2HashAlgorithm: 'SHA-256',
    hmacHashAlgorithm: 'SHA-256',
  };
  await pfx.makeInternalValues(mac as never);
  return Buffer.from(pfx.toSchema().toBER());
}

/** Throws `p12-refused`: not such a file, another password, or protection of older tools (p12-legacy.ts opens those). */
export async function readP12(bytes: Uint8Array, password: string): Promise<P12> {
  if (bytes.length > FILE_BYTES_MAX) throw new ExchangeError('p12-refused', 'larger than 1 MiB');
  try {
    return await read(bytes, passwordOf(password));
  } catch (cause) {
    throw new ExchangeError('p12-refused', 'not readable with this password', { cause });
  }
}

async function read(bytes: Uint8Array, password: ArrayBuffer): Promise<P12> {
  const pfx = pkijs.PFX.fromBER(berOf(bytes));
  // The MAC first: nothing inside is believed before it.
  await pfx.parseInternalValues({ password, checkIntegrity: true });
  const safe = pfx.parsedValue!.authenticatedSafe!;
  const contents = safe.safeContents.length;
  await safe.parseInternalValues({ safeContents: Array.from({ length: contents }, () => ({ password })) });
  const safes = (safe.parsedValue as { safeContents: { value: pkijs.SafeContents }[] }).safeContents;
  const bags = safes.flatMap(({ value }) => value.safeBags);
  const keys = new Map<string, KeyObject>();
  const certificates: { der: Uint8Array; name: string; id: string; note: string }[] = [];
  for (const bag of bags) {
    const id = hexOf(attributeOf(bag, LOCAL_KEY_ID));
    if (bag.bagId === CERT_BAG)
      certificates.push({
        der: new Uint8Array(
          ((bag.bagValue as pkijs.CertBag).certValue as asn1js.OctetString).valueBlock.valueHexView,
        ),
        name: textOf(attributeOf(bag, FRIENDLY_NAME)),
        id,
        note: textOf(otherValue(bag)),
      });
    else if (bag.bagId === KEY_BAG || bag.bagId === PLAIN_KEY_BAG) keys.set(id, await keyOf(bag, password));
  }
  const entries = certificates.flatMap(({ der, name, id }) => {
    const privateKey = keys.get(id);
    return privateKey ? [{ name, privateKey, certificateDer: der }] : [];
  });
  return {
    entries,
    authorities: certificates.filter(({ id }) => !keys.has(id)).map(({ der }) => der),
    note: certificates.find(({ note }) => note !== '')?.note ?? '',
  };
}

async function keyOf(bag: pkijs.SafeBag, password: ArrayBuffer): Promise<KeyObject> {
  const value = bag.bagValue as pkijs.PKCS8ShroudedKeyBag | pkijs.PrivateKeyInfo;
  if ('encryptedData' in value)
    await (value as unknown as { parseInternalValues(p: object): Promise<void> }).parseInternalValues({
      password,
    });
  const info = 'encryptedData' in value ? value.parsedValue! : value;
  const key = Buffer.from(info.toSchema().toBER());
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

const attributeOf = (bag: pkijs.SafeBag, type: string): unknown =>
  bag.bagAttributes?.find((each) => each.type === type)?.values[0];
/** asn1js writes arcs of 128 bits and reads them back otherwise: what is neither of the standard ones is the note. */
const otherValue = (bag: pkijs.SafeBag): unknown =>
  bag.bagAttributes?.find(({ type }) => type !== FRIENDLY_NAME && type !== LOCAL_KEY_ID)?.values[0];
const textOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'valueBlock' in value
    ? String((value.valueBlock as { value?: unknown }).value ?? '')
    : '';
const hexOf = (value: unknown): string =>
  value instanceof asn1js.OctetString ? Buffer.from(value.valueBlock.valueHexView).toString('hex') : '';

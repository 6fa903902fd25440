// Some files as one encrypted copy under a passphrase: a CA folder for the safe. AES-256-GCM over all of it, the key by scrypt (RFC 7914); the
// header is authenticated too. Must never be written where something lies, nor give out a byte before the whole was verified.
// Beside the document's path: the ceremony, and the day after a fire.
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { ExchangeError } from '../protocol/errors.ts';

export type CopiedFile = { readonly name: string; readonly mode: number; readonly bytes: Uint8Array };
export type SealedCopy = {
  /** What it is, for people; readable without the passphrase. */
  readonly about: Readonly<Record<string, string>>;
  readonly files: readonly CopiedFile[];
};

const FORMAT = 'lienthong/sealed-copy/1';
/** 64 MiB and a quarter of a second for one try: these copies lie around for years. */
const cost = { N: 65_536, r: 8, p: 1, maxmem: 128 * 1024 * 1024 } as const;
const COPY_BYTES_MAX = 16 * 1024 * 1024;
const LINE = 76;

type Header = {
  readonly format: string;
  readonly about: Readonly<Record<string, string>>;
  readonly scrypt: { readonly N: number; readonly r: number; readonly p: number; readonly salt: string };
  readonly iv: string;
};

function keyOf(passphrase: string, { N, r, p, salt }: Header['scrypt']): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(
      passphrase.normalize('NFKC'),
      Buffer.from(salt, 'base64'),
      32,
      { N, r, p, maxmem: cost.maxmem },
      (error, key) => (error ? reject(error) : resolve(key)),
    );
  });
}

/** Text: a JSON line that says what it is, then base64. It can be printed and typed in again, if it must. */
export async function sealCopy({ about, files }: SealedCopy, passphrase: string): Promise<string> {
  const header: Header = {
    format: FORMAT,
    about,
    scrypt: { N: cost.N, r: cost.r, p: cost.p, salt: randomBytes(16).toString('base64') },
    iv: randomBytes(12).toString('base64'),
  };
  const first = JSON.stringify(header);
  const cipher = createCipheriv(
    'aes-256-gcm',
    await keyOf(passphrase, header.scrypt),
    Buffer.from(header.iv, 'base64'),
  );
  cipher.setAAD(Buffer.from(first));
  const plain = JSON.stringify(
    files.map(({ name, mode, bytes }) => ({ name, mode, bytes: Buffer.from(bytes).toString('base64') })),
  );
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64',
  );
  return `${first}\n${sealed.match(new RegExp(`.{1,${LINE}}`, 'g'))?.join('\n') ?? ''}\n`;
}

const invalid = (why: string, cause?: unknown) => new ExchangeError('backup-invalid', why, { cause });

/** Throws `backup-invalid`: damaged, cut off, or another passphrase; nothing tells which. */
export async function openCopy(text: string, passphrase: string): Promise<SealedCopy> {
  if (text.length > COPY_BYTES_MAX) throw invalid('larger than such a copy can be');
  const end = text.indexOf('\n');
  const first = text.slice(0, end);
  const header = readHeader(first);
  const sealed = Buffer.from(text.slice(end).replace(/\s+/g, ''), 'base64');
  if (sealed.length < 16) throw invalid('cut off');
  try {
    const key = await keyOf(passphrase, header.scrypt);
    const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(header.iv, 'base64'), {
      authTagLength: 16,
    });
    cipher.setAAD(Buffer.from(first));
    cipher.setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]).toString('utf8');
    const files = (JSON.parse(plain) as { name: string; mode: number; bytes: string }[]).map((file) => ({
      ...file,
      bytes: Buffer.from(file.bytes, 'base64'),
    }));
    return { about: header.about, files };
  } catch (cause) {
    throw invalid('damaged, or another passphrase', cause);
  }
}

/** The parameters come from the file, before anything is authenticated: they may not make this machine work without bound. */
function readHeader(first: string): Header {
  let header: Header;
  try {
    header = JSON.parse(first) as Header;
  } catch (cause) {
    throw invalid('not such a copy', cause);
  }
  if (header.format !== FORMAT) throw invalid('not such a copy');
  const { N, r, p } = header.scrypt;
  if (N !== cost.N || r !== cost.r || p !== cost.p) throw invalid('made with other parameters');
  return header;
}

// The key under which all content keys of a data folder are wrapped, and the three ways of holding it: sealed to the machine's TPM, under a passphrase
// typed at every start, or in a file beside the data, which protects backups only. Whatever the mode, a recovery key that was printed once
// opens it too. DIR/keys/at-rest.json holds wrapped forms alone; nothing here ever logs or stores a key in the clear but the key-file mode.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ExchangeError } from '../../errors.ts';
import { makeDirDurable, writeFileDurable } from '../durable.ts';
import { checkSecret } from '../secret-file.ts';
import { open, seal } from './aead.ts';
import { openKeyStore } from './key-store.ts';

export const atRestModes = ['tpm', 'passphrase', 'key-file'] as const;
export type AtRestMode = (typeof atRestModes)[number];

type Stored = {
  readonly format: 1;
  readonly mode: AtRestMode;
  /** Base64: the master key under the recovery key; under the passphrase (with its salt). */
  readonly recovery: string;
  readonly passphrase?: { readonly salt: string; readonly box: string };
  /** SHA-256 of the recovery key, for the confirmation that it is kept. */
  readonly recoveryDigest: string;
  readonly confirmedMs: number | null;
};
export type AtRestState = { readonly mode: AtRestMode; readonly recoveryConfirmed: boolean };

export const atRestFile = 'keys/at-rest.json';
/** Never part of a backup: backup-set.ts leaves it out. */
export const atRestKeyFile = 'keys/at-rest.key';
const credentialFile = 'keys/at-rest.cred';
const credentialName = 'lienthong-at-rest';

const about = (what: string): Buffer => Buffer.from(`lienthong at rest 1 ${what}`);
const keyBytes = 32;
/** OWASP 2024 for scrypt: 128 MiB, a third of a second on an office PC; a guess costs as much. */
const scryptCost = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const fromPassphrase = (passphrase: string, salt: Uint8Array): Buffer =>
  scryptSync(passphrase.normalize('NFC'), salt, keyBytes, scryptCost);

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 32 bytes as 52 letters of Crockford's base32 in groups of four: for paper. */
function recoveryText(key: Uint8Array): string {
  let bits = 0n;
  for (const byte of key) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 52; i++) text = alphabet[Number((bits >> BigInt(i * 5)) & 31n)] + text;
  return text.match(/.{4}/g)!.join('-');
}

function recoveryKey(text: string): Buffer {
  const letters = text
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  if (letters.length !== 52 || [...letters].some((letter) => !alphabet.includes(letter)))
    throw new ExchangeError('recovery-key-wrong', 'a recovery key has 13 groups of four letters');
  let bits = 0n;
  for (const letter of letters) bits = (bits << 5n) | BigInt(alphabet.indexOf(letter));
  return Buffer.from((bits & ((1n << 256n) - 1n)).toString(16).padStart(64, '0'), 'hex');
}

function stored(dir: string): Stored | undefined {
  const path = join(dir, atRestFile);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Stored) : undefined;
}

const put = (dir: string, value: Stored): void =>
  writeFileDurable(join(dir, atRestFile), `${JSON.stringify(value)}\n`);

export function atRestState(dir: string): AtRestState | undefined {
  const found = stored(dir);
  return found && { mode: found.mode, recoveryConfirmed: found.confirmedMs !== null };
}

/**
 * Begins encryption of a folder; returns the recovery key, which is not kept anywhere. What is there already stays readable as it is. Codes:
 * dir-exists (encrypted already), config-invalid (no TPM, no passphrase).
 */
export function enableAtRest(
  dir: string,
  how: { readonly mode: AtRestMode; readonly passphrase?: string },
): string {
  if (stored(dir)) throw new ExchangeError('dir-exists', 'encryption at rest is on already');
  makeDirDurable(join(dir, 'keys'));
  const master = randomBytes(keyBytes);
  const recovery = randomBytes(keyBytes);
  const passphrase = holdIn(dir, master, how);
  put(dir, {
    format: 1,
    mode: how.mode,
    recovery: seal(recovery, master, about('recovery')).toString('base64'),
    ...(passphrase ? { passphrase } : {}),
    recoveryDigest: createHash('sha256').update(recovery).digest('hex'),
    confirmedMs: null,
  });
  // With its keys from the first moment: a backup of it has them too.
  openKeyStore(dir, master).close();
  return recoveryText(recovery);
}

const tooShort = (passphrase = ''): boolean => [...passphrase].length < 12;

/** Whether this machine can hold a key in that way, before there is a folder. Throws `config-invalid` (no TPM, a short passphrase). */
export function assertHolds(how: { readonly mode: AtRestMode; readonly passphrase?: string }): void {
  if (how.mode === 'passphrase' && tooShort(how.passphrase))
    throw new ExchangeError('config-invalid', 'a passphrase of at least 12 letters');
  if (how.mode === 'tpm') sealTo('-', randomBytes(keyBytes));
}

/** Puts the master key where the mode holds it; for a passphrase answers its box. */
function holdIn(
  dir: string,
  master: Uint8Array,
  how: { readonly mode: AtRestMode; readonly passphrase?: string },
): Stored['passphrase'] {
  let passphrase: Stored['passphrase'];
  if (how.mode === 'passphrase') {
    if (!how.passphrase || tooShort(how.passphrase))
      throw new ExchangeError('config-invalid', 'a passphrase of at least 12 letters');
    const salt = randomBytes(16);
    passphrase = {
      salt: salt.toString('base64'),
      box: seal(fromPassphrase(how.passphrase, salt), master, about('passphrase')).toString('base64'),
    };
  } else if (how.mode === 'tpm') sealTo(join(dir, credentialFile), master);
  else {
    writeFileDurable(join(dir, atRestKeyFile), `${Buffer.from(master).toString('base64')}\n`);
    chmodSync(join(dir, atRestKeyFile), 0o600);
  }
  return passphrase;
}

/** systemd-creds seals to the TPM; without one it refuses, and so do we. `-`: only to see whether it can. */
function sealTo(file: string, master: Uint8Array): void {
  const { status, stderr, error } = spawnSync(
    'systemd-creds',
    ['encrypt', '--with-key=tpm2', `--name=${credentialName}`, '-', file],
    { input: Buffer.from(master).toString('base64'), encoding: 'utf8', timeout: 60_000 },
  );
  if (error || status !== 0) {
    if (file !== '-') rmSync(file, { force: true });
    throw new ExchangeError(
      'config-invalid',
      `systemd-creds: ${(error?.message ?? stderr ?? '').slice(0, 200).trim()}`,
    );
  }
}

function fromMachine(dir: string, credentials: string | undefined): Buffer {
  // Where systemd has decrypted it for the service (LoadCredentialEncrypted); else we ask it ourselves.
  const given = credentials === undefined ? undefined : join(credentials, credentialName);
  if (given && existsSync(given)) return keyOfText(readFileSync(given, 'utf8'));
  const { status, stdout, stderr, error } = spawnSync(
    'systemd-creds',
    ['decrypt', `--name=${credentialName}`, join(dir, credentialFile), '-'],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  if (error || status !== 0)
    throw new ExchangeError(
      'at-rest-key-missing',
      `systemd-creds: ${(error?.message ?? stderr ?? '').slice(0, 200).trim()}`,
    );
  return keyOfText(stdout);
}

function keyOfText(text: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== keyBytes)
    throw new ExchangeError('key-file-invalid', 'the key at rest has another length');
  return key;
}

export type OpenMaster = {
  /** Asked only in passphrase mode. */
  readonly passphrase?: (() => string | Promise<string>) | undefined;
  /** Instead of the mode: from paper. */
  readonly recovery?: string | undefined;
  /** $CREDENTIALS_DIRECTORY of the service. */
  readonly credentials?: string | undefined;
};

/** The master key; undefined where encryption is off. Codes: at-rest-key-missing, key-passphrase-wrong, recovery-key-wrong. */
export async function openMaster(dir: string, how: OpenMaster = {}): Promise<Buffer | undefined> {
  const found = stored(dir);
  if (!found) return undefined;
  if (how.recovery !== undefined) return opened(recoveryKey(how.recovery), found.recovery, 'recovery');
  if (found.mode === 'passphrase') {
    const typed = await how.passphrase?.();
    if (!typed || !found.passphrase)
      throw new ExchangeError('at-rest-key-missing', 'no passphrase was given');
    return opened(
      fromPassphrase(typed, Buffer.from(found.passphrase.salt, 'base64')),
      found.passphrase.box,
      'passphrase',
    );
  }
  if (found.mode === 'tpm') return fromMachine(dir, how.credentials);
  const path = join(dir, atRestKeyFile);
  if (!existsSync(path)) throw new ExchangeError('at-rest-key-missing', atRestKeyFile);
  checkSecret(path);
  return keyOfText(readFileSync(path, 'utf8'));
}

function opened(key: Uint8Array, box: string, what: string): Buffer {
  const master = open(key, Buffer.from(box, 'base64'), about(what));
  if (!master)
    throw new ExchangeError(what === 'recovery' ? 'recovery-key-wrong' : 'key-passphrase-wrong', atRestFile);
  return master;
}

/**
 * On another machine, or after the key file, the TPM or the passphrase was lost: from the paper, a mode anew. The recovery key stays the same and
 * counts as kept. Codes: config-invalid (off; no TPM, no passphrase), recovery-key-wrong.
 */
export function recoverAtRest(
  dir: string,
  text: string,
  how: { readonly mode: AtRestMode; readonly passphrase?: string; readonly nowMs: number },
): void {
  const found = stored(dir);
  if (!found) throw new ExchangeError('config-invalid', 'encryption at rest is off');
  const master = opened(recoveryKey(text), found.recovery, 'recovery');
  const passphrase = holdIn(dir, master, how);
  const { passphrase: _, ...rest } = found;
  put(dir, { ...rest, mode: how.mode, ...(passphrase ? { passphrase } : {}), confirmedMs: how.nowMs });
  if (how.mode !== 'key-file') rmSync(join(dir, atRestKeyFile), { force: true });
}

/** True where the data are encrypted and this machine does not hold the key of their mode: a folder just restored, say. */
export function lacksKey(dir: string): boolean {
  const mode = stored(dir)?.mode;
  return (mode === 'key-file' && !existsSync(join(dir, atRestKeyFile))) || mode === 'tpm';
}

/** Whoever can type it has kept it. Code: recovery-key-wrong. */
export function confirmRecovery(dir: string, text: string, nowMs: number): void {
  const found = stored(dir);
  if (!found) throw new ExchangeError('config-invalid', 'encryption at rest is off');
  const digest = createHash('sha256').update(recoveryKey(text)).digest();
  if (!timingSafeEqual(digest, Buffer.from(found.recoveryDigest, 'hex')))
    throw new ExchangeError('recovery-key-wrong', 'another recovery key');
  put(dir, { ...found, confirmedMs: nowMs });
}

/** What a mode does not protect, for status and console. */
export const modeWords: Readonly<Record<AtRestMode | 'off', { readonly vi: string; readonly en: string }>> = {
  off: {
    vi: 'KHÔNG mã hoá dữ liệu lưu trữ: ai cầm ổ đĩa hoặc bản sao lưu đều đọc được',
    en: 'data at rest are NOT encrypted: whoever has the disk or a backup can read them',
  },
  tpm: {
    vi: 'khoá gắn với chip TPM của máy: lấy ổ đĩa hay bản sao lưu không đọc được; không chống người có quyền root trên máy đang chạy; hỏng máy thì cần khoá khôi phục',
    en: 'key sealed to the TPM: a stolen disk or backup is unreadable; not protected: root on the running machine; a broken machine needs the recovery key',
  },
  passphrase: {
    vi: 'mật khẩu nhập mỗi lần khởi động: mất cả máy cũng không đọc được; không chống root khi đang chạy; máy không tự khởi động lại được',
    en: 'passphrase at every start: a stolen machine is unreadable; not protected: root while it runs; it does not restart by itself',
  },
  'key-file': {
    vi: 'khoá nằm trong tệp cạnh dữ liệu: CHỈ bảo vệ bản sao lưu; mất máy hoặc ổ đĩa là đọc được',
    en: 'key in a file beside the data: protects backups ONLY; a stolen machine or disk can be read',
  },
};

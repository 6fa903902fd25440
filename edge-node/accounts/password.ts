// Passwords: argon2id in the PHC string form, and which ones are refused. Must never keep, log or repeat a password, nor answer faster
// for a person who does not exist. The work runs on the thread pool and takes about a tenth of a second on purpose.
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';

/** OWASP's second choice for argon2id: 19 MiB, 2 passes. More memory would let ten people signing in at once push a 512 MB box into swap. */
const cost = { memoryKiB: 19_456, passes: 2, lanes: 1 } as const;
const saltBytes = 16;
const tagBytes = 32;
export const passwordLength = { min: 10, max: 200 } as const;

type Cost = { readonly memoryKiB: number; readonly passes: number; readonly lanes: number };

function derive(password: string, salt: Uint8Array, { memoryKiB, passes, lanes }: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      {
        // The same letters typed on another keyboard or with another input method are the same password.
        message: password.normalize('NFC'),
        nonce: salt,
        parallelism: lanes,
        tagLength: tagBytes,
        memory: memoryKiB,
        passes,
      },
      (error, tag) => (error ? reject(error) : resolve(tag as Buffer)),
    );
  });
}

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const tag = await derive(password, salt, cost);
  return `$argon2id$v=19$m=${cost.memoryKiB},t=${cost.passes},p=${cost.lanes}$${unpadded(salt)}$${unpadded(tag)}`;
}

const phcForm =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})$/;

/** False for a wrong password; with `stored` undefined it spends the same time and says false. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const match = stored === undefined ? null : phcForm.exec(stored);
  if (!match) {
    await derive(password, new Uint8Array(saltBytes), cost);
    return false;
  }
  const [, memoryKiB, passes, lanes, salt, tag] = match;
  const wanted = Buffer.from(tag!, 'base64');
  const given = await derive(password, Buffer.from(salt!, 'base64'), {
    memoryKiB: Number(memoryKiB),
    passes: Number(passes),
    lanes: Number(lanes),
  });
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** What people choose first; compared without case, digits at the end and signs. */
const common = new Set(
  'password matkhau qwerty qwertyuiop asdfghjkl admin administrator vanthu vanphong ubnd iloveyou letmein welcome abcdef abcdefgh vietnam hanoi taysonubnd'.split(
    ' ',
  ),
);

/** Throws `password-weak` with the reason. Length counts, not signs: a sentence is good. */
export function assertGoodPassword(password: string, about: { readonly email: string }): void {
  const refuse = (why: string): never => {
    throw new ExchangeError('password-weak', why);
  };
  const letters = [...password.normalize('NFC')];
  if (letters.length < passwordLength.min) refuse(`ít nhất ${passwordLength.min} ký tự`);
  if (password.length > passwordLength.max) refuse(`nhiều nhất ${passwordLength.max} ký tự`);
  const plain = password.toLowerCase();
  if (plain.includes(about.email.split('@')[0]!) && about.email.split('@')[0]!.length > 3)
    refuse('không chứa tên đăng nhập');
  if (new Set(letters).size < 5) refuse('quá ít ký tự khác nhau');
  if (common.has(plain.replace(/[^a-z]/g, '')) || /^(0?1234567890?\d*|9876543210?\d*)$/.test(plain))
    refuse('quá phổ biến');
}

// What may be a unit's code and name. The shape of a code decides nothing (VN-DOMAIN.md 1.9): old, new and cut forms all occur, so only
// what could break an address, a list or a screen is refused. Pure.
import { ExchangeError } from '../../protocol/errors.ts';

/** wire.proto UnitAlias and DirectoryUnit. */
const CODE_BYTES_MAX = 64;
const NAME_BYTES_MAX = 300;

/** The code in upper case. No blanks, commas or "@": codes stand in lists and after the desk of an address. Throws `request-malformed`. */
export function assertCode(text: string): string {
  const code = text.trim().normalize('NFC').toUpperCase();
  if (
    !/^[\p{L}\p{N}](?:[\p{L}\p{N}._-]*[\p{L}\p{N}])?$/u.test(code) ||
    Buffer.byteLength(code) > CODE_BYTES_MAX
  )
    throw new ExchangeError('request-malformed', 'a code has 1 to 64 letters, digits, dots or hyphens');
  // A code that reads like an internal id could never be told apart from it in an address.
  if (/^[UNH][0-9A-HJKMNP-TV-Z]{16}$/.test(code))
    throw new ExchangeError('request-malformed', 'this form is reserved for internal ids');
  return code;
}

/** Throws `request-malformed`. */
export function assertUnitName(name: string): void {
  const bad =
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name) || !name.isWellFormed() || name !== name.normalize('NFC');
  if (name.trim() === '' || name !== name.trim() || bad || Buffer.byteLength(name) > NAME_BYTES_MAX)
    throw new ExchangeError(
      'request-malformed',
      'a name has 1 to 300 bytes in NFC, without control characters',
    );
}

// Part names. A name is shown to people and offered when a file is saved; it is never a path here. What could deceive or break
// a receiver is refused at the sending node with the remedy; nothing is repaired silently (FIELD.md 5.2).
import { ExchangeError } from './errors.ts';
import { limits } from './limits.ts';

// Bidi controls and isolates, zero-width and other invisible characters, fillers, the blank of Braille, soft hyphen, BOM, specials, tags.
const deceivingRanges: readonly (readonly [number, number])[] = [
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xffff],
  [0xe0000, 0xe0fff],
];
const deceives = (letter: string) =>
  deceivingRanges.some(([from, to]) => letter.codePointAt(0)! >= from && letter.codePointAt(0)! <= to);
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u;
const separators = /[/\\\u2044\u2215\u29f8\uff0f\uff3c]/u;
const reservedOnWindows = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i;

/** The reason why `name` is not acceptable, in English for programs; undefined if it is. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'empty';
  if (Buffer.byteLength(name) > limits.partNameBytesMax)
    return `longer than ${limits.partNameBytesMax} bytes`;
  if (!name.isWellFormed()) return 'not well-formed Unicode';
  if (name !== name.normalize('NFC')) return 'not in Unicode NFC (TCVN 6909)';
  if (separators.test(name)) return 'contains a path separator';
  if (controls.test(name)) return 'contains a control character';
  if ([...name].some(deceives)) return 'contains an invisible or direction-changing character';
  if (/[<>:"|?*]/.test(name)) return 'contains a character that file systems refuse';
  if (name === '.' || name === '..' || name.startsWith('~')) return 'is a path';
  if (/[. ]$/.test(name) || name.startsWith(' ')) return 'begins with a space or ends in a space or dot';
  if (reservedOnWindows.test(name)) return 'is reserved on Windows';
  return undefined;
}

/** Throws `part-name-refused`. The detail does not repeat the name: it could deceive in a log as well. */
export function assertPartName(name: string): void {
  const fault = nameFault(name);
  if (fault) throw new ExchangeError('part-name-refused', fault);
}

/** Names that differ only in case or in compatibility forms would overwrite one another when saved. Throws `part-name-refused`. */
export function assertDistinctNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const folded = name.normalize('NFKC').toLowerCase();
    if (seen.has(folded)) throw new ExchangeError('part-name-refused', 'two parts have the same name');
    seen.add(folded);
  }
}

// One spelling for comparing numbers, notations and names of kinds. Only ever for comparing: what was written is kept and shown as
// written. Ð (U+00D0) and Đ (U+0110) look alike and stand for one another in notations (VN-DOMAIN 5.1).

/** NFC, Ð as Đ, upper case, without white space. */
export const foldNotation = (text: string): string =>
  text
    .normalize('NFC')
    .replaceAll('\u00d0', '\u0110')
    .replaceAll('\u00f0', '\u0111')
    .replace(/\s+/g, '')
    .toUpperCase();

/** A number for comparing: as `foldNotation`, and "05" is "5". */
export const foldNumber = (text: string): string => foldNotation(text).replace(/^0+(?=\d)/, '');

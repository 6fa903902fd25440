// The 8-bit encodings in which Vietnamese was written before TCVN 6909: which byte or pair of bytes is which of the 134 letters, and how a text
// in one of them is read. Pure tables and one reader; judging which one a text is in is judge.ts. Facts of UniKey, glibc and RFC 1456,
// cross-checked by others; TCVN3 and VietWare-F have no capitals with a tone (the font draws them), so their case is restored from context.

/** Lower case in alphabetical order of base letter and tone; the tables give the capitals in the same order after them. */
const lowerLetters = 'àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ';
export const accentedLetters: readonly string[] = [...lowerLetters, ...lowerLetters.toUpperCase()];

const codes = {
  tcvn3: `B5 B6 B7 B8 B9 A8 BB BC BD BE C6 A9 C7 C8 C9 CA CB AE CC CE CF D0 D1 AA D2 D3 D4 D5 D6 D7 D8 DC 
DD DE DF E1 E2 E3 E4 AB E5 E6 E7 E8 E9 AC EA EB EC ED EE EF F1 F2 F3 F4 AD F5 F6 F7 F8 F9 FA FB 
FC FD FE B5 B6 B7 B8 B9 A1 BB BC BD BE C6 A2 C7 C8 C9 CA CB A7 CC CE CF D0 D1 A3 D2 D3 D4 D5 D6 
D7 D8 DC DD DE DF E1 E2 E3 E4 A4 E5 E6 E7 E8 E9 A5 EA EB EC ED EE EF F1 F2 F3 F4 A6 F5 F6 F7 F8 
F9 FA FB FC FD FE`,
  'tcvn5712-1': `B5 B6 B7 B8 B9 A8 BB BC BD BE C6 A9 C7 C8 C9 CA CB AE CC CE CF D0 D1 AA D2 D3 D4 D5 D6 D7 D8 DC 
DD DE DF E1 E2 E3 E4 AB E5 E6 E7 E8 E9 AC EA EB EC ED EE EF F1 F2 F3 F4 AD F5 F6 F7 F8 F9 FA FB 
FC FD FE 80 81 82 83 84 A1 AF BA BF C0 85 A2 C1 C2 C3 C4 86 A7 87 88 89 8A 8B A3 C5 CD D9 DA 8C 
8D 8E 8F 90 91 92 93 94 95 96 A4 DB E0 F0 FF 97 A5 98 99 9A 9B 9C 9D 9E 9F 01 02 A6 04 05 06 11 
12 13 14 15 16 17`,
  vni: `61F8 61FB 61F5 61F9 61EF 61EA 61E8 61FA 61FC 61E9 61EB 61E2 61E0 61E5 61E3 61E1 61E4 F1 65F8 65FB 
65F5 65F9 65EF 65E2 65E0 65E5 65E3 65E1 65E4 EC E6 F3 ED F2 6FF8 6FFB 6FF5 6FF9 6FEF 6FE2 6FE0 
6FE5 6FE3 6FE1 6FE4 F4 F4F8 F4FB F4F5 F4F9 F4EF 75F8 75FB 75F5 75F9 75EF F6 F6F8 F6FB F6F5 F6F9 
F6EF 79F8 79FB 79F5 79F9 EE 41D8 41DB 41D5 41D9 41CF 41CA 41C8 41DA 41DC 41C9 41CB 41C2 41C0 41C5 
41C3 41C1 41C4 D1 45D8 45DB 45D5 45D9 45CF 45C2 45C0 45C5 45C3 45C1 45C4 CC C6 D3 CD D2 4FD8 4FDB 
4FD5 4FD9 4FCF 4FC2 4FC0 4FC5 4FC3 4FC1 4FC4 D4 D4D8 D4DB D4D5 D4D9 D4CF 55D8 55DB 55D5 55D9 55CF 
D6 D6D8 D6DB D6D5 D6D9 D6CF 59D8 59DB 59D5 59D9 CE`,
  viscii: `E0 E4 E3 E1 D5 E5 A2 C6 C7 A1 A3 E2 A5 A6 E7 A4 A7 F0 E8 EB A8 E9 A9 EA AB AC AD AA AE EC EF EE 
ED B8 F2 F6 F5 F3 F7 F4 B0 B1 B2 AF B5 BD B6 B7 DE BE FE F9 FC FB FA F8 DF D7 D8 E6 D1 F1 CF D6 
DB FD DC C0 C4 C3 C1 80 C5 82 02 05 81 83 C2 85 86 06 84 87 D0 C8 CB 88 C9 89 CA 8B 8C 8D 8A 8E 
CC 9B CE CD 98 D2 99 A0 D3 9A D4 90 91 92 8F 93 B4 96 97 B3 95 94 D9 9C 9D DA 9E BF BB BC FF BA 
B9 9F 14 19 DD 1E`,
  vps: `E0 E4 E3 E1 E5 E6 A2 A3 A4 A1 A5 E2 C0 C4 C5 C3 C6 C7 E8 C8 EB E9 CB EA 8A 8B CD 89 8C EC CC EF 
ED CE F2 D5 F5 F3 86 F4 D2 B0 87 D3 B6 D6 A9 AA AB A7 AE F9 FB DB FA F8 DC D8 BA BB D9 BF FF 9B 
CF 9A 9C 80 81 82 C1 E5 88 8E 8F F0 8D A5 C2 84 85 C5 83 C6 F1 D7 DE FE C9 CB CA 93 94 95 90 8C 
B5 B7 B8 B4 CE BC BD BE B9 86 D4 97 98 99 96 B6 F7 9E 9F A6 9D AE A8 D1 AC DA F8 D0 AF B1 BB AD 
BF B2 FD B3 DD 9C`,
  'windows-1258': `E0 61D2 61DE E1 61F2 E3 E3CC E3D2 E3DE E3EC E3F2 E2 E2CC E2D2 E2DE E2EC E2F2 F0 E8 65D2 65DE E9 
65F2 EA EACC EAD2 EADE EAEC EAF2 69CC 69D2 69DE ED 69F2 6FCC 6FD2 6FDE F3 6FF2 F4 F4CC F4D2 F4DE 
F4EC F4F2 F5 F5CC F5D2 F5DE F5EC F5F2 F9 75D2 75DE FA 75F2 FD FDCC FDD2 FDDE FDEC FDF2 79CC 79D2 
79DE 79EC 79F2 C0 41D2 41DE C1 41F2 C3 C3CC C3D2 C3DE C3EC C3F2 C2 C2CC C2D2 C2DE C2EC C2F2 D0 C8 
45D2 45DE C9 45F2 CA CACC CAD2 CADE CAEC CAF2 49CC 49D2 49DE CD 49F2 4FCC 4FD2 4FDE D3 4FF2 D4 
D4CC D4D2 D4DE D4EC D4F2 D5 D5CC D5D2 D5DE D5EC D5F2 D9 55D2 55DE DA 55F2 DD DDCC DDD2 DDDE DDEC 
DDF2 59CC 59D2 59DE 59EC 59F2`,
  'vietware-x': `61EC 61ED 61EE 61EF 61FB E0 E0F2 E0F3 E0F4 E0F5 E0FB E1 E1F6 E1F8 E1F9 E1FA E1FB E2 65EC 65ED 
65EE 65EF 65FB E3 E3F6 E3F8 E3F9 E3FA E3FB E7 E8 E9 EA EB 6FEC 6FED 6FEE 6FEF 6FFC E4 E4F6 E4F8 
E4F9 E4FA E4FC E5 E5EC E5ED E5EE E5EF E5FC 75EC 75ED 75EE 75EF 75FB E6 E6EC E6ED E6EE E6EF E6FB 
79EC 79ED 79EE 79EF 79F1 41CC 41CD 41CE 41CF 41DB C0 C0D2 C0D3 C0D4 C0D5 C0DB C1 C1D6 C1D8 C1D9 
C1DA C1DB C2 45CC 45CD 45CE 45CF 45DB C3 C3D6 C3D8 C3D9 C3DA C3DB C7 C8 C9 CA CB 4FCC 4FCD 4FCE 
4FCF 4FDC C4 C4D6 C4D8 C4D9 C4DA C4DC C5 C5CC C5CD C5CE C5CF C5DC 55CC 55CD 55CE 55CF 55DB C6 
C6CC C6CD C6CE C6CF C6DB 59CC 59CD 59CE 59CF 59D1`,
  'vietware-f': `AA B6 BA C0 C1 9F C2 C3 C4 C5 C6 A1 C7 C8 C9 CA CB A2 CC CD CE CF D1 A3 D2 D3 D4 D5 D6 D8 D9 DA 
DB DC DF E0 E1 E2 E3 A4 E4 E5 E6 E7 E8 A5 E9 EA EB EC ED EE EF F1 F2 F3 A7 F4 F5 F6 F7 F8 F9 FA 
FB FC FF AA B6 BA C0 C1 96 C2 C3 C4 C5 C6 97 C7 C8 C9 CA CB 98 CC CD CE CF D1 99 D2 D3 D4 D5 D6 
D8 D9 DA DB DC DF E0 E1 E2 E3 9A E4 E5 E6 E7 E8 9B E9 EA EB EC ED EE EF F1 F2 F3 9C F4 F5 F6 F7 
F8 F9 FA FB FC FF`,
  bkhcm2: `61E2 61E3 61E4 61E1 61E5 F9 F9E7 F9E8 F9E9 F9E6 F9E5 EA EAEC EAED EAEE EAEB EAE5 E0 65E2 65E3 
65E4 65E1 65E5 EF EFEC EFED EFEE EFEB EFE5 F2 F3 F4 F1 F5 6FE2 6FE3 6FE4 6FE1 6FE5 F6 F6EC F6ED 
F6EE F6EB F6E5 FA FAE2 FAE3 FAE4 FAE1 FAE5 75E2 75E3 75E4 75E1 75E5 FB FBE2 FBE3 FBE4 FBE1 FBE5 
79E2 79E3 79E4 79E1 79E5 41C2 41C3 41C4 41C1 41C5 D9 D9C7 D9C8 D9C9 D9C6 D9C5 CA CACC CACD CACE 
CACB CAC5 C0 45C2 45C3 45C4 45C1 45C5 CF CFCC CFCD CFCE CFCB CFE5 D2 D3 D4 D1 D5 4FC2 4FC3 4FC4 
4FC1 4FC5 D6 D6CC D6CD D6CE D6CB D6C5 DA DAC2 DAC3 DAC4 DAC1 DAC5 55C2 55C3 55C4 55C1 55C5 DB 
DBC2 DBC3 DBC4 DBC1 DBC5 59C2 59C3 59C4 59C1 59C5`,
  'vni-mac': `61BF 619E 619B 619D 6195 6190 618F 619C 619F 618E 6191 6189 6188 618C 618B 6187 618A 96 65BF 659E 
659B 659D 6595 6589 6588 658C 658B 6587 658A 93 BE 97 92 98 6FBF 6F9E 6F9B 6F9D 6F95 6F89 6F88 
6F8C 6F8B 6F87 6F8A 99 99BF 999E 999B 999D 9995 75BF 759E 759B 759D 7595 9A 9ABF 9A9E 9A9B 9A9D 
9A95 79BF 799E 799B 799D 94 41AF 41F3 41CD 41F4 41EC 41E6 41E9 41F2 4186 4183 41E8 41E5 41CB 4181 
41CC 41E7 4180 84 45AF 45F3 45CD 45F4 45EC 45E5 45CB 4581 45CC 45E7 4580 ED AE EE EA F1 4FAF 4FF3 
4FCD 4FF4 4FEC 4FE5 4FCB 4F81 4FCC 4FE7 4F80 EF EFAF EFF3 EFCD EFF4 EFEC 55AF 55F3 55CD 55F4 55EC 
85 85AF 85F3 85CD 85F4 85EC 59AF 59F3 59CD 59F4 EB`,
} as const;

export type LegacyEncoding = keyof typeof codes;
export const legacyEncodings = Object.keys(codes) as LegacyEncoding[];
/** Names for people, with the fonts by which they know them. */
export const encodingNames: Readonly<Record<LegacyEncoding | 'utf-8-twice', string>> = {
  tcvn3: 'TCVN3 (ABC, .VnTime)',
  'tcvn5712-1': 'TCVN 5712 VN1',
  vni: 'VNI Windows (VNI-Times)',
  viscii: 'VISCII',
  vps: 'VPS',
  'windows-1258': 'Windows-1258',
  'vietware-x': 'VietWare X',
  'vietware-f': 'VietWare F',
  bkhcm2: 'BK HCM 2',
  'vni-mac': 'VNI Mac',
  'utf-8-twice': 'UTF-8 read as 8-bit text and written again',
};

/** What Windows-1252 has at 0x80-0x9F: the form in which legacy bytes arrive inside DOCX, XML and JSON. */
const windows1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
const byteOfChar = new Map([...windows1252].map((char, i) => [char, 0x80 + i]));

/** The byte that a character stands for when legacy text was read as Latin-1 or Windows-1252; -1 if it cannot be one. */
export function legacyByte(char: string): number {
  const point = char.charCodeAt(0);
  if (char.length === 1 && point < 0x100) return point;
  return byteOfChar.get(char) ?? -1;
}

/** One or two bytes as a number -> letter. A code shared by both cases is the small letter. */
type Table = { readonly letters: ReadonlyMap<number, string>; readonly pairs: boolean };
function tableOf(encoding: LegacyEncoding): Table {
  const letters = new Map<number, string>();
  for (const [i, code] of codes[encoding].split(/\s+/).entries()) {
    const number = Number.parseInt(code, 16);
    if (!letters.has(number)) letters.set(number, accentedLetters[i]!);
  }
  for (const [number, letter] of [...letters]) {
    // A capital typed with the small tone key: VNI "Aù". Small with the capital's tone does not occur.
    if (number <= 0xff || letter !== letter.toLowerCase()) continue;
    const capital = (number & 0xff) | (((number >> 8) - 0x20) << 8);
    if (number >> 8 >= 0x61 && number >> 8 <= 0x7a && !letters.has(capital))
      letters.set(capital, letter.toUpperCase());
  }
  return { letters, pairs: [...letters.keys()].some((number) => number > 0xff) };
}
const tables = new Map(legacyEncodings.map((encoding) => [encoding, tableOf(encoding)]));
/** Encodings whose fonts draw the capitals. */
export const caseInFont: ReadonlySet<LegacyEncoding> = new Set<LegacyEncoding>(['tcvn3', 'vietware-f']);
/** VN1 and Windows-1258 may write a tone as a byte of its own behind the letter. */
const toneBytes: Partial<Record<LegacyEncoding, Readonly<Record<number, string>>>> = {
  'tcvn5712-1': { 176: '\u0300', 177: '\u0309', 178: '\u0303', 179: '\u0301', 180: '\u0323' },
  'windows-1258': { 204: '\u0300', 210: '\u0309', 222: '\u0303', 236: '\u0301', 242: '\u0323' },
};

export type Decoded = {
  /** NFC. */
  readonly text: string;
  /** Characters that stand for no letter of the encoding and are no ordinary sign either; kept as they were. */
  readonly strange: number;
};

/** Reads text whose characters are the bytes of `encoding` (Latin-1 or Windows-1252 form). Case is as the bytes say. */
export function readLegacy(text: string, encoding: LegacyEncoding): Decoded {
  const { letters, pairs } = tables.get(encoding)!;
  const combining = toneBytes[encoding];
  const chars = [...text];
  let read = '';
  let strange = 0;
  for (let i = 0; i < chars.length; i += 1) {
    const char = chars[i]!;
    const byte = legacyByte(char);
    if (pairs && i + 1 < chars.length && byte > 0x40) {
      const second = legacyByte(chars[i + 1]!);
      const both = second > 0x7f ? letters.get((byte << 8) | second) : undefined;
      if (both !== undefined) {
        read += both;
        i += 1;
        continue;
      }
    }
    const letter = letters.get(byte) ?? combining?.[byte];
    if (letter !== undefined) read += letter;
    else {
      // Quotation marks and dashes of Windows-1252 stand in texts of every encoding that has no letter there.
      const sign = byte >= 0x80 && byte < 0xa0 ? windowsSign(byte) : undefined;
      read += sign ?? char;
      if (sign === undefined && isStrange(char, byte)) strange += 1;
    }
  }
  return { text: read.normalize('NFC'), strange };
}

function windowsSign(byte: number): string | undefined {
  const char = windows1252[byte - 0x80]!;
  return /[\p{P}\p{Sc}˜ˆ™]/u.test(char) ? char : undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const controls = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f]/;
/** A letter above ASCII that the encoding does not have, or a control character: a sign that the text is in another encoding. */
function isStrange(char: string, byte: number): boolean {
  return (
    (byte < 0 && /[\p{L}\p{M}]/u.test(char)) ||
    controls.test(char) ||
    (byte >= 0x80 && /[\p{L}\p{M}\p{S}]/u.test(char))
  );
}

/** UTF-8 whose bytes were taken for 8-bit text and encoded once more; undefined if it is none. */
export function readTwice(text: string): string | undefined {
  const bytes: number[] = [];
  for (const char of text) {
    const byte = legacyByte(char);
    if (byte < 0) return undefined;
    bytes.push(byte);
  }
  if (!bytes.some((byte) => byte > 0x7f)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(Uint8Array.from(bytes))
      .normalize('NFC');
  } catch {
    // Not UTF-8: an answer, no failure.
    return undefined;
  }
}

const capitalThenSame = /([AEIOUYĂÂÊÔƠƯ])(\p{Ll})/gu;
const plain = (letter: string): string =>
  letter
    .normalize('NFD')
    .replace(/[\u0300\u0309\u0303\u0301\u0323]/g, '')
    .normalize('NFC');

/**
 * Capitals that the encoding cannot say. Some programs wrote the capital and then the toned letter ("Aµ" is À); elsewhere a word takes the case
 * of its own ASCII letters, and where it has none or one, that of its neighbours. Never makes a letter small.
 */
export function restoreCase(text: string): { readonly text: string; readonly restored: number } {
  let restored = 0;
  const joined = text.replace(capitalThenSame, (both, capital: string, small: string) => {
    if (plain(small).toUpperCase() !== capital || small === plain(small)) return both;
    restored += 1;
    return small.toUpperCase();
  });
  const lines = joined.split('\n').map((line) => {
    if (!/[A-Z]/.test(line)) return line;
    const words = [...line.matchAll(/[\p{L}\p{M}]+/gu)].map(([word]) => word);
    let at = 0;
    return line.replace(/[\p{L}\p{M}]+/gu, (word) => {
      const i = at++;
      if (!isCapital(words[i - 1], word, words[i + 1])) return word;
      const raised = word.toUpperCase();
      for (let k = 0; k < word.length; k += 1) if (word[k] !== raised[k]) restored += 1;
      return raised;
    });
  });
  return { text: lines.join('\n'), restored };
}

/** All ASCII letters are capitals, two at least, and the word can be read aloud: an abbreviation says nothing of its neighbours. */
const shouts = (word: string | undefined): boolean =>
  word !== undefined &&
  /^(?:[A-Z]|[^\0-\x7f])+$/.test(word) &&
  (word.match(/[A-Z]/g)?.length ?? 0) >= 2 &&
  /[AEIOUY]|[^\0-\x7f]/.test(word);

function isCapital(before: string | undefined, word: string, after: string | undefined): boolean {
  const own = word.match(/[A-Za-z]/g) ?? [];
  if (own.some((letter) => letter > 'Z')) return false;
  if (own.length >= 2 || /\p{Ll}[A-Z]/u.test(word)) return true;
  return (
    (shouts(after) && (before === undefined || shouts(before) || /^\p{Ll}+$/u.test(before))) ||
    (after === undefined && shouts(before))
  );
}

// Vietnamese text for finding and sorting: what a clerk types without marks must find what was written with them, and lists stand in
// Vietnamese order. Pure. Folded text is for comparing only: it is never shown, never sent and never stored in place of what was written.

/** Letters that look like đ and are typed for it; none of them decomposes. U+0110/0111 đ, U+00D0/00F0 eth, U+0189/0256 African d. */
const likeD = /[ĐđÐðƉɖ]/g;
/** Hyphens and dashes that are typed for one another in notations: "12–KH/TU". */
const dashes = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g;
const invisible = /[\u00ad\u200b-\u200f\u2060\ufeff]/g;

/**
 * "Ủy ban  Đông Hà" -> "uy ban dong ha". Equal for NFC and NFD, any case, đ and d, Hoả and Hỏa, and any kind of space or dash.
 * Compatibility forms (full width, ligatures, non-breaking space) fold to their plain form. Idempotent; never longer than 18 times the text.
 */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(likeD, 'd')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(dashes, '-')
    .replace(invisible, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The folded words in their order: runs of letters and digits. "125/UBND-TH" -> ["125", "ubnd", "th"]. */
export function foldedWords(text: string): string[] {
  return fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** The five tone marks in dictionary order after the level tone: huyền, hỏi, ngã, sắc, nặng. */
const tones = '\u0300\u0309\u0303\u0301\u0323';
const toneMarks = new RegExp(`[${tones}]`, 'g');
const word = /[\p{L}\p{M}]+/gu;

/**
 * One spelling per meaning, marks kept: the tone of each word moves behind it, so that Hoả = Hỏa and NFC = NFD while hòa, hoa and họa
 * stay different. For asking whether two names or values are the same; case and spaces count as written.
 */
export function sameSpelling(text: string): string {
  return text
    .normalize('NFD')
    .replace(likeD, (letter) => (letter === letter.toLowerCase() ? 'đ' : 'Đ'))
    .replace(word, (letters) => {
      const tone = letters.match(toneMarks);
      return tone === null ? letters : letters.replace(toneMarks, '') + tone.join('');
    })
    .normalize('NFC');
}

const alphabet = [
  'a',
  'ă',
  'â',
  'b',
  'c',
  'd',
  'đ',
  'e',
  'ê',
  'f',
  'g',
  'h',
  'i',
  'j',
  'k',
  'l',
  'm',
  'n',
  'o',
  'ô',
  'ơ',
].concat(['p', 'q', 'r', 's', 't', 'u', 'ư', 'v', 'w', 'x', 'y', 'z']);
/** Primary weights: space lowest, then digits, then the alphabet, then every other letter by its code point. One character each. */
const weights = new Map<string, string>([
  [' ', '!'],
  ...[...'0123456789'].map((digit, i) => [digit, String.fromCharCode(0x30 + i)] as const),
  ...alphabet.map((letter, i) => [letter, String.fromCharCode(0x41 + i)] as const),
]);
const otherLetters = 0x3000;

type Letter = { readonly primary: string; readonly tone: number; readonly upper: boolean };

function* lettersOf(text: string): Generator<Letter> {
  const plain = text.normalize('NFD').replace(likeD, (d) => (d === d.toLowerCase() ? 'đ' : 'Đ'));
  for (const [cluster, base, marks] of plain.matchAll(/(\P{M})(\p{M}*)/gu)) {
    const tone = Math.max(...[...marks!].map((mark) => tones.indexOf(mark))) + 1;
    const letter = cluster.replace(toneMarks, '').normalize('NFC');
    const lower = letter.toLowerCase();
    const known = weights.get(lower) ?? weights.get(base!.toLowerCase());
    if (known !== undefined) yield { primary: known, tone: Math.max(tone, 0), upper: letter !== lower };
    else if (/\s/u.test(base!)) yield { primary: '!', tone: 0, upper: false };
    else if (/[\p{L}\p{N}]/u.test(base!)) {
      const point = String.fromCodePoint(
        Math.min(otherLetters + base!.toLowerCase().codePointAt(0)!, 0x10ffff),
      );
      yield { primary: point.isWellFormed() ? point : '\uffff', tone: 0, upper: false };
    } else yield { primary: '"', tone: 0, upper: false };
  }
}

/**
 * The key by which Vietnamese text sorts: plain comparison of keys (`<`, or BINARY in SQLite) gives the order a ă â b c d đ e ê …, among
 * equal letters level, huyền, hỏi, ngã, sắc, nặng, among equal tones lower case before upper. The tone counts for its word, wherever it is
 * written, so Hoả and Hỏa stand together. Contains the text's letters: erase it with the text. At most `lengthMax` letters count.
 */
export function sortKey(text: string, lengthMax = 200): string {
  let primary = '';
  let secondary = '';
  let tertiary = '';
  let wordTone = 0;
  let count = 0;
  for (const { primary: weight, tone, upper } of lettersOf(text.slice(0, lengthMax * 4).trim())) {
    if (count++ >= lengthMax) break;
    if (weight === '!' || weight === '"') {
      secondary += wordTone;
      wordTone = 0;
    } else if (tone > 0) wordTone = tone;
    primary += weight;
    tertiary += upper ? '1' : '0';
  }
  return `${primary} ${secondary}${wordTone} ${tertiary}`;
}

/** Order of two texts for lists that are sorted in memory; 0 only for the same key. */
export function compareVietnamese(a: string, b: string): number {
  const [x, y] = [sortKey(a), sortKey(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

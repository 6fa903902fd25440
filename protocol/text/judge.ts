// Is text Vietnamese in Unicode NFC (TCVN 6909:2001), or which older encoding is it in, and how sure is that? Every reading is tried, and words
// that come out as Vietnamese syllables speak for it. Pure. It only judges and offers: what was written is never changed here.
import {
  caseInFont,
  type LegacyEncoding,
  legacyByte,
  legacyEncodings,
  readLegacy,
  readTwice,
  restoreCase,
} from './charsets.ts';
import { isSyllable } from './syllable.ts';

export type Reading = LegacyEncoding | 'utf-8-twice';
/** `unicode`: as it stands. */
type Candidate = Reading | 'unicode';
const readings: readonly Reading[] = [...legacyEncodings, 'utf-8-twice'];
const candidates: readonly Candidate[] = ['unicode', ...readings];
/** Hardly met today: they must be better than the common ones, not equal. */
const rare: ReadonlySet<Candidate> = new Set<Candidate>([
  'tcvn5712-1',
  'vps',
  'windows-1258',
  'vietware-x',
  'vietware-f',
  'bkhcm2',
  'vni-mac',
]);

const rareHandicap = 0.08;

/** The accented letters by how often they stand in administrative text: breaks ties between readings of short texts. */
const byFrequency = 'đệáàăảửơịôốưêòủậếụềâýạểộợớựíóấìổứờữãỉầởéặẫừắồỗọùằỳẩèõỏỹúỡễẽĩũẹẳỷẻỵẵ';
const rankOf = new Map([...byFrequency].map((letter, i) => [letter, i / byFrequency.length]));

/** How far legacy text must beat "already Unicode", in the share of words that are syllables; below it nothing is offered. */
const marginMin = 0.34;
/** Of the words that carry marks, so many must be syllables. */
const shareMin = 0.6;
/** Below this a reading is named as possible, not offered. */
export const offerConfidence = 0.5;
/** Below this it is not even named. */
const possibleConfidence = 0.3;

export type TextVerdict = {
  /** ascii and nfc are fine; nfd: Unicode, but not composed; legacy: another encoding; unknown: neither, nothing to offer. */
  readonly form: 'ascii' | 'nfc' | 'nfd' | 'legacy' | 'unknown';
  readonly encoding: Reading | undefined;
  /** 0 to 1. Of `form` and `encoding` together. */
  readonly confidence: number;
  /** Words with marks that were judged. */
  readonly words: number;
  /** Other readings that say nearly as much, best first: a person should look. */
  readonly alternatives: readonly Reading[];
};

/** Signs that stand at words in any language: no evidence of an encoding. */
const ordinarySign =
  /^(?:[\d.,]*(?:µ|μ)[mglsAVWFHM]*|[\d.,]*°[CFK]?|(?:©|\(©\))?\d*|\p{L}[\p{L}\d]*[®™²³ªº]|\d*[ªº½¼¾±×÷]\d*|§§?\d*|[£¥€¢]\d[\d.,]*|\d[\d.,]*[£¥€¢])$/u;
const abbreviation = /^[A-ZĐ]{1,6}[a-z]?Đ?[A-ZĐ]{0,6}$/;
/** Vietnamese letters that no 8-bit reading could have made: proof of Unicode. */
const onlyUnicode = /[ăđĩũơưạ-ỹ]/iu;

/** A sign between letters that no language writes there: bytes that were read as characters. */
const signInside =
  /[\p{L}\p{M}][^\p{L}\p{M}\p{N}\u00a0\u00ad\u00b7\u2010-\u2015\u2018\u2019\u2026\u200b-\u200d\0-\x7f]+\p{L}/u;

/** One word in every reading. `score`: 0 no syllable, up to 1 a syllable of common letters; `same`: readings with one number give one text. */
type WordReadings = {
  readonly score: readonly number[];
  readonly same: readonly number[];
  /** Some other reading is better than the text as it stands; without such a word no verdict can be `legacy`. */
  readonly doubtful: boolean;
};

/** Null: no evidence at all. */
function readingsOf(word: string): WordReadings | null {
  if (ordinarySign.test(word)) return null;
  const read = candidates.map((candidate) => readWord(word, candidate));
  const texts = read.map(({ text }) => text);
  const same = texts.map((text) => texts.indexOf(text));
  const [asItStands] = read;
  const doubtful = read.some(({ score }, i) => same[i] !== 0 && score > asItStands!.score);
  return { score: read.map(({ score }) => score), same, doubtful };
}

const unreadable = { text: '', score: 0 };

function readWord(word: string, candidate: Candidate): { readonly text: string; readonly score: number } {
  if (candidate === 'unicode') {
    const text = word.normalize('NFC');
    if (onlyUnicode.test(text)) return { text, score: 1 };
    return { text, score: signInside.test(text) ? 0 : piecesScore(text, 0) };
  }
  if (candidate === 'utf-8-twice') {
    const text = readTwice(word);
    if (text === undefined) return unreadable;
    // Other languages went the same way; letters of another alphabet are more likely an accident.
    const latin = /^[\p{Script=Latin}\p{M}\p{P}\p{N}\p{Zs}\0-\x7f]+$/u.test(text) && !oddCase(text);
    return { text, score: Math.max(piecesScore(text, 0), latin ? 0.8 : 0.3) };
  }
  for (const char of word) if (legacyByte(char) < 0) return unreadable;
  const { text, strange } = readLegacy(word, candidate);
  const cased = caseInFont.has(candidate) ? restoreCase(text).text : text;
  return { text: cased, score: piecesScore(cased, strange) };
}

/** All pieces must be syllables or abbreviations with Đ; a single letter says little. */
function piecesScore(text: string, strange: number): number {
  if (strange > 0) return 0;
  const pieces = (text.match(/[\p{L}\p{M}]+/gu) ?? []).filter((piece) => /[^\0-\x7f]/.test(piece));
  if (pieces.length === 0) return 0;
  let sum = 0;
  for (const piece of pieces) {
    if (abbreviation.test(piece) && piece.includes('Đ')) sum += 0.6;
    else if (oddCase(piece) || !isSyllable(piece)) return 0;
    else sum += 0.7 + 0.3 * (1 - rarity(piece)) - (piece.length === 1 ? 0.35 : 0);
  }
  return sum / pieces.length;
}

/** "nHÀ" and "hẤt": a wrong table mixes the cases. */
const oddCase = (piece: string): boolean => /\p{Ll}\p{Lu}/u.test(piece);

function rarity(piece: string): number {
  let sum = 0;
  let count = 0;
  for (const letter of piece.toLowerCase()) {
    const rank = rankOf.get(letter);
    if (rank !== undefined) {
      sum += rank;
      count += 1;
    }
  }
  return count === 0 ? 1 : sum / count;
}

/** Words for judging: cut at ASCII only, since legacy letters look like signs. VISCII and VN1 have letters among the controls. */
const notWord = /[\t\n\r\f\v \0!-/:-@[-`{-~]+/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: letters of VISCII and VN1.
const hasMark = /[^\0-\x7f]|[\x01-\x06\x11-\x17\x19\x1e]/;
const wordLengthMax = 40;
/** A word reads the same in every text, and the same names and subjects come with every document. About 300 bytes each. */
const known = new Map<string, WordReadings | null>();
const knownMax = 10_000;

function knownReadings(word: string): WordReadings | null {
  let read = known.get(word);
  if (read === undefined) {
    if (known.size >= knownMax) known.clear();
    read = readingsOf(word);
    known.set(word, read);
  }
  return read;
}

/** False for nearly every text: then nothing can be offered, and nothing has to be counted. */
const isDoubtful = (text: string): boolean =>
  hasMark.test(text) &&
  text
    .split(notWord)
    .some(
      (piece) =>
        piece.length <= wordLengthMax && hasMark.test(piece) && knownReadings(piece)?.doubtful === true,
    );

export type TextJudge = {
  /** Text that may be cut anywhere between lines. */
  add(text: string): void;
  verdict(): TextVerdict;
};

type Counted = {
  words: number;
  composed: boolean;
  ascii: boolean;
  readonly total: number[];
  /** By pair of candidates: how many words read differently, and by how much the first read them better. */
  readonly differ: number[][];
  readonly better: number[][];
};

const zeros = (): number[] => candidates.map(() => 0);

/**
 * Judges text of any length in bounded memory. `bytes`: the characters are bytes of something that is not Unicode, so that "as it stands"
 * is no answer.
 */
export function createTextJudge(options: { readonly bytes?: boolean } = {}): TextJudge {
  const counted: Counted = {
    words: 0,
    composed: true,
    ascii: true,
    total: zeros(),
    differ: candidates.map(zeros),
    better: candidates.map(zeros),
  };
  return {
    add(text) {
      if (counted.ascii && /[^\0-\x7f]/.test(text)) counted.ascii = false;
      if (counted.composed && text !== text.normalize('NFC')) counted.composed = false;
      for (const piece of text.split(notWord)) {
        if (piece.length > wordLengthMax || !hasMark.test(piece)) continue;
        const read = knownReadings(piece);
        if (read !== null) count(read, counted);
      }
    },
    verdict: () => decide(counted, options.bytes === true),
  };
}

function count({ score, same }: WordReadings, counted: Counted): void {
  counted.words += 1;
  for (let i = 0; i < score.length; i += 1) {
    counted.total[i]! += score[i]!;
    const [differ, better] = [counted.differ[i]!, counted.better[i]!];
    for (let j = 0; j < score.length; j += 1) {
      if (same[i] === same[j]) continue;
      differ[j]! += 1;
      better[j]! += score[i]! - score[j]!;
    }
  }
}

const rounded = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 100) / 100;

/** Only words that two readings read differently can part them; by how much they do, per such word. Infinity: none does. */
function margin(counted: Counted, a: number, b: number): number {
  const differ = counted.differ[a]![b]!;
  return differ === 0 ? Number.POSITIVE_INFINITY : counted.better[a]![b]! / differ;
}

type Ranked = { readonly encoding: Reading; readonly i: number; readonly share: number };
/** A rare encoding that reads several words which the first of the list cannot: the capitals of VN1 against TCVN3. */
const overHandicap = ([first, ...rest]: readonly Ranked[], counted: Counted): Ranked | undefined =>
  rest.find(({ i, share }) => {
    const near = share + rareHandicap >= first!.share && counted.total[i]! > counted.total[first!.i]!;
    return near && counted.differ[i]![first!.i]! >= 2 && margin(counted, i, first!.i) >= 0.4;
  });

function decide(counted: Counted, bytes: boolean): TextVerdict {
  const { words, total } = counted;
  const form = bytes ? 'unknown' : counted.ascii ? 'ascii' : counted.composed ? 'nfc' : 'nfd';
  const asItStands: TextVerdict = { form, encoding: undefined, confidence: 1, words, alternatives: [] };
  if (words === 0) return asItStands;
  const ranked = readings
    .map((encoding, i) => ({
      encoding,
      i: i + 1,
      share: total[i + 1]! / words - (rare.has(encoding) ? rareHandicap : 0),
    }))
    .sort((a, b) => b.share - a.share);
  const best = overHandicap(ranked, counted) ?? ranked[0]!;
  const overUnicode = bytes ? 1 : margin(counted, best.i, 0);
  const doubt = bytes
    ? best.share
    : overUnicode === Number.POSITIVE_INFINITY
      ? 0
      : Math.min(best.share, overUnicode);
  // Text of another language in Unicode is fine too; what speaks against it is a legacy reading that is nearly good enough.
  const stands = { ...asItStands, confidence: rounded(1 - Math.max(0, doubt)) };
  if (best.share < shareMin || overUnicode < marginMin || overUnicode === Number.POSITIVE_INFINITY)
    return stands;
  const others = ranked
    .filter((other) => other !== best)
    .map((other) => ({ ...other, margin: margin(counted, best.i, other.i) }));
  const nearest = Math.min(overUnicode, ...others.map(({ margin }) => margin));
  const evidence = bytes ? words : counted.differ[best.i]![0]!;
  const sure = evidence / (evidence + (rare.has(best.encoding) ? 2 : 0.5));
  const confidence = rounded(
    Math.min(1, best.share + 0.15) * sure * (0.5 + 0.5 * Math.min(1, Math.max(0, nearest) / 0.3)),
  );
  if (confidence < possibleConfidence) return stands;
  return {
    form: 'legacy',
    encoding: best.encoding,
    confidence,
    words,
    alternatives: others
      .filter(({ share, margin }) => share >= shareMin && margin < 0.15)
      .map(({ encoding }) => encoding)
      .slice(0, 3),
  };
}

/** Judges one piece of text as it stands in a program: metadata, a file name, a line. */
export function judgeText(text: string): TextVerdict {
  const judge = createTextJudge();
  judge.add(text);
  return judge.verdict();
}

/** Reads `text` in `encoding`; NFC, capitals restored where the encoding has none. */
export function convertText(
  text: string,
  encoding: Reading,
): { readonly text: string; readonly strange: number; readonly restored: number } {
  if (encoding === 'utf-8-twice') {
    // Word by word: one damaged letter must not leave all the others unread.
    let strange = 0;
    const read = text.replace(/[^\0-\x7f]+/g, (run) => {
      const once = readTwice(run);
      if (once === undefined) strange += 1;
      return once ?? run;
    });
    return { text: read.normalize('NFC'), strange, restored: 0 };
  }
  // Quotation marks may be the program's own, in an encoding that has letters at their place: “nơi nhận” is not Ộnơi nhậnỢ.
  let strange = 0;
  const read = text
    .split(/(\s+)/u)
    .map((word) => {
      const whole = readLegacy(word, encoding);
      const [, before, inside, after] = /^([“”‘’„]?)(.+?)([“”‘’…]*)$/u.exec(word) ?? ['', '', '', ''];
      const bare = before || after ? readLegacy(inside!, encoding) : whole;
      const quoted = bare !== whole && !isSyllable(whole.text) && isSyllable(bare.text);
      strange += quoted ? bare.strange : whole.strange;
      return quoted ? before + bare.text + after : whole.text;
    })
    .join('')
    .normalize('NFC');
  const cased = caseInFont.has(encoding) ? restoreCase(read) : { text: read, restored: 0 };
  return { ...cased, strange };
}

export type TextOffer = {
  readonly field: string;
  readonly encoding: Reading;
  readonly confidence: number;
  readonly written: string;
  /** What it would be in Unicode: offered to the person, never put in its place. */
  readonly offered: string;
};

/**
 * Fields whose text seems to be in an older encoding, with the conversion. All fields are judged together first: one encoding runs through a
 * form, and a short field says little alone.
 */
export function textOffers(fields: Readonly<Record<string, string>>): TextOffer[] {
  // Over all words of a text, and of each field, the margin of a reading is a mean of what its words say.
  if (!Object.values(fields).some(isDoubtful)) return [];
  const all = createTextJudge();
  for (const text of Object.values(fields)) all.add(text);
  const together = all.verdict();
  const offers: TextOffer[] = [];
  for (const [field, written] of Object.entries(fields)) {
    const own = judgeText(written);
    const takes = own.form === 'legacy' && own.confidence >= offerConfidence ? own : undefined;
    const fromAll =
      together.form === 'legacy' &&
      together.confidence >= offerConfidence &&
      own.words > 0 &&
      fits(written, together.encoding!)
        ? together
        : undefined;
    const verdict = fromAll ?? takes;
    if (!verdict?.encoding) continue;
    const offered = convertText(written, verdict.encoding).text;
    if (offered !== written)
      offers.push({ field, encoding: verdict.encoding, confidence: verdict.confidence, written, offered });
  }
  return offers;
}

/** The text read so is more Vietnamese than as it stands. */
function fits(text: string, encoding: Reading): boolean {
  const at = candidates.indexOf(encoding);
  let better = 0;
  for (const word of text.split(notWord)) {
    const read = hasMark.test(word) && word.length <= wordLengthMax ? readingsOf(word) : null;
    if (read) better += read.score[at]! - read.score[0]!;
  }
  return better > 0;
}

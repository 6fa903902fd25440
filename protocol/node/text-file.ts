// A text file of any size -> is it Unicode in NFC, else what is it and how sure is that; and its lines read into Unicode. Streams: memory is
// bounded by one long line. Never writes: who converts names a new file, the old one stays (a signed file that changes is worthless).
import { createReadStream } from 'node:fs';
import { ExchangeError } from '../errors.ts';
import {
  convertText,
  createTextJudge,
  judgeText,
  offerConfidence,
  type Reading,
  type TextVerdict,
} from '../text/judge.ts';

export type Container = 'utf-8' | 'utf-16le' | 'utf-16be' | '8-bit';
export type TextFileReport = {
  readonly lengthBytes: number;
  readonly container: Container;
  readonly byteOrderMark: boolean;
  /** Unicode text, in whichever form. */
  readonly unicode: boolean;
  readonly nfc: boolean;
  readonly verdict: TextVerdict;
  /** Lines in Unicode and lines in something else in one file. */
  readonly mixed: boolean;
  /** Per reading, how many lines speak for it, with the first ones; only of lines that differ from the most. */
  readonly otherLines: readonly { readonly line: number; readonly reading: string }[];
  /** Where UTF-8 breaks; undefined if it does not. */
  readonly notUtf8At: number | undefined;
  /** The first line that would change, as written and as it would read. */
  readonly sample: { readonly written: string; readonly offered: string } | undefined;
};

const headBytes = 64 * 1024;
/** A longer line is cut at a space, or here. */
const lineLengthMax = 64 * 1024;
const sampleLengthMax = 200;
const otherLinesMax = 10;
const byteOrderMarks: readonly (readonly [string, Container, number])[] = [
  ['efbbbf', 'utf-8', 3],
  ['fffe', 'utf-16le', 2],
  ['feff', 'utf-16be', 2],
];

type Opened = {
  readonly container: Container;
  readonly markBytes: number;
  readonly notUtf8At: number | undefined;
  readonly lengthBytes: number;
};

/** First pass: what the bytes are. Throws `text-binary` for what is no text. */
async function lookAt(path: string): Promise<Opened> {
  let head: Buffer = Buffer.alloc(0);
  let lengthBytes = 0;
  let guess: Container | undefined;
  let notUtf8At: number | undefined;
  let mark: (typeof byteOrderMarks)[number] | undefined;
  const utf8 = createUtf8Check();
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    if (head.length < headBytes) {
      head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)]);
      mark = byteOrderMarks.find(([hex]) => head.toString('hex', 0, 3).startsWith(hex));
    }
    notUtf8At ??= utf8.add(chunk);
    lengthBytes += chunk.length;
    // NUL in a text of bytes: it is none, wherever it stands. UTF-16 is full of them, and was recognised by the head.
    guess ??= mark?.[1] ?? utf16Guess(head);
    if (guess !== 'utf-16le' && guess !== 'utf-16be' && chunk.includes(0)) throw binary(head);
  }
  assertText(head, mark !== undefined);
  notUtf8At ??= utf8.end();
  const container = guess ?? (notUtf8At === undefined ? 'utf-8' : '8-bit');
  const broken = container === 'utf-8' && notUtf8At !== undefined;
  return { container: broken ? '8-bit' : container, markBytes: mark?.[2] ?? 0, notUtf8At, lengthBytes };
}

const kindsByMagic: readonly (readonly [string, string])[] = [
  ['25504446', 'PDF'],
  ['504b0304', 'ZIP (DOCX, XLSX, ODT)'],
  ['d0cf11e0a1b11ae1', 'Microsoft Office 97-2003 (DOC, XLS)'],
  ['89504e47', 'PNG'],
  ['ffd8ff', 'JPEG'],
  ['1f8b', 'gzip'],
  ['3082', 'DER (signature, certificate)'],
];
const binary = (head: Buffer): ExchangeError => {
  const hex = head.toString('hex', 0, 8);
  return new ExchangeError('text-binary', kindsByMagic.find(([magic]) => hex.startsWith(magic))?.[1] ?? '');
};

function assertText(head: Buffer, marked: boolean): void {
  const hex = head.toString('hex', 0, 8);
  if (kindsByMagic.some(([magic]) => magic !== '1f8b' && magic !== '3082' && hex.startsWith(magic)))
    throw binary(head);
  if (marked) return;
  // VISCII and VN1 have letters among the controls; other controls are no text.
  let controls = 0;
  for (const byte of head)
    if ((byte < 0x20 && ![9, 10, 12, 13].includes(byte)) || byte === 0x7f) controls += 1;
  if (controls > head.length * 0.1 && head.indexOf(0) < 0) throw binary(head);
}

/** Without a byte order mark: Latin letters leave a NUL in every other byte. */
function utf16Guess(head: Buffer): Container | undefined {
  const pairs = Math.floor(Math.min(head.length, 4096) / 2);
  if (pairs < 4) return undefined;
  let [even, odd] = [0, 0];
  for (let i = 0; i < pairs * 2; i += 2) {
    if (head[i] === 0) even += 1;
    if (head[i + 1] === 0) odd += 1;
  }
  if (odd > pairs * 0.4 && even < pairs * 0.05) return 'utf-16le';
  if (even > pairs * 0.4 && odd < pairs * 0.05) return 'utf-16be';
  return undefined;
}

/** `add` and `end` give the offset of the chunk in which UTF-8 broke, once. */
function createUtf8Check() {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let at = 0;
  let broken = false;
  const look = (chunk: Buffer | undefined): number | undefined => {
    if (broken) return undefined;
    try {
      decoder.decode(chunk ?? new Uint8Array(), { stream: chunk !== undefined });
      at += chunk?.length ?? 0;
      return undefined;
    } catch {
      broken = true;
      return at + firstBad(chunk ?? Buffer.alloc(0));
    }
  };
  return { add: (chunk: Buffer) => look(chunk), end: () => look(undefined) };
}

/** Near enough for a person: the first byte above ASCII that does not begin or go on with a sequence. */
function firstBad(chunk: Buffer): number {
  let at = 0;
  while (at < chunk.length) {
    const byte = chunk[at]!;
    const length =
      byte < 0x80
        ? 1
        : byte >= 0xc2 && byte < 0xe0
          ? 2
          : byte >= 0xe0 && byte < 0xf0
            ? 3
            : byte >= 0xf0 && byte < 0xf5
              ? 4
              : 0;
    if (length === 0 && !(at < 3 && byte >= 0x80 && byte < 0xc0)) return at;
    for (let i = 1; i < length && at + i < chunk.length; i += 1) if (chunk[at + i]! >> 6 !== 2) return at;
    at += Math.max(1, length);
  }
  return 0;
}

/** The lines of the file with their ends. 8-bit text comes with one character per byte. */
async function* linesOf(path: string, container: Container, markBytes: number): AsyncGenerator<string> {
  const decoder = container === '8-bit' ? undefined : new TextDecoder(container, { ignoreBOM: true });
  let rest = '';
  for await (const chunk of createReadStream(path, { start: markBytes }) as AsyncIterable<Buffer>) {
    rest += decoder ? decoder.decode(chunk, { stream: true }) : chunk.toString('latin1');
    let from = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
      yield rest.slice(from, end + 1);
      from = end + 1;
    }
    rest = rest.slice(from);
    while (rest.length > lineLengthMax) {
      const space = rest.lastIndexOf(' ', lineLengthMax);
      const cut = space > 0 ? space : lineLengthMax;
      yield rest.slice(0, cut);
      rest = rest.slice(cut);
    }
  }
  rest += decoder?.decode() ?? '';
  if (rest !== '') yield rest;
}

/** What a line is by itself: `utf-8` inside 8-bit text, a reading that is sure, `unicode`, or nothing to say. */
function lineReading(line: string, bytes: boolean): string | undefined {
  if (!/[^\0-\x7f]/.test(line)) return undefined;
  if (bytes) {
    const verdict = createTextJudge({ bytes: true });
    verdict.add(line);
    const { encoding, confidence } = verdict.verdict();
    if (encoding === 'utf-8-twice') return 'utf-8';
    return encoding && confidence >= 0.7 ? encoding : undefined;
  }
  const { encoding, confidence } = judgeText(line);
  if (encoding) return confidence >= 0.7 ? encoding : undefined;
  return /[ăđĩũơưạ-ỹ]/iu.test(line.normalize('NFC')) ? 'unicode' : undefined;
}

/**
 * Judges a file in two passes. Throws `text-binary`; errors of the file system pass through. A file that changes meanwhile gives a report of
 * what was read.
 */
export async function checkTextFile(path: string): Promise<TextFileReport> {
  const { container, markBytes, notUtf8At, lengthBytes } = await lookAt(path);
  const bytes = container === '8-bit';
  const judge = createTextJudge({ bytes });
  const counts = new Map<string, { lines: number; first: number[] }>();
  let number = 0;
  for await (const line of linesOf(path, container, markBytes)) {
    number += 1;
    judge.add(line);
    const reading = lineReading(line, bytes);
    if (reading === undefined) continue;
    const seen = counts.get(reading) ?? { lines: 0, first: [] };
    seen.lines += 1;
    if (seen.first.length < otherLinesMax) seen.first.push(number);
    counts.set(reading, seen);
  }
  const verdict = judge.verdict();
  const { mixed, otherLines } = mixture(counts, bytes);
  const unicode =
    !bytes && (verdict.form === 'ascii' || verdict.form === 'nfc' || verdict.form === 'nfd') && !mixed;
  const report = {
    lengthBytes,
    container,
    byteOrderMark: markBytes > 0,
    unicode,
    nfc: unicode && verdict.form !== 'nfd',
    verdict,
    mixed,
    otherLines,
    notUtf8At: bytes ? notUtf8At : undefined,
  };
  return { ...report, sample: mixed ? undefined : await sampleOf(path, report) };
}

/** Two encodings in one file: Unicode beside a legacy one, or UTF-8 beside bytes. Two legacy readings of short lines are one file misread. */
function mixture(
  counts: ReadonlyMap<string, { readonly lines: number; readonly first: readonly number[] }>,
  bytes: boolean,
) {
  const proper = counts.get(bytes ? 'utf-8' : 'unicode');
  const others = [...counts].filter(([reading]) => reading !== (bytes ? 'utf-8' : 'unicode'));
  const otherCount = others.reduce((sum, [, { lines }]) => sum + lines, 0);
  if (!proper || otherCount === 0) return { mixed: false, otherLines: [] };
  const fewer = proper.lines <= otherCount ? ([[bytes ? 'utf-8' : 'unicode', proper]] as const) : others;
  return {
    mixed: true,
    otherLines: fewer
      .flatMap(([reading, { first }]) => first.map((line) => ({ line, reading })))
      .sort((a, b) => a.line - b.line)
      .slice(0, otherLinesMax),
  };
}

async function sampleOf(
  path: string,
  { verdict, container, byteOrderMark }: Omit<TextFileReport, 'sample'>,
): Promise<TextFileReport['sample']> {
  if (verdict.form !== 'legacy' && verdict.form !== 'nfd') return undefined;
  const marks = byteOrderMark ? (container === 'utf-8' ? 3 : 2) : 0;
  for await (const line of linesOf(path, container, marks)) {
    const written = line.trim().slice(0, sampleLengthMax);
    const offered = verdict.encoding ? convertText(written, verdict.encoding).text : written.normalize('NFC');
    if (offered !== written) return { written, offered };
  }
  return undefined;
}

export type Conversion = {
  /** What the characters of the file are; undefined: Unicode already, only composed and written as UTF-8. */
  readonly reading: Reading | undefined;
  readonly container: Container;
  readonly markBytes: number;
};

/**
 * Decides how `path` is to be read. Without `from` only what is sure: throws `text-mixed`, `text-uncertain` (names what it may be), `text-binary`.
 * With `from` the person has decided; UTF-16 is still recognised by its bytes.
 */
export async function planConversion(path: string, from?: Reading | 'utf-8'): Promise<Conversion> {
  const { container, markBytes } = await lookAt(path);
  if (from !== undefined) {
    if (from === 'utf-8' && container === '8-bit') throw new ExchangeError('text-uncertain', 'not UTF-8');
    return { reading: from === 'utf-8' ? undefined : from, container, markBytes };
  }
  const report = await checkTextFile(path);
  const { verdict } = report;
  if (report.mixed)
    throw new ExchangeError(
      'text-mixed',
      report.otherLines.map(({ line, reading }) => `line ${line}: ${reading}`).join(', '),
    );
  if (verdict.form === 'unknown') throw new ExchangeError('text-uncertain', 'no encoding that is known here');
  if (verdict.form === 'legacy' && verdict.confidence < offerConfidence)
    throw new ExchangeError('text-uncertain', [verdict.encoding, ...verdict.alternatives].join(', '));
  return { reading: verdict.encoding, container, markBytes };
}

export type ConvertedLine = { readonly text: string; readonly strange: number; readonly restored: number };

/** The file line by line in NFC. `strange` and `restored` as in protocol/text/judge.ts `convertText`. */
export async function* convertedLines(path: string, how: Conversion): AsyncGenerator<ConvertedLine> {
  for await (const line of linesOf(path, how.container, how.markBytes)) {
    if (how.reading) yield convertText(line, how.reading);
    else yield { text: line.normalize('NFC'), strange: 0, restored: 0 };
  }
}

// The answer of getEdoc is one JSON object of which one member holds a whole message as text, up to hundreds of megabytes. This reads it while
// it comes: small members are kept, the text of that member is unescaped and handed on as UTF-8. Constant memory; no JSON parser sees the text.
// First step of a message that comes from the axis, before its bytes are kept.
import { ExchangeError } from '../../protocol/errors.ts';

/** Everything but the text. */
const REST_BYTES_MAX = 64 * 1024;
const PIECE = 64 * 1024;

const malformed = (why: string) => new ExchangeError('axis-answer-malformed', why);

type Source = { next(): Promise<number>; peekBytes(): Uint8Array; skip(count: number): void };

/** Bytes one by one, with a look at what is there: most of the text has no escapes and goes through in pieces. */
function sourceOf(body: AsyncIterator<Uint8Array>): Source & { fill(): Promise<boolean> } {
  let piece: Uint8Array = new Uint8Array();
  let at = 0;
  const fill = async (): Promise<boolean> => {
    while (at >= piece.length) {
      const { value, done } = await body.next();
      if (done) return false;
      piece = value;
      at = 0;
    }
    return true;
  };
  return {
    fill,
    async next() {
      return (await fill()) ? piece[at++]! : -1;
    },
    peekBytes: () => piece.subarray(at),
    skip(count) {
      at += count;
    },
  };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const simple: Readonly<Record<string, number>> = {
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
};

async function hexUnit(source: Source): Promise<number> {
  let text = '';
  for (let i = 0; i < 4; i += 1) text += String.fromCharCode(Math.max(0, await source.next()));
  if (!/^[0-9a-fA-F]{4}$/.test(text)) throw malformed('an escape in the text');
  return Number.parseInt(text, 16);
}

/** After the backslash: the letter that is meant. A half of a surrogate pair has no place in a message. */
async function escaped(source: Source): Promise<Buffer> {
  const letter = String.fromCharCode(Math.max(0, await source.next()));
  if (letter in simple) return Buffer.of(simple[letter]!);
  if (letter !== 'u') throw malformed('an escape in the text');
  const unit = await hexUnit(source);
  if (unit < 0xd800 || unit > 0xdfff) return Buffer.from(String.fromCharCode(unit));
  if (unit > 0xdbff || (await source.next()) !== BACKSLASH || (await source.next()) !== 0x75)
    throw malformed('half of a surrogate pair');
  const low = await hexUnit(source);
  if (low < 0xdc00 || low > 0xdfff) throw malformed('half of a surrogate pair');
  return Buffer.from(String.fromCharCode(unit, low));
}

/** The text of one string, from after its opening quote. */
async function* stringBytes(source: ReturnType<typeof sourceOf>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    if (!(await source.fill())) throw malformed('cut off');
    const there = source.peekBytes();
    let end = 0;
    while (end < there.length && there[end] !== QUOTE && there[end] !== BACKSLASH) end += 1;
    if (end > 0) {
      held.push(Buffer.from(there.subarray(0, end)));
      bytes += end;
      source.skip(end);
    }
    if (bytes >= PIECE) {
      yield Buffer.concat(held);
      held = [];
      bytes = 0;
    }
    if (end >= there.length) continue;
    const mark = await source.next();
    if (mark === QUOTE) break;
    const letter = await escaped(source);
    held.push(letter);
    bytes += letter.length;
  }
  if (held.length > 0) yield Buffer.concat(held);
}

/** A string that is not wanted, at most REST_BYTES_MAX of it; a longer one is '' with `dropLong`. */
async function smallString(source: ReturnType<typeof sourceOf>, dropLong: boolean): Promise<string> {
  let text = '';
  let long = false;
  for await (const piece of stringBytes(source)) {
    if (!long) text += piece.toString('latin1');
    long ||= text.length > REST_BYTES_MAX;
    if (long && !dropLong) throw malformed('members that are too long');
  }
  return long ? '' : Buffer.from(text, 'latin1').toString('utf8');
}

/**
 * The text of the member at `path` is handed on; what stands before and after it goes to `onRest` as one object. Throws axis-answer-malformed; what
 * `onRest` throws goes through. Without that member nothing is handed on. `dropLong`: other long texts (files beside the message) are passed over.
 */
export async function* jsonData(
  body: AsyncIterable<Uint8Array>,
  onRest: (rest: Record<string, unknown>) => void,
  {
    path = ['data'],
    dropLong = false,
  }: { readonly path?: readonly string[]; readonly dropLong?: boolean } = {},
): AsyncGenerator<Buffer> {
  const source = sourceOf(body[Symbol.asyncIterator]());
  // The object as it came, with the text left out, is small and goes to the JSON parser.
  let rest = '';
  // The member that is open at each depth; '' in lists and before a name.
  const open: string[] = [];
  let lastString: string | undefined;
  let afterColon = false;
  const keep = (text: string): void => {
    rest += text;
    if (rest.length > REST_BYTES_MAX) throw malformed('members that are too long');
  };
  for (let byte = await source.next(); byte !== -1; byte = await source.next()) {
    const letter = String.fromCharCode(byte);
    if (byte === QUOTE) {
      if (afterColon && open.length === path.length && path.every((name, i) => open[i] === name)) {
        keep('""');
        yield* stringBytes(source);
        afterColon = false;
        continue;
      }
      const said = await smallString(source, dropLong);
      keep(JSON.stringify(said));
      lastString = said;
      continue;
    }
    keep(byte < 0x80 ? letter : '?');
    if (letter === '{' || letter === '[') open.push('');
    else if (letter === '}' || letter === ']') open.pop();
    else if (letter === ':' && open.length > 0) open[open.length - 1] = lastString ?? '';
    afterColon = letter === ':' ? true : /\s/.test(letter) ? afterColon : false;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(rest.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new ExchangeError('axis-answer-malformed', 'not JSON, or cut off', { cause });
  }
  if (typeof parsed !== 'object' || parsed === null) throw malformed('not an object');
  onRest(parsed as Record<string, unknown>);
}

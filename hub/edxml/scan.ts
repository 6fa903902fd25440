// Cuts the text of attachments out of the byte stream before the XML parser sees it: saxes gives a text node as one string and breaks near
// 600 MB. Knows just enough of XML to find tags: comments, CDATA, instructions and quoted attributes are stepped over.
// Refuses every "<!" that is neither comment nor CDATA, so no DTD and no entity ever reaches the parser.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Bounds } from './bounds.ts';

/** In order. `payload` pieces are the text inside one ContentTransferEncoded; its tags are in `xml`. Pieces are views, valid until the next push. */
export type Segment =
  | { readonly what: 'xml' | 'payload'; readonly bytes: Uint8Array }
  | { readonly what: 'payload-begins' | 'payload-ends' };

const [LT, GT, SLASH, BANG, QUESTION, QUOTE, APOSTROPHE, DASH, BRACKET] = [
  60, 62, 47, 33, 63, 34, 39, 45, 93,
];
const isSpace = (byte: number) => byte === 32 || byte === 9 || byte === 10 || byte === 13;
const cdataOpens = '[CDATA[';
const lessThan = Buffer.from('<');

type State =
  | 'text'
  | 'opened'
  | 'bang'
  | 'comment'
  | 'cdata'
  | 'instruction'
  | 'tag'
  | 'quoted'
  | 'payload'
  | 'payload-opened'
  | 'payload-bang'
  | 'payload-cdata'
  | 'payload-comment';

/** The element whose text is cut out, by local name. */
export const cutElement = 'ContentTransferEncoded';

export type Scanner = { push(chunk: Uint8Array): Generator<Segment> };

/** Where the scanner stands; it survives the cut between two chunks. */
type Scan = {
  readonly bounds: Bounds;
  state: State;
  name: string;
  nameDone: boolean;
  last: number;
  beforeLast: number;
  quote: number;
  bang: string;
  tagBytes: number;
  xmlBytes: number;
};

export function createScanner(bounds: Bounds): Scanner {
  const scan: Scan = {
    bounds,
    state: 'text',
    name: '',
    nameDone: false,
    last: 0,
    beforeLast: 0,
    quote: 0,
    bang: '',
    tagBytes: 0,
    xmlBytes: 0,
  };
  return {
    *push(piece) {
      const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      let at = 0;
      while (at < chunk.length)
        at = scan.state.startsWith('payload')
          ? yield* pushPayload(scan, chunk, at)
          : yield* pushXml(scan, chunk, at);
    },
  };
}

const tooLarge = (what: string, max: number) =>
  new ExchangeError('edxml-too-large', `${what}, at most ${max} bytes`);

function countXml(scan: Scan, bytes: Uint8Array): Segment {
  scan.xmlBytes += bytes.length;
  if (scan.xmlBytes > scan.bounds.xmlBytesMax)
    throw tooLarge('XML outside attachments', scan.bounds.xmlBytesMax);
  return { what: 'xml', bytes };
}

function countTag(scan: Scan): void {
  scan.tagBytes += 1;
  if (scan.tagBytes > scan.bounds.tagBytesMax) throw tooLarge('one tag', scan.bounds.tagBytesMax);
}

function enter(scan: Scan, next: State): void {
  scan.state = next;
  [scan.last, scan.beforeLast, scan.bang] = [0, 0, ''];
}

function enterTag(scan: Scan, name: string): void {
  enter(scan, 'tag');
  [scan.name, scan.nameDone, scan.tagBytes] = [name, false, 0];
}

function remember(scan: Scan, byte: number): void {
  scan.beforeLast = scan.last;
  scan.last = byte;
}

/** One byte after "<!"; once it is decided, the state says what it is. */
function bangByte(scan: Scan, byte: number, comment: State, cdata: State): void {
  scan.bang += String.fromCharCode(byte);
  if (scan.bang === '--') enter(scan, comment);
  else if (scan.bang === cdataOpens) enter(scan, cdata);
  else if (!'--'.startsWith(scan.bang) && !cdataOpens.startsWith(scan.bang))
    throw new ExchangeError('edxml-dtd-refused', 'a DOCTYPE or another declaration');
}

/** One byte of a tag, outside quotes. True when a tag closes whose text is to be cut out. */
function tagByte(scan: Scan, byte: number): boolean {
  countTag(scan);
  const { name } = scan;
  if (byte === GT) {
    const cut = scan.last !== SLASH && name[0] !== '/' && name.slice(name.indexOf(':') + 1) === cutElement;
    enter(scan, cut ? 'payload' : 'text');
    return cut;
  }
  if (byte === QUOTE || byte === APOSTROPHE) {
    scan.quote = byte;
    scan.state = 'quoted';
  } else if (!scan.nameDone && (isSpace(byte) || (byte === SLASH && name !== ''))) scan.nameDone = true;
  else if (!scan.nameDone && name.length < 256) scan.name += String.fromCharCode(byte);
  remember(scan, byte);
  return false;
}

/** One byte after "<". True when the text to cut out begins after it. */
function openedByte(scan: Scan, byte: number): boolean {
  if (byte === BANG) enter(scan, 'bang');
  else if (byte === QUESTION) enter(scan, 'instruction');
  else {
    enterTag(scan, '');
    return tagByte(scan, byte);
  }
  return false;
}

/** One byte of a comment, of CDATA or of an instruction. */
function asideByte(scan: Scan, byte: number): void {
  const { state, last, beforeLast } = scan;
  const closes =
    state === 'instruction'
      ? last === QUESTION
      : last === beforeLast && last === (state === 'comment' ? DASH : BRACKET);
  if (byte === GT && closes) enter(scan, 'text');
  else remember(scan, byte);
}

/** One byte of markup that is not payload. True when the text to cut out begins after it. */
function xmlByte(scan: Scan, byte: number): boolean {
  if (scan.state === 'opened') return openedByte(scan, byte);
  if (scan.state === 'tag') return tagByte(scan, byte);
  if (scan.state === 'bang') bangByte(scan, byte, 'comment', 'cdata');
  else if (scan.state === 'quoted') {
    countTag(scan);
    if (byte === scan.quote) scan.state = 'tag';
    scan.last = 0;
  } else asideByte(scan, byte);
  return false;
}

/** One byte after "<" inside the text that is cut out. True when the element ends. */
function payloadByte(scan: Scan, byte: number): boolean {
  if (scan.state === 'payload-opened') {
    if (byte === SLASH) return true;
    if (byte !== BANG) throw new ExchangeError('edxml-malformed', `an element inside ${cutElement}`);
    enter(scan, 'payload-bang');
  } else if (scan.state === 'payload-bang') bangByte(scan, byte, 'payload-comment', 'payload-cdata');
  else if (byte === GT && scan.last === DASH && scan.beforeLast === DASH) enter(scan, 'payload');
  else remember(scan, byte);
  return false;
}

/** At a "]" of CDATA inside the text that is cut out: base64 has none, so only "]]>" may follow. */
function cdataEnd(scan: Scan, chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length) {
    const byte = chunk[at++]!;
    if (byte === BRACKET && scan.beforeLast !== BRACKET) remember(scan, byte);
    else if (byte === GT && scan.last === BRACKET && scan.beforeLast === BRACKET) {
      enter(scan, 'payload');
      return at;
    } else throw new ExchangeError('edxml-malformed', 'a "]" inside attachment text');
  }
  return at;
}

function* pushXml(scan: Scan, chunk: Buffer, from: number): Generator<Segment, number> {
  let at = from;
  while (at < chunk.length) {
    if (scan.state === 'text') {
      const next = chunk.indexOf(LT, at);
      if (next < 0) break;
      at = next + 1;
      enter(scan, 'opened');
    } else if (xmlByte(scan, chunk[at++]!)) {
      yield countXml(scan, chunk.subarray(from, at));
      yield { what: 'payload-begins' };
      return at;
    }
  }
  yield countXml(scan, chunk.subarray(from));
  return chunk.length;
}

function* pushPayload(scan: Scan, chunk: Buffer, from: number): Generator<Segment, number> {
  let at = from;
  while (at < chunk.length) {
    if (scan.state === 'payload-cdata' && scan.last !== 0) at = cdataEnd(scan, chunk, at);
    else if (scan.state === 'payload' || scan.state === 'payload-cdata') {
      const plain = scan.state === 'payload';
      const next = chunk.indexOf(plain ? LT : BRACKET, at);
      const end = next < 0 ? chunk.length : next;
      if (end > at) yield { what: 'payload', bytes: chunk.subarray(at, end) };
      if (next < 0) return chunk.length;
      at = plain ? end + 1 : cdataEnd(scan, chunk, end);
      if (plain) enter(scan, 'payload-opened');
    } else if (payloadByte(scan, chunk[at++]!)) {
      yield { what: 'payload-ends' };
      // The "</" was taken here; the parser gets it too.
      enterTag(scan, '/');
      yield countXml(scan, lessThan);
      return at - 1;
    }
  }
  return chunk.length;
}

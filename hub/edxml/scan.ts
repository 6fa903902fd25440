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

export function createScanner(bounds: Bounds): Scanner {
  let state: State = 'text';
  let name = '';
  let nameDone = false;
  let last = 0;
  let beforeLast = 0;
  let quote = 0;
  let bang = '';
  let tagBytes = 0;
  let xmlBytes = 0;

  const tooLarge = (what: string, max: number) =>
    new ExchangeError('edxml-too-large', `${what}, at most ${max} bytes`);
  const countXml = (bytes: Uint8Array): Segment => {
    xmlBytes += bytes.length;
    if (xmlBytes > bounds.xmlBytesMax) throw tooLarge('XML outside attachments', bounds.xmlBytesMax);
    return { what: 'xml', bytes };
  };
  const enter = (next: State): void => {
    state = next;
    [last, beforeLast, bang] = [0, 0, ''];
  };
  const remember = (byte: number): void => {
    beforeLast = last;
    last = byte;
  };

  /** One byte after "<!": true once it is decided; the state then says what it is. */
  const bangByte = (byte: number, comment: State, cdata: State): void => {
    bang += String.fromCharCode(byte);
    if (bang === '--') enter(comment);
    else if (bang === cdataOpens) enter(cdata);
    else if (!'--'.startsWith(bang) && !cdataOpens.startsWith(bang))
      throw new ExchangeError('edxml-dtd-refused', 'a DOCTYPE or another declaration');
  };

  /** One byte of a tag, outside quotes. True when a tag closes whose text is to be cut out. */
  const tagByte = (byte: number): boolean => {
    tagBytes += 1;
    if (tagBytes > bounds.tagBytesMax) throw tooLarge('one tag', bounds.tagBytesMax);
    if (byte === GT) {
      const cut = last !== SLASH && name[0] !== '/' && name.slice(name.indexOf(':') + 1) === cutElement;
      enter(cut ? 'payload' : 'text');
      return cut;
    }
    if (byte === QUOTE || byte === APOSTROPHE) {
      quote = byte;
      state = 'quoted';
    } else if (!nameDone && (isSpace(byte) || (byte === SLASH && name !== ''))) nameDone = true;
    else if (!nameDone && name.length < 256) name += String.fromCharCode(byte);
    remember(byte);
    return false;
  };

  /** One byte of markup that is not payload. True when the text to cut out begins after it. */
  const xmlByte = (byte: number): boolean => {
    switch (state) {
      case 'opened':
        if (byte === BANG) enter('bang');
        else if (byte === QUESTION) enter('instruction');
        else {
          enter('tag');
          [name, nameDone, tagBytes] = ['', false, 0];
          return tagByte(byte);
        }
        return false;
      case 'bang':
        bangByte(byte, 'comment', 'cdata');
        return false;
      case 'tag':
        return tagByte(byte);
      case 'quoted':
        tagBytes += 1;
        if (tagBytes > bounds.tagBytesMax) throw tooLarge('one tag', bounds.tagBytesMax);
        if (byte === quote) state = 'tag';
        last = 0;
        return false;
      default: {
        const ends =
          byte === GT &&
          (state === 'instruction'
            ? last === QUESTION
            : last === beforeLast && last === (state === 'comment' ? DASH : BRACKET));
        if (ends) enter('text');
        else remember(byte);
        return false;
      }
    }
  };

  /** One byte after "<" inside the text that is cut out. True when the element ends. */
  const payloadByte = (byte: number): boolean => {
    if (state === 'payload-opened') {
      if (byte === SLASH) return true;
      if (byte !== BANG) throw new ExchangeError('edxml-malformed', `an element inside ${cutElement}`);
      enter('payload-bang');
    } else if (state === 'payload-bang') bangByte(byte, 'payload-comment', 'payload-cdata');
    else if (byte === GT && last === DASH && beforeLast === DASH) enter('payload');
    else remember(byte);
    return false;
  };

  function* pushXml(chunk: Buffer, from: number): Generator<Segment, number> {
    let at = from;
    while (at < chunk.length) {
      if (state === 'text') {
        const next = chunk.indexOf(LT, at);
        if (next < 0) break;
        at = next + 1;
        enter('opened');
      } else if (xmlByte(chunk[at++]!)) {
        yield countXml(chunk.subarray(from, at));
        yield { what: 'payload-begins' };
        return at;
      }
    }
    yield countXml(chunk.subarray(from));
    return chunk.length;
  }

  function* pushPayload(chunk: Buffer, from: number): Generator<Segment, number> {
    let at = from;
    while (at < chunk.length) {
      if (state === 'payload') {
        const next = chunk.indexOf(LT, at);
        const end = next < 0 ? chunk.length : next;
        if (end > at) yield { what: 'payload', bytes: chunk.subarray(at, end) };
        at = end + 1;
        if (next >= 0) enter('payload-opened');
      } else if (state === 'payload-cdata' && last !== 0) at = cdataEnd(chunk, at);
      else if (state === 'payload-cdata') {
        const next = chunk.indexOf(BRACKET, at);
        const end = next < 0 ? chunk.length : next;
        if (end > at) yield { what: 'payload', bytes: chunk.subarray(at, end) };
        at = end;
        if (next >= 0) at = cdataEnd(chunk, at);
      } else if (payloadByte(chunk[at++]!)) {
        yield { what: 'payload-ends' };
        enter('tag');
        [name, nameDone, tagBytes] = ['/', false, 0];
        yield countXml(lessThan);
        return at - 1;
      }
    }
    return chunk.length;
  }

  /** At a "]" of CDATA inside the text that is cut out: base64 has none, so only "]]>" may follow. Survives a cut between chunks. */
  const cdataEnd = (chunk: Buffer, from: number): number => {
    let at = from;
    while (at < chunk.length) {
      const byte = chunk[at++]!;
      if (byte === BRACKET && beforeLast !== BRACKET) remember(byte);
      else if (byte === GT && last === BRACKET && beforeLast === BRACKET) {
        enter('payload');
        return at;
      } else throw new ExchangeError('edxml-malformed', 'a "]" inside attachment text');
    }
    return at;
  };

  return {
    *push(piece) {
      const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      let at = 0;
      while (at < chunk.length)
        at = state.startsWith('payload') ? yield* pushPayload(chunk, at) : yield* pushXml(chunk, at);
    },
  };
}

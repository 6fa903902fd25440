// The first bytes of a message: what it is at all, and in which character set. UTF-8 goes on unchanged, UTF-16 is converted, everything
// else is refused: a guessed character set makes false Vietnamese. It must never let a byte reach the XML parser undecided.
import { ExchangeError } from '../../protocol/errors.ts';
import { sniffType } from '../../protocol/node/files/types.ts';

export type Charset = 'utf-8' | 'utf-16le' | 'utf-16be';
/** Enough for the headers of a MIME message and the first tags. */
export const HEAD_BYTES = 4096;

const startsWith = (bytes: Uint8Array, ...wanted: number[]) => wanted.every((byte, i) => bytes[i] === byte);

/** Of the first bytes (HEAD_BYTES, or the whole of a shorter message). `skip`: bytes of the mark in front. */
export function charsetOf(head: Uint8Array): { readonly charset: Charset; readonly skip: number } {
  if (head.length === 0) throw new ExchangeError('edxml-malformed', 'the file has 0 bytes');
  if (startsWith(head, 0xff, 0xfe, 0, 0) || startsWith(head, 0, 0, 0xfe, 0xff))
    throw new ExchangeError('edxml-charset-refused', 'UTF-32');
  if (startsWith(head, 0x4c, 0x6f, 0xa7, 0x94)) throw new ExchangeError('edxml-charset-refused', 'EBCDIC');
  if (startsWith(head, 0xef, 0xbb, 0xbf)) return { charset: 'utf-8', skip: 3 };
  if (startsWith(head, 0xff, 0xfe)) return { charset: 'utf-16le', skip: 2 };
  if (startsWith(head, 0xfe, 0xff)) return { charset: 'utf-16be', skip: 2 };
  if (startsWith(head, 0x3c, 0)) return { charset: 'utf-16le', skip: 0 };
  if (startsWith(head, 0, 0x3c)) return { charset: 'utf-16be', skip: 0 };
  assertBeginsAsXml(head);
  return { charset: 'utf-8', skip: 0 };
}

function assertBeginsAsXml(head: Uint8Array): void {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  if (/^\s*</.test(text)) return;
  // The older generation travels as MIME multipart with a SOAP part first.
  if (/^\s*(--|MIME-Version:|Content-[A-Za-z-]+:|Message-ID:)/i.test(text)) {
    if (/inetcloud\.vn|e-doc\.vn|edxml|soap|multipart\/related/i.test(text))
      throw new ExchangeError('edxml-generation-2803', 'MIME multipart');
    throw new ExchangeError('edxml-root-unknown', 'a MIME message, not XML');
  }
  const at = text.indexOf('<?xml');
  if (at > 0)
    throw new ExchangeError('edxml-malformed', `${at} bytes of other text stand before the XML declaration`);
  if (/^\s*$/.test(text)) throw new ExchangeError('edxml-malformed', 'nothing but white space');
  const { mediaType } = sniffType(head);
  throw new ExchangeError('edxml-root-unknown', `not XML; it looks like ${mediaType}`);
}

/** Converts to UTF-8 piece by piece. UTF-8 passes unchanged; its validity is checked where text is decoded. */
export function createConverter(charset: Charset): {
  push(bytes: Uint8Array): Uint8Array;
  end(): void;
} {
  if (charset === 'utf-8') return { push: (bytes) => bytes, end() {} };
  const decoder = new TextDecoder(charset, { fatal: true });
  const decode = (bytes?: Uint8Array) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw new ExchangeError('edxml-charset-refused', `bytes that are not ${charset.toUpperCase()}`, {
        cause,
      });
    }
  };
  return { push: (bytes) => Buffer.from(decode(bytes)), end: () => void decode() };
}

/** What the XML declaration says must be what the bytes are. */
export function assertDeclared(declared: string | undefined, charset: Charset): void {
  if (declared === undefined || declared === '') return;
  const name = declared.toLowerCase().replaceAll('_', '-');
  const fits = charset === 'utf-8' ? /^(utf-?8|us-ascii|ascii)$/ : /^utf-?16(le|be)?$/;
  if (fits.test(name)) return;
  throw new ExchangeError(
    'edxml-charset-refused',
    `declared ${declared.slice(0, 40)}, the bytes are ${charset.toUpperCase()} or unknown; only UTF-8 and UTF-16 are read`,
  );
}

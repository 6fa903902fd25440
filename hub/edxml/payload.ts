// The text of one attachment → the file: base64, then the ZIP that the Java kit puts around it or none, then digest, type and damage.
// A bare office file is a ZIP too: member names tell. Constant memory; the file goes to the caller's sink and is kept nowhere here.
import { createHash } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import { damageOf, type FileType, replacementPair, sniffType } from '../../protocol/node/files/types.ts';
import { type LocalHeader, localHeader } from '../../protocol/node/files/zip-records.ts';
import { createBase64 } from './base64.ts';
import type { Bounds } from './bounds.ts';
import { createUnzipper, type Unzipper, zipDamaged, zipRefused } from './unzip.ts';

/** Where the bytes of one file go. `abort` instead of `end` when the message is refused. */
export type FileSink = {
  write(bytes: Uint8Array): Promise<void> | void;
  end?(): Promise<void> | void;
  abort?(): void;
};
export type FileFacts = {
  readonly encoding: 'zip' | 'raw';
  /** Name inside the ZIP, as written; never a path, never shown as the file's name. */
  readonly member: string;
  readonly lengthBytes: number;
  readonly sha256: string;
  readonly type: FileType;
  readonly damage: string | undefined;
};

const HEAD = 8 * 1024;
const TAIL = 4 * 1024;

type Taker = { take(bytes: Buffer): Promise<void>; facts(): Omit<FileFacts, 'encoding' | 'member'> };
/** Counts across the files of one message. */
export type Total = { fileBytes: number };

function createTaker(bounds: Bounds, total: Total, sink: FileSink | undefined): Taker {
  const digest = createHash('sha256');
  let lengthBytes = 0;
  let pairs = 0;
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  return {
    async take(bytes) {
      lengthBytes += bytes.length;
      total.fileBytes += bytes.length;
      if (lengthBytes > bounds.fileBytesMax)
        throw new ExchangeError('edxml-too-large', `a file of more than ${bounds.fileBytesMax} bytes`);
      if (total.fileBytes > bounds.filesBytesMax)
        throw new ExchangeError(
          'edxml-too-large',
          `files of more than ${bounds.filesBytesMax} bytes together`,
        );
      digest.update(bytes);
      if (head.length < HEAD) head = Buffer.concat([head, bytes.subarray(0, HEAD - head.length)]);
      for (let at = bytes.indexOf(replacementPair); at >= 0 && pairs < 16; pairs += 1)
        at = bytes.indexOf(replacementPair, at + replacementPair.length);
      tail =
        bytes.length >= TAIL
          ? Buffer.from(bytes.subarray(-TAIL))
          : Buffer.concat([tail, bytes]).subarray(-TAIL);
      await sink?.write(bytes);
    },
    facts() {
      const type = sniffType(head);
      const damage = damageOf(type.mediaType, { head, tail, replacementPairs: pairs });
      return { lengthBytes, sha256: digest.digest('hex'), type, damage };
    },
  };
}

const ending = (name: string) => /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
const zipEndings = /^(zip|docx|docm|dotx|xlsx|xlsm|pptx|ppsx|odt|ods|odp|odg|jar|epub|kmz|apk|vsdx)$/;
const uuidName = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.|$)/i;

/** Is this ZIP the kit's wrapper (one member "<uuid>.<ext>"), and not a file that is itself a ZIP? `name` is the attachment's. */
export function isWrapper(member: string, name: string): boolean {
  if (uuidName.test(member)) return true;
  if (member === 'mimetype' || member === '[Content_Types].xml' || member.includes('/')) return false;
  return ending(member) === ending(name) || !zipEndings.test(ending(name));
}

export type PayloadReader = {
  /** Text as it stands between the tags. Codes: edxml-attachment-damaged, edxml-zip-refused, edxml-too-large. */
  push(text: Uint8Array): Promise<void>;
  end(): Promise<FileFacts>;
  close(): void;
};

export type PayloadOptions = {
  /** Of the attachment, as far as it is known when the text begins. */
  readonly name: string;
  readonly bounds: Bounds;
  readonly total: Total;
  readonly sink: FileSink | undefined;
};

export function createPayloadReader({ name, bounds, total, sink }: PayloadOptions): PayloadReader {
  const base64 = createBase64();
  const taker = createTaker(bounds, total, sink);
  let waiting: Buffer = Buffer.alloc(0);
  let mode: 'unknown' | 'raw' | 'zip' = 'unknown';
  let unzipper: Unzipper | undefined;
  let header: LocalHeader | undefined;

  /** Decides once enough bytes are there; `last`: no more will come. */
  const decide = async (last: boolean): Promise<void> => {
    const magic = Buffer.from('PK\x03\x04', 'latin1');
    const looksZip = waiting.subarray(0, 4).equals(magic.subarray(0, waiting.length)) && waiting.length > 0;
    if (looksZip && waiting.length >= 4) header = localHeader(waiting);
    if (looksZip && !header && !last) return;
    if (looksZip && !header) throw zipDamaged('cut off in its first header');
    if (waiting.subarray(0, 4).toString('latin1') === 'PK\x05\x06') throw zipRefused('no member');
    if (!looksZip && waiting.length < 4 && !last) return;
    mode = header && isWrapper(header.member, name) ? 'zip' : 'raw';
    const bytes = waiting;
    waiting = Buffer.alloc(0);
    if (mode === 'raw') return void (bytes.length > 0 && (await taker.take(bytes)));
    unzipper = createUnzipper(header!, bounds, taker.take);
    await unzipper.push(bytes.subarray(header!.headerBytes));
  };

  return {
    async push(text) {
      const bytes = base64.push(text);
      if (bytes.length === 0) return;
      if (mode === 'raw') return await taker.take(bytes);
      if (mode === 'zip') return await unzipper!.push(bytes);
      waiting = Buffer.concat([waiting, bytes]);
      await decide(false);
    },
    async end() {
      base64.end();
      if (mode === 'unknown') await decide(true);
      await unzipper?.end();
      return {
        encoding: mode === 'zip' ? 'zip' : 'raw',
        member: mode === 'zip' ? header!.member : '',
        ...taker.facts(),
      };
    },
    close: () => unzipper?.close(),
  };
}

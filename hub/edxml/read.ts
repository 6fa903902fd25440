// The bytes of an edXML message → its meaning, its files, and what was tolerated; the only way in. Constant memory whatever the files weigh.
// It must never open a file or a connection, follow a reference or keep a byte; the caller keeps the received bytes as evidence, whose
// length and digest are counted here. First step of a document that comes from the axis.
import { createHash } from 'node:crypto';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { type Bounds, bounds as standardBounds } from './bounds.ts';
import { assertDeclared, type Charset, charsetOf, createConverter, HEAD_BYTES } from './charset.ts';
import type { Reading } from './group.ts';
import { interpret } from './interpret.ts';
import type { EdxmlMessage, Extra, Warning, WarningCode } from './model.ts';
import {
  createPayloadReader,
  type FileFacts,
  type FileSink,
  type PayloadReader,
  type Total,
} from './payload.ts';
import { createScanner, cutElement, type Segment } from './scan.ts';
import { createXmlReader, type Element, elementsOf, textOf, type XmlReader } from './xml.ts';

export type { FileFacts, FileSink } from './payload.ts';

export type ReadOptions = {
  /** Asked when the text of an attachment begins; `index` counts in the order of the bytes. Without it files are only judged. */
  readonly sink?: (
    index: number,
    about: { readonly contentId: string; readonly name: string },
  ) => FileSink | undefined;
  /** For tests. */
  readonly bounds?: Partial<Bounds>;
  /** SHA-256 of the whole message as the transport stated it, in hex; also in the form of the VXP kit, without leading zeros of bytes. */
  readonly sha256?: string;
};
export type EdxmlRead = {
  readonly message: EdxmlMessage;
  /** One per attachment of the message, same order. `index` is that which the sink was asked with. */
  readonly files: readonly (FileFacts & { readonly index: number })[];
  readonly warnings: readonly Warning[];
  readonly evidence: { readonly lengthBytes: number; readonly sha256: string; readonly charset: Charset };
};

/** Of an ExchangeError thrown here after the XML proved well-formed: the elements and texts seen, so that a reader can tell what the file is. */
export type Outline = {
  readonly root: string;
  readonly texts: readonly { readonly path: string; readonly text: string }[];
};
const outlines = new WeakMap<ExchangeError, Outline>();
export const outlineOf = (error: ExchangeError): Outline | undefined => outlines.get(error);

/**
 * Codes: edxml-* of the catalogue but -field-refused, -not-carried and -document-unknown. Sinks of a refused message are aborted; those
 * of a good one have ended.
 */
export async function readEdxml(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ReadOptions = {},
): Promise<EdxmlRead> {
  const bounds: Bounds = { ...standardBounds, ...options.bounds };
  const reader = createMessageReader(bounds, options);
  const digest = createHash('sha256');
  let lengthBytes = 0;
  try {
    for await (const piece of source) {
      digest.update(piece);
      lengthBytes += piece.length;
      await reader.push(piece);
    }
    const evidence = { lengthBytes, sha256: digest.digest('hex') };
    assertStated(options.sha256, evidence.sha256);
    return await reader.end(evidence);
  } catch (error) {
    reader.abort();
    throw error;
  }
}

/** The VXP kit writes each byte of hash-file in hex without its leading zero (VN-DOMAIN §2.2). */
export const kitHex = (sha256: string): string => sha256.replace(/0([0-9a-f])|([0-9a-f]{2})/g, '$1$2');

function assertStated(stated: string | undefined, sha256: string): void {
  if (stated === undefined) return;
  const said = stated.trim().toLowerCase();
  if (said !== sha256 && said !== kitHex(sha256))
    throw new ExchangeError('edxml-digest-mismatch', `the message has SHA-256 ${sha256}`);
}

type MessageReader = {
  push(bytes: Uint8Array): Promise<void>;
  end(evidence: { readonly lengthBytes: number; readonly sha256: string }): Promise<EdxmlRead>;
  abort(): void;
};

function createMessageReader(bounds: Bounds, options: ReadOptions): MessageReader {
  let head: Buffer = Buffer.alloc(0);
  let charset: Charset | undefined;
  let converter = createConverter('utf-8');
  const scanner = createScanner(bounds);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const files = createFiles(bounds, options);
  const { reading, warnings } = createReading(bounds);
  const xml = createXmlReader(bounds, {
    onDeclaration: (encoding) => assertDeclared(encoding, charset ?? 'utf-8'),
    onRoot: (root) => lookAtRoot(root, reading),
  });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw new ExchangeError('edxml-charset-refused', 'bytes that are not UTF-8', { cause });
    }
  };
  const step = async (segment: Segment): Promise<void> => {
    if (segment.what === 'xml') xml.write(decode(segment.bytes));
    else if (segment.what === 'payload-begins') files.begin(xml);
    else if (segment.what === 'payload') await files.push(segment.bytes);
    else await files.finish();
  };
  const scan = async (bytes: Uint8Array): Promise<void> => {
    for (const segment of scanner.push(converter.push(bytes))) await step(segment);
  };
  const begin = async (): Promise<void> => {
    const found = charsetOf(head);
    charset = found.charset;
    converter = createConverter(charset);
    await scan(head.subarray(found.skip));
    head = Buffer.alloc(0);
  };

  return {
    async push(bytes) {
      if (charset) return await scan(bytes);
      head = Buffer.concat([head, bytes]);
      if (head.length >= HEAD_BYTES) await begin();
    },
    async end(evidence) {
      if (!charset) await begin();
      converter.end();
      xml.write(decode());
      const root = xml.close();
      try {
        const { message, cuts } = interpret(root, reading, warnings);
        const ordered = cuts.map((index) => ({ ...files.facts[index]!, index }));
        if (files.facts.length !== ordered.length)
          throw new ExchangeError('edxml-malformed', 'attachments where the message has no place for them');
        if (message.what === 'document') adviceOnFiles(message.attachments, ordered, reading);
        await files.close();
        return { message, files: ordered, warnings, evidence: { ...evidence, charset: charset! } };
      } catch (error) {
        if (isExchangeError(error)) outlines.set(error, outline(root));
        throw error;
      }
    },
    abort: () => files.abort(),
  };
}

function createReading(bounds: Bounds): { readonly reading: Reading; readonly warnings: Warning[] } {
  const warnings: Warning[] = [];
  const extras: Extra[] = [];
  const warn = (code: WarningCode, at: string, en: string, vi: string): void => {
    if (warnings.length < bounds.warningsMax) warnings.push({ code, at, en, vi });
    if (warnings.length === bounds.warningsMax)
      warnings[bounds.warningsMax - 1] = {
        code: 'more-warnings',
        at: '',
        en: 'more are not shown',
        vi: 'còn nữa',
      };
  };
  return { reading: { extras, warn }, warnings };
}

const oldNamespaces = /inetcloud\.vn\/ns\/edxml|e-doc\.vn\/Schema/i;
/** Before the rest is read: a message of the older generation says so in its first tags. */
function lookAtRoot(root: Element, reading: Reading): void {
  if (
    oldNamespaces.test(root.uri ?? '') ||
    /schemas\.xmlsoap\.org\/soap\/envelope|soap-envelope/.test(root.uri ?? '')
  )
    throw new ExchangeError(
      'edxml-generation-2803',
      `root element ${root.local} in ${(root.uri ?? '').slice(0, 80)}`,
    );
  if (root.uri === undefined)
    reading.warn(
      'prefix-unbound',
      root.local,
      `the prefix ${root.prefix} is not declared`,
      'tiền tố không khai báo',
    );
  else if (!/QCVN_102/i.test(root.uri))
    reading.warn(
      'namespace',
      root.local,
      'not the namespace of QCVN 102',
      'không đúng không gian tên QCVN 102',
    );
}

type Files = {
  readonly facts: readonly FileFacts[];
  begin(xml: XmlReader): void;
  push(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  close(): Promise<void>;
  abort(): void;
};

function createFiles(bounds: Bounds, options: ReadOptions): Files {
  const facts: FileFacts[] = [];
  const sinks: FileSink[] = [];
  const total: Total = { fileBytes: 0 };
  let current: { readonly reader: PayloadReader; readonly label: string } | undefined;
  /** The reason with the file it is about. */
  const named = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      throw new ExchangeError(error.code, `${current!.label}: ${error.detail}`, { cause: error.cause });
    }
  };
  return {
    facts,
    begin(xml) {
      const index = facts.length;
      const element = xml.open.at(-1)!;
      const parent = xml.open.at(-2);
      if (parent?.local !== 'Attachment')
        throw new ExchangeError('edxml-malformed', `${cutElement} outside an Attachment`);
      if (index >= bounds.attachmentsMax)
        throw new ExchangeError('edxml-too-large', `more than ${bounds.attachmentsMax} attachments`);
      element.cut = index;
      const text = (name: string) => {
        const found = elementsOf(parent).find(({ local }) => local === name);
        return found ? textOf(found).trim() : '';
      };
      const about = { contentId: text('ContentId').replace(/^cid:/i, ''), name: text('AttachmentName') };
      const sink = options.sink?.(index, about);
      if (sink) sinks.push(sink);
      const label = `attachment ${index + 1}${about.contentId === '' ? '' : ` (${about.contentId.slice(0, 60)})`}`;
      current = { reader: createPayloadReader({ name: about.name, bounds, total, sink }), label };
    },
    push: async (bytes) => await named(current!.reader.push(bytes)),
    async finish() {
      const found = await named(current!.reader.end());
      current!.reader.close();
      if (found.lengthBytes === 0 && found.encoding === 'raw')
        throw new ExchangeError('edxml-attachment-missing', `${current!.label} has no content`);
      if (found.damage !== undefined)
        throw new ExchangeError('edxml-attachment-damaged', `${current!.label}: ${found.damage}`);
      facts.push(found);
      current = undefined;
    },
    async close() {
      for (const sink of sinks) await sink.end?.();
    },
    abort() {
      current?.reader.close();
      for (const sink of sinks) sink.abort?.();
    },
  };
}

function adviceOnFiles(
  attachments: readonly { readonly contentId: string; readonly name: string; readonly mediaType: string }[],
  files: readonly FileFacts[],
  reading: Reading,
): void {
  for (const [i, { contentId, name }] of attachments.entries()) {
    const { type, encoding, lengthBytes } = files[i]!;
    const ending = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
    if (encoding === 'raw')
      reading.warn('not-zipped', contentId, 'carried without a ZIP around it', 'tệp không nén ZIP');
    if (lengthBytes === 0) reading.warn('empty-file', contentId, 'the file has 0 bytes', 'tệp rỗng');
    if (type.dangerous)
      reading.warn(
        'type-dangerous',
        contentId,
        `runs as a program (${type.mediaType})`,
        'tệp có thể chạy như chương trình',
      );
    if (type.endings.length > 0 && ending !== '' && !type.endings.includes(ending))
      reading.warn(
        'type-differs',
        contentId,
        `the name says .${ending.slice(0, 10)}, the content is ${type.mediaType}`,
        'nội dung khác đuôi tệp',
      );
  }
}

function outline(root: Element): Outline {
  const texts: { path: string; text: string }[] = [];
  const walk = (element: Element, path: string): void => {
    const text = textOf(element).trim();
    if (text !== '' && texts.length < 20) texts.push({ path, text: text.slice(0, 200) });
    for (const child of elementsOf(element)) walk(child, `${path}/${child.local.slice(0, 60)}`);
  };
  walk(root, root.local.slice(0, 60));
  return { root: root.local.slice(0, 60), texts };
}

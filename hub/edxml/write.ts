// A meaning and its files → the bytes of an edXML message, in the one layout that is known to be accepted, streaming. The same input gives
// the same bytes. It judges no lengths and no required fields: what leaves by our own will is judged by map.ts.
import { hash } from 'node:crypto';
import { ExchangeError } from '../../protocol/errors.ts';
import { type Attachment, type EdxmlMessage, qcvnNamespace } from './model.ts';
import { branchText, escapeText, LINE, nodeText } from './serialise.ts';
import { attachmentPath, headerTree } from './tree.ts';
import { zipOne } from './zip.ts';

/** The file of the attachment with this index, from its first byte. Called once for each, in order. */
export type OpenFile = (index: number) => AsyncIterable<Uint8Array>;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** "<uuid>.<ext>": the uuid is the id of the attachment, or one made of it. */
function memberName({ contentId, name }: Attachment): string {
  const made = hash('sha256', contentId, 'hex');
  const id = uuid.test(contentId)
    ? contentId.toLowerCase()
    : `${made.slice(0, 8)}-${made.slice(8, 12)}-${made.slice(12, 16)}-${made.slice(16, 20)}-${made.slice(20, 32)}`;
  const ending = /\.([A-Za-z0-9]{1,10})$/.exec(name)?.[1]?.toLowerCase();
  return ending ? `${id}.${ending}` : `${id}.bin`;
}

/** Codes: edxml-field-refused (a character that XML has no place for), edxml-attachment-repeated, edxml-too-large. */
export async function* writeEdxml(message: EdxmlMessage, open?: OpenFile): AsyncGenerator<Buffer> {
  const attachments = message.what === 'document' ? message.attachments : [];
  const ids = new Set(attachments.map(({ contentId }) => contentId));
  if (ids.size !== attachments.length) throw new ExchangeError('edxml-attachment-repeated', 'when writing');
  yield Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>${LINE}<edXML xmlns="${qcvnNamespace}">${LINE}` +
      branchText(headerTree(message), '  ', true),
  );
  const beside = extrasAt(message, /^AttachmentEncoded/, '    ');
  const block = attachments.length > 0 || beside !== '';
  if (block) yield Buffer.from(`  <AttachmentEncoded>${LINE}`);
  for (const [i, attachment] of attachments.entries()) {
    const at = `Attachment[${i + 1}]`;
    const line = (name: string, text: string) =>
      text === '' ? '' : `      <${name}>${escapeText(text, `${at}/${name}`)}</${name}>${LINE}`;
    yield Buffer.from(
      `    <Attachment>${LINE}${line('ContentId', `cid:${attachment.contentId}`)}${line('AttachmentName', attachment.name)}` +
        `${line('Description', attachment.description)}${line('ContentType', 'application/zip')}` +
        `      <edXML:ContentTransferEncoded xmlns:edXML="${qcvnNamespace}">`,
    );
    if (!open) throw new ExchangeError('edxml-attachment-missing', at);
    yield* base64(zipOne(memberName(attachment), open(i)));
    yield Buffer.from(
      `</edXML:ContentTransferEncoded>${LINE}${extrasAt(message, attachmentPath(attachment.contentId), '      ')}    </Attachment>${LINE}`,
    );
  }
  if (block) yield Buffer.from(`${beside}  </AttachmentEncoded>${LINE}`);
  yield Buffer.from(`${extrasAt(message, /^edxml$/i, '  ')}</edXML>${LINE}`);
}

const extrasAt = (message: EdxmlMessage, path: RegExp | string, indent: string): string =>
  message.extras
    .filter(({ at }) => (typeof path === 'string' ? at === path : path.test(at)))
    .map(({ at, node }) => `${indent}${nodeText(node, at)}${LINE}`)
    .join('');

/** One line, as the Java kit writes it. */
async function* base64(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const piece of bytes) {
    const all = held.length === 0 ? piece : Buffer.concat([held, piece]);
    const whole = all.length - (all.length % 3);
    held = Buffer.from(all.subarray(whole));
    if (whole > 0) yield Buffer.from(all.toString('base64', 0, whole), 'latin1');
  }
  if (held.length > 0) yield Buffer.from(held.toString('base64'), 'latin1');
}

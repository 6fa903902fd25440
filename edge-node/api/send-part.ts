// Sends the bytes of a part: a single Range (RFC 9110 §14), a file name that no receiver's software misreads, never as a page.
// Must never hold more of a part than a few pieces, nor let the declared media type make a browser run it.
// Last step of an arriving document on its way to the office's software.
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import type { EdgeCore, PartView } from '../core.ts';

/** RFC 6266 with RFC 8187: an ASCII form for old software and the exact one. */
export function contentDisposition(name: string): string {
  const ascii = name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replaceAll('đ', 'd')
    .replaceAll('Đ', 'D')
    .replace(/[^A-Za-z0-9 ._()-]/g, '_');
  const exact = encodeURIComponent(name).replace(
    /['()*!]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii || 'part'}"; filename*=UTF-8''${exact}`;
}

/**
 * RFC 9110 §14.1.2: one range of bytes; `to` exclusive. Undefined for no range, another unit or several ranges, which a server may ignore.
 * Throws `range-refused`.
 */
export function parseRange(
  header: string | undefined,
  lengthBytes: number,
): { from: number; to: number } | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec((header ?? '').replace(/ /g, ''));
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [, first, last] = match;
  const suffix = first === '';
  const from = suffix ? Math.max(0, lengthBytes - Number(last)) : Number(first);
  const to = suffix || last === '' ? lengthBytes : Math.min(lengthBytes, Number(last) + 1);
  if (!suffix && last !== '' && Number(last) < Number(first)) return undefined;
  if (from >= lengthBytes || (suffix && Number(last) === 0))
    throw new ExchangeError('range-refused', `the part has ${lengthBytes} bytes`);
  return { from, to };
}

const mediaTypeForm = /^[A-Za-z0-9!#$&^_.+-]{1,63}\/[A-Za-z0-9!#$&^_.+-]{1,63}$/;

export async function sendPart(
  request: FastifyRequest<{ Params: { id: string; index: string } }>,
  reply: FastifyReply,
  { core, direction }: { core: EdgeCore; direction: 'out' | 'in' },
): Promise<FastifyReply> {
  const { id } = request.params;
  const index = Number(request.params.index);
  const view = (await core.show(id, { direction })).parts[index];
  if (!view) throw new ExchangeError('not-found', `part ${index}`);
  const etag = `"${view.sha256Hex}"`;
  reply.header('accept-ranges', 'bytes').header('etag', etag);
  const range = rangeWanted(request, reply, { view, etag });
  const { part, from, to, body } = await core.readPart(id, index, { direction, ...range });
  describe(reply, part);
  reply.header('content-length', to - from);
  if (range) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${part.lengthBytes}`);
  return reply.send(Readable.from(body, { objectMode: false }));
}

function rangeWanted(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { view, etag }: { view: PartView; etag: string },
): { from: number; to: number } | undefined {
  // RFC 9110 §13.1.5: another validator means the whole representation.
  const ifRange = headers['if-range'];
  if (ifRange !== undefined && ifRange !== etag) return undefined;
  try {
    return parseRange(headers.range, view.lengthBytes);
  } catch (error) {
    reply.header('content-range', `bytes */${view.lengthBytes}`);
    throw error;
  }
}

function describe(reply: FastifyReply, part: PartView): void {
  reply
    .header('content-type', mediaTypeForm.test(part.mediaType) ? part.mediaType : 'application/octet-stream')
    .header('content-disposition', contentDisposition(part.name))
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('cache-control', 'private, no-cache');
}

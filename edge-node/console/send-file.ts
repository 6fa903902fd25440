// A file that the console made, as a download under its name. Never shown by the browser as a page.
import type { FastifyReply } from 'fastify';
import type { SheetFile } from '../office/core.ts';

export function sendFile(reply: FastifyReply, { name, mediaType, bytes }: SheetFile): FastifyReply {
  return reply
    .header('content-type', mediaType)
    .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
    .send(Buffer.from(bytes));
}

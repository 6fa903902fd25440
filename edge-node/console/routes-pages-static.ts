// The console's own pages from memory. Every address that is no file is the one page: which screen it shows is the page's matter. Nothing from
// disk is served by name.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Asset, Bundle } from './bundle.ts';

const yearSeconds = 31_536_000;

function send(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  reply
    .header('cache-control', asset.immutable ? `public, max-age=${yearSeconds}, immutable` : 'no-cache')
    .header('etag', asset.etag)
    .header('vary', 'accept-encoding')
    .type(asset.type);
  if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
  const accepted = String(request.headers['accept-encoding'] ?? '');
  if (asset.brotli && /\bbr\b/.test(accepted))
    return reply.header('content-encoding', 'br').send(asset.brotli);
  if (asset.gzip && /\bgzip\b/.test(accepted))
    return reply.header('content-encoding', 'gzip').send(asset.gzip);
  return reply.send(asset.bytes);
}

/** First segments of the addresses that the pages know (ui/router.ts). */
const screens = [
  '',
  'den',
  'di',
  'soan',
  'du-thao',
  'so',
  'theo-doi',
  'thong-ke',
  'thuc-hanh',
  'giu-lai',
  'danh-ba',
  'he-thong',
  'tai-khoan',
  'dang-nhap',
  'tro-giup',
];

export function staticRoutes(app: FastifyInstance, bundle: Bundle): void {
  const config = { act: 'open' } as const;
  const index = bundle.get('/index.html')!;
  for (const [path, asset] of bundle)
    if (path !== '/index.html')
      app.get(path, { config }, async (request, reply) => send(request, reply, asset));
  for (const screen of screens) {
    app.get(`/${screen}`, { config }, async (request, reply) => send(request, reply, index));
    if (screen !== '')
      app.get(`/${screen}/*`, { config }, async (request, reply) => send(request, reply, index));
  }
}

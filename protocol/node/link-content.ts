// Uploads and downloads of parts over the exchange's HTTP, on top of the request function of http-client.ts. Must never believe an
// answer that does not fit its question: `hub-answer-malformed`. Repeats nothing; transfer.ts does.
// Headers follow draft-ietf-httpbis-resumable-upload (Upload-Offset, Upload-Complete) and RFC 9110 §14 (Range).
import { Readable } from 'node:stream';
import { partialUploadType, paths } from '../api.ts';
import { chunkCount, hashBytes } from '../chunks.ts';
import { ExchangeError } from '../errors.ts';
import { parseUploadId } from '../ids.ts';
import { limits } from '../limits.ts';
import { type ClientAnswer, clientFailure, type HttpClient, readBounded } from './http-client.ts';
import type { DownloadLink, UploadLink, UploadState } from './transfer.ts';

/** Silence of the hub while it compares a large partial with its hashes after a restart: about 30 s for 64 GiB. */
const locateTimeoutMs = 120_000;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const malformed = (detail: string): ExchangeError => new ExchangeError('hub-answer-malformed', detail);

/** Reads to the end, so that the connection is free again. */
async function emptied(answer: ClientAnswer): Promise<ClientAnswer> {
  await readBounded(answer.body, 4096);
  return answer;
}

function uploadState(answer: ClientAnswer): UploadState {
  const offset = answer.headers['upload-offset'] ?? '';
  const complete = answer.headers['upload-complete'] ?? '';
  if (!/^\d{1,15}$/.test(offset) || !/^\?[01]$/.test(complete))
    throw malformed('Upload-Offset, Upload-Complete');
  return { offsetBytes: Number(offset), complete: complete === '?1' };
}

/** `request` is that of an HttpClient of this hub; headers of the session (instance) are its caller's to add. */
export function uploadLink(request: HttpClient['request']): UploadLink {
  const pathOf = (uploadId: string): string => `${paths.uploads}/${parseUploadId(uploadId)}`;
  return {
    async create({ unit, lengthBytes, sha256, treeRoot, leaves }) {
      const digests = { sha256: base64(sha256), treeRoot: base64(treeRoot), leaves: base64(leaves) };
      const answer = await request({
        method: 'POST',
        path: paths.uploads,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ unit, lengthBytes, ...digests }),
      });
      await emptied(answer);
      const uploadId = answer.headers.location?.split('/').at(-1);
      return { uploadId: parseUploadId(uploadId), ...uploadState(answer) };
    },
    async offset(uploadId) {
      const path = pathOf(uploadId);
      // Not HEAD: a refusal must carry its problem document, or `upload-unknown` looks like a page of some box.
      const answer = await request({ method: 'GET', path, headersTimeoutMs: locateTimeoutMs });
      return uploadState(await emptied(answer));
    },
    async append(uploadId, { offsetBytes, lengthBytes, complete, body, signal }) {
      const answer = await request({
        method: 'PATCH',
        path: pathOf(uploadId),
        headers: {
          'content-type': partialUploadType,
          'content-length': String(lengthBytes),
          'upload-offset': String(offsetBytes),
          'upload-complete': complete ? '?1' : '?0',
        },
        // In pieces, since the client's clock for the answer starts anew with each piece that the line takes.
        body: body instanceof Uint8Array ? body : Readable.from(body, { objectMode: false }),
        ...(signal === undefined ? {} : { signal }),
        ...(complete ? { headersTimeoutMs: locateTimeoutMs } : {}),
      });
      return uploadState(await emptied(answer));
    },
  };
}

export function downloadLink(request: HttpClient['request']): DownloadLink {
  const pathOf = (deliveryId: string, part: number): string =>
    `${paths.deliveries}/${encodeURIComponent(deliveryId)}/parts/${part}`;
  return {
    async leaves(deliveryId, part, signal) {
      const path = `${pathOf(deliveryId, part)}/leaves`;
      const answer = await request({ method: 'GET', path, ...(signal ? { signal } : {}) });
      return readBounded(answer.body, chunkCount(limits.partBytesMax) * hashBytes);
    },
    async range(deliveryId, part, { from, to, signal }) {
      const answer = await request({
        method: 'GET',
        path: pathOf(deliveryId, part),
        headers: { range: `bytes=${from}-${to - 1}` },
        ...(signal === undefined ? {} : { signal }),
      });
      const said = answer.headers['content-range'] ?? '';
      if (answer.status !== 206 || !said.startsWith(`bytes ${from}-${to - 1}/`)) {
        answer.body.destroy();
        throw malformed(`status ${answer.status}, Content-Range ${said.slice(0, 60)}`);
      }
      return bodyOf(answer.body);
    },
  };
}

async function* bodyOf(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw clientFailure(error);
  }
}

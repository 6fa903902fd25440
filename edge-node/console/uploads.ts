// Files on their way from a browser: appended piece by piece in DIR/uploads, so that a broken line costs one piece, then given to the content
// store as one. With encryption at rest each piece is sealed as it comes (at-rest/sealed-log.ts). Must never acknowledge an offset that is not on disk, nor let one person write to the upload of another.
// Before EdgeCore.addContent on a document's path.

import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import { ExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { KeyStore } from '../../protocol/node/at-rest/key-store.ts';
import { sealedEnding } from '../../protocol/node/at-rest/sealed-file.ts';
import {
  appendLog,
  createLog,
  type LogEnd,
  logEnd,
  readLog,
} from '../../protocol/node/at-rest/sealed-log.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { isDiskFull } from '../../protocol/node/disk-full.ts';
import { makeDirDurable } from '../../protocol/node/durable.ts';
import type { ContentHandle, EdgeCore } from '../core.ts';
import type { UploadView } from './contract.ts';
import type { Uploads } from './verbs.ts';

/** One request's worth. Larger: more is lost when the line breaks; smaller: more round trips. */
export const pieceBytesMax = 8 * 1024 * 1024;
const idleMs = 3 * 86_400_000;
const openPerPersonMax = 20;
const idForm = /^[0-9a-f]{32}$/;

type Options = {
  readonly dir: string;
  /** Encryption at rest. */
  readonly keys: KeyStore | undefined;
  readonly clock: Clock;
  readonly addContent: EdgeCore['addContent'];
  /** Throws `disk-nearly-full` when so many bytes more do not fit. */
  readonly assertRoom: (bytes: number) => void;
};

/** The file's name carries what it is bound to, so that a restart needs no other record: person, length, id. */
const nameOf = (person: number, lengthBytes: number, id: string) => `${person}-${lengthBytes}-${id}`;

export async function openUploads({ dir, keys, clock, addContent, assertRoom }: Options): Promise<Uploads> {
  const folder = join(dir, 'uploads');
  makeDirDurable(folder);
  const busy = new Set<string>();
  /** Of sealed files, as last seen. */
  const ends = new Map<string, LogEnd>();

  async function find(
    person: number,
    id: string,
  ): Promise<{ path: string; name: string; lengthBytes: number }> {
    const name = idForm.test(id)
      ? (await fsp.readdir(folder)).find(
          (each) =>
            each.startsWith(`${person}-`) &&
            (each.endsWith(`-${id}`) || each.endsWith(`-${id}${sealedEnding}`)),
        )
      : undefined;
    if (name === undefined) throw new ExchangeError('upload-unknown');
    return { path: join(folder, name), name, lengthBytes: Number(name.split('-')[1]) };
  }
  const isSealed = (path: string): boolean => path.endsWith(sealedEnding);
  const sizeOf = async (path: string): Promise<number> => {
    if (!isSealed(path)) return (await fsp.stat(path)).size;
    const end = await logEnd(path, ends.get(path));
    ends.set(path, end);
    return end.offset;
  };
  const drop = async (path: string): Promise<void> => {
    ends.delete(path);
    await fsp.rm(path, { force: true });
  };
  const openEnd = async (path: string) =>
    isSealed(path) ? await appendLog(path, keys, ends.get(path)) : await fsp.open(path, 'a');

  async function alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    if (busy.has(id)) throw new ExchangeError('rate-limited', 'upload', { retryAfterMs: 500 });
    busy.add(id);
    try {
      return await work();
    } catch (error) {
      if (isDiskFull(error)) throw new ExchangeError('disk-nearly-full', '', { cause: error });
      throw error;
    } finally {
      busy.delete(id);
    }
  }

  async function sweep(): Promise<void> {
    for (const name of await fsp.readdir(folder)) {
      const path = join(folder, name);
      const stat = await fsp.stat(path).catch(() => undefined);
      if (stat && clock.nowMs() - stat.mtimeMs > idleMs) await drop(path);
    }
  }

  return {
    /** Codes: `file-empty`, `part-too-large`, `disk-nearly-full`, `rate-limited` (too many that were not finished). */
    async begin(person: number, lengthBytes: number): Promise<UploadView> {
      if (lengthBytes === 0) throw new ExchangeError('file-empty');
      if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0)
        throw new ExchangeError('request-malformed', 'lengthBytes');
      if (lengthBytes > limits.partBytesMax) throw new ExchangeError('part-too-large');
      // Here and once more in the content store, until it is whole: better told now than after an hour.
      assertRoom(2 * lengthBytes);
      await sweep();
      const mine = (await fsp.readdir(folder)).filter((name) => name.startsWith(`${person}-`));
      if (mine.length >= openPerPersonMax)
        throw new ExchangeError('rate-limited', 'quá nhiều tệp đang tải dở', { retryAfterMs: 60_000 });
      const upload = randomBytes(16).toString('hex');
      await alone(upload, async () => {
        const path = join(folder, nameOf(person, lengthBytes, upload));
        if (keys) await createLog(`${path}${sealedEnding}`, keys);
        else await (await fsp.open(path, 'wx', 0o600)).close();
      });
      return { upload, offsetBytes: 0, lengthBytes };
    },
    async look(person: number, upload: string): Promise<UploadView> {
      const { path, lengthBytes } = await find(person, upload);
      return { upload, offsetBytes: await sizeOf(path), lengthBytes };
    },
    /** From exactly the offset reached (`upload-offset-wrong` otherwise: ask `look`). What arrived before a cut is kept. */
    async append(
      person: number,
      piece: {
        readonly upload: string;
        readonly offsetBytes: number;
        readonly body: AsyncIterable<Uint8Array>;
      },
    ): Promise<UploadView> {
      const { upload, body } = piece;
      const { path, lengthBytes } = await find(person, upload);
      return await alone(upload, async () => {
        let offsetBytes = await sizeOf(path);
        if (piece.offsetBytes !== offsetBytes)
          throw new ExchangeError('upload-offset-wrong', `at ${offsetBytes}`);
        const file = await openEnd(path);
        try {
          for await (const bytes of body) {
            if (offsetBytes + bytes.length > lengthBytes)
              throw new ExchangeError('part-too-large', 'more than announced');
            await file.write(bytes);
            offsetBytes += bytes.length;
          }
          await file.datasync();
        } finally {
          await file.close();
        }
        return { upload, offsetBytes, lengthBytes };
      });
    },
    /** Hands the whole file to the content store; durable on return, the piecemeal file is gone. */
    async finish(person: number, upload: string, unit: string): Promise<ContentHandle> {
      const { path, lengthBytes } = await find(person, upload);
      return await alone(upload, async () => {
        const offsetBytes = await sizeOf(path);
        if (offsetBytes !== lengthBytes) throw new ExchangeError('upload-offset-wrong', `at ${offsetBytes}`);
        const handle = await addContent(isSealed(path) ? readLog(path, keys) : createReadStream(path), {
          unit,
        });
        await drop(path);
        return handle;
      });
    },
  };
}

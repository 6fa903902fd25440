// Brings a file to the node piece by piece. When the line breaks it asks how far the node has it on disk and goes on from there.
import type { DraftPart, UploadView } from '../contract.ts';
import { get, Problem, type ProblemBody, patchBytes, post } from './api.ts';

const pieceBytes = 4 * 1024 * 1024;
const retryMs = 2_500;

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** The same file chosen again after the browser fell over goes on where the node has it. */
const keyOf = ({ name, size, lastModified }: File): string =>
  `lienthong-upload ${name} ${size} ${lastModified}`;

async function resumed(file: File): Promise<UploadView> {
  const known = localStorage.getItem(keyOf(file));
  if (known) {
    try {
      const view = await get<UploadView>(`/uploads/${known}`);
      if (view.lengthBytes === file.size) return view;
    } catch (error) {
      // Finished, swept, or another person's: begun anew.
      if (!(error instanceof Problem && error.body.code === 'upload-unknown')) throw error;
    }
  }
  const view = await post<UploadView>('/uploads', { lengthBytes: file.size });
  localStorage.setItem(keyOf(file), view.upload);
  return view;
}

export type UploadProgress = {
  readonly doneBytes: number;
  /** Why it waits. */
  readonly paused?: ProblemBody;
};

const mayHeal = (error: unknown): error is Problem =>
  error instanceof Problem &&
  (error.body.retry === 'later' ||
    error.body.code === 'session-ended' ||
    error.body.code === 'upload-offset-wrong');

const isFull = ({ body }: Problem): boolean => body.code === 'disk-nearly-full';

/** Throws Problem for what does not heal by itself: an empty file, a full disk, one that is too large. */
export async function uploadFile(
  file: File,
  onProgress: (progress: UploadProgress) => void,
  signal: AbortSignal,
): Promise<DraftPart> {
  const again = async <T>(act: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (signal.aborted || !mayHeal(error) || (!begins && isFull(error))) throw error;
        onProgress({ doneBytes: at, paused: error.body });
        await wait(retryMs, signal);
      }
    }
  };
  let at = 0;
  /** A file for which there is no room is not begun; one that has begun waits for room. */
  let begins = false;
  const begun = await again(() => resumed(file));
  begins = true;
  const { upload } = begun;
  at = begun.offsetBytes;
  while (at < file.size) {
    signal.throwIfAborted();
    onProgress({ doneBytes: at });
    const view = await again(async () => {
      try {
        return await patchBytes<UploadView>(
          `/uploads/${upload}?offset=${at}`,
          file.slice(at, at + pieceBytes),
          signal,
        );
      } catch (error) {
        // The piece may have arrived although its answer did not.
        if (mayHeal(error)) at = (await get<UploadView>(`/uploads/${upload}`)).offsetBytes;
        throw error;
      }
    });
    at = view.offsetBytes;
  }
  onProgress({ doneBytes: file.size });
  const kept = await again(() =>
    post<{ handle: string; lengthBytes: number; sha256Hex: string }>(`/uploads/${upload}/finish`),
  );
  localStorage.removeItem(keyOf(file));
  return {
    handle: kept.handle,
    name: file.name.normalize('NFC'),
    mediaType: /^[\w!#$&^.+-]{1,63}\/[\w!#$&^.+-]{1,63}$/.test(file.type)
      ? file.type
      : 'application/octet-stream',
    lengthBytes: kept.lengthBytes,
    sha256Hex: kept.sha256Hex,
  };
}

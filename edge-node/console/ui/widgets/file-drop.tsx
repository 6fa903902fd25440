// Files of a draft: dropped or chosen, brought up with progress, shown in their order (the main document first). A file that fails says why.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DraftPart } from '../../contract.ts';
import { type ProblemBody, problemOf } from '../api.ts';
import { bytesText } from '../format.ts';
import { type UploadProgress, uploadFile } from '../upload.ts';
import { words } from '../words.ts';
import { ProblemNotice, Tag } from './basics.tsx';
import { type Looks, PartSaid } from './suggestions.tsx';

const w = words.compose;
type Running = {
  readonly id: number;
  readonly name: string;
  readonly lengthBytes: number;
  readonly progress: UploadProgress;
  readonly stop: () => void;
};
type Props = {
  readonly looks: Looks;
  readonly parts: readonly DraftPart[];
  readonly onPart: (part: DraftPart) => void;
  readonly onRemove: (handle: string) => void;
};

let lastId = 0;

const whyPaused = ({ code, titleVi }: ProblemBody): string => (code === 'disk-nearly-full' ? titleVi : '');

/** What the node would refuse is told before a byte goes up. */
function unfitOf({ name, size }: File): ProblemBody | undefined {
  if (size === 0)
    return { code: 'file-empty', titleVi: w.emptyFile(name), remedyVi: w.emptyFileHow, retry: 'never' };
  return undefined;
}

export function FileDrop({ looks, parts, onPart, onRemove }: Props) {
  const [running, setRunning] = useState<readonly Running[]>([]);
  const [problem, setProblem] = useState<ProblemBody>();
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);

  async function bring(files: readonly File[]): Promise<void> {
    setProblem(undefined);
    for (const file of files) {
      const unfit = unfitOf(file);
      if (unfit) {
        setProblem(unfit);
        continue;
      }
      lastId += 1;
      const id = lastId;
      const own = new AbortController();
      const { signal } = own;
      gone.current.signal.addEventListener('abort', () => own.abort(), { once: true });
      const row = (progress: UploadProgress) => ({
        id,
        name: file.name,
        lengthBytes: file.size,
        progress,
        stop: () => own.abort(),
      });
      setRunning((before) => [...before, row({ doneBytes: 0 })]);
      try {
        const onProgress = (progress: UploadProgress) =>
          setRunning((before) => before.map((each) => (each.id === id ? row(progress) : each)));
        onPart(await uploadFile(file, onProgress, signal));
      } catch (error) {
        if (!signal.aborted) setProblem(problemOf(error));
      }
      setRunning((before) => before.filter((each) => each.id !== id));
    }
  }

  return (
    <>
      <ProblemNotice problem={problem} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the button beside it is the one for the keyboard. */}
      <div
        class={`drop ${over ? 'over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void bring([...(event.dataTransfer?.files ?? [])]);
        }}
      >
        {w.filesHow}{' '}
        <button type="button" onClick={() => input.current?.click()}>
          {w.choose}
        </button>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label={w.choose}
          onChange={(event) => {
            void bring([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = '';
          }}
        />
      </div>
      <ul class="files">
        {parts.map((part, i) => (
          <li key={part.handle}>
            <Tag>{i === 0 ? w.main : w.attachment}</Tag>
            <span class="name">{part.name}</span>
            {!part.name.toLowerCase().endsWith('.pdf') && <span class="muted">{w.notPdf}</span>}
            <span class="muted number">{bytesText(part.lengthBytes)}</span>
            <button
              type="button"
              class="plain"
              aria-label={w.removeFile(part.name)}
              onClick={() => {
                setProblem(undefined);
                onRemove(part.handle);
              }}
            >
              ✕
            </button>
            <div class="under">
              <PartSaid look={looks.get(part.handle)} />
            </div>
          </li>
        ))}
        {running.map(({ id, name, lengthBytes, progress, stop }) => {
          const percent = Math.floor((100 * progress.doneBytes) / Math.max(1, lengthBytes));
          return (
            <li key={`up-${id}`}>
              <span class="name">{name}</span>
              <progress max={100} value={percent} aria-label={name} />
              <span class="muted number">
                {progress.paused ? w.paused(whyPaused(progress.paused)) : w.uploading(percent)}
              </span>
              <button type="button" class="plain" aria-label={w.stopUpload(name)} onClick={stop}>
                ✕
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

// Hands files to the inspection process, one after the other, and owns it: started when there is work, ended when idle, killed and started anew
// when a file takes too long or too much memory. The queue is bounded. An answer always comes; at worst it says that the file could not
// be looked at. Used by the checks of the node (both directions) and of the hub, and by `policy check`.
import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { bareReport } from '../pdf/report.ts';
import type { Inspection, InspectionQuestion } from './inspection.ts';

/** `key`: the file is sealed at rest. It reaches the child over its stdin and nowhere else. */
export type FileContent =
  | { readonly bytes: Uint8Array }
  | { readonly file: string; readonly key?: Uint8Array };
export type ChildQuestion = InspectionQuestion & {
  readonly content: { readonly base64: string } | { readonly file: string; readonly key?: string };
  readonly anchorsDir?: string | undefined;
  readonly anchorsStamp: string;
};
export type Inspector = {
  /** Throws `overloaded` when the queue is full, `shutting-down` once it is closed: nothing is said of the file then. */
  inspect(content: FileContent, question: InspectionQuestion): Promise<Inspection>;
  close(): Promise<void>;
};

export type InspectorOptions = {
  readonly clock: Clock;
  /** Certificates that signatures are judged by; absent: none is trusted. */
  readonly anchorsDir?: string | undefined;
  readonly wallMs?: number;
  readonly heapMb?: number;
  readonly queueMax?: number;
};

const PROCESS = fileURLToPath(new URL('./inspect-process.ts', import.meta.url));
/** The same as of a single report: 60 s and 768 MB (certs/pdf/limits.ts). */
const defaults = { wallMs: 60_000, heapMb: 768, queueMax: 256 };
/** After so many files the child is a new one: whatever a reader leaks is gone. */
const filesPerChild = 500;
const idleMs = 20_000;
const answerBytesMax = 32 * 1024 * 1024;

type Said = { readonly inspection?: Inspection; readonly failed?: string };
type Child = { readonly process: ChildProcess; files: number; heard: (said: Said) => void };

const failed = (atMs: number, why: string): Inspection => ({
  mediaType: 'application/octet-stream',
  type: 'unknown',
  findings: [{ code: 'inspection-failed', said: why }],
  pdf: bareReport('unreadable', [why], atMs),
  facts: null,
});

const stopping = () => new ExchangeError('shutting-down', 'inspection', { retryAfterMs: 5_000 });

/** The file was not there any more when it was opened: it may lie elsewhere by now (sealed at rest), so whoever asked asks once more. */
export const wasMoved = ({ findings }: Inspection): boolean =>
  findings.some(({ code, said }) => code === 'inspection-failed' && said === movedSaid);
/** As inspect-process.ts says it. */
const movedSaid = 'file ENOENT';

export function createInspector(options: InspectorOptions): Inspector {
  const { clock, anchorsDir, wallMs, heapMb, queueMax } = { ...defaults, ...options };
  let child: Child | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let closed = false;
  let rested = new AbortController();

  function end(): void {
    child?.process.kill('SIGKILL');
    child = undefined;
  }

  function start(): Child {
    const started = spawn(
      process.execPath,
      [`--max-old-space-size=${heapMb}`, '--disable-warning=ExperimentalWarning', PROCESS],
      { env: {}, stdio: ['pipe', 'pipe', 'ignore'] },
    );
    const made: Child = { process: started, files: 0, heard: () => {} };
    let text = '';
    started.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const at = text.indexOf('\n');
      if (at < 0) {
        if (text.length > answerBytesMax) made.heard({ failed: 'the report is too long' });
        return;
      }
      const line = text.slice(0, at);
      text = text.slice(at + 1);
      try {
        made.heard(JSON.parse(line) as Said);
      } catch {
        made.heard({ failed: 'reader failed' });
      }
    });
    started.stdin.on('error', () => {});
    started.on('error', () => made.heard({ failed: 'the inspection process does not start' }));
    // V8 ends with SIGABRT or SIGTRAP when the heap is full.
    started.on('close', (_code, signal) => {
      // It died while nobody asked: the next file has a new one, instead of waiting for an answer of this.
      if (child === made) child = undefined;
      made.heard({ failed: signal === 'SIGABRT' || signal === 'SIGTRAP' ? 'memory-limit' : 'reader-failed' });
    });
    return made;
  }

  async function ask(question: ChildQuestion): Promise<Inspection> {
    if (child && child.files >= filesPerChild) end();
    child ??= start();
    const mine = child;
    mine.files += 1;
    const over = new AbortController();
    const said = await new Promise<Said>((resolve) => {
      mine.heard = resolve;
      mine.process.stdin?.write(`${JSON.stringify(question)}\n`);
      void clock.sleep(wallMs, over.signal).then(() => resolve({ failed: 'time-limit' }));
    });
    over.abort();
    mine.heard = () => {};
    if (said.inspection) return said.inspection;
    // We ended it ourselves: that says nothing of the file.
    if (closed) throw stopping();
    end();
    return failed(question.atMs, said.failed ?? 'reader-failed');
  }

  /** The child costs some 60 MB: it goes when nobody asked for a while. */
  function rest(): void {
    rested.abort();
    const mine = new AbortController();
    rested = mine;
    void clock.sleep(idleMs, mine.signal).then(() => {
      if (!mine.signal.aborted && waiting === 0) end();
    });
  }

  return {
    async inspect(content, question) {
      if (closed) throw stopping();
      if (waiting >= queueMax)
        throw new ExchangeError('overloaded', 'files wait for inspection', { retryAfterMs: 5_000 });
      waiting += 1;
      const asked: ChildQuestion = {
        name: question.name,
        atMs: question.atMs,
        archive: question.archive,
        pdfVersions: question.pdfVersions,
        content: sayContent(content),
        anchorsDir,
        anchorsStamp: stampOf(anchorsDir),
      };
      const mine = tail.then(() => {
        if (closed) throw stopping();
        return ask(asked);
      });
      tail = mine.catch(() => {});
      try {
        return await mine;
      } finally {
        waiting -= 1;
        rest();
      }
    },
    /** Who waits for a report is told at once. */
    async close() {
      closed = true;
      rested.abort();
      end();
      await tail;
    },
  };
}

const sayContent = (content: FileContent): ChildQuestion['content'] =>
  'bytes' in content
    ? { base64: Buffer.from(content.bytes).toString('base64') }
    : { file: content.file, ...(content.key ? { key: Buffer.from(content.key).toString('hex') } : {}) };

/** Changes when a file is put into the folder or taken out. */
function stampOf(dir: string | undefined): string {
  if (dir === undefined) return '';
  try {
    return String(statSync(dir).mtimeMs);
  } catch {
    return 'missing';
  }
}

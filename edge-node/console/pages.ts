// Pictures and text of the pages of a PDF, made outside of the browser: pdftoppm and pdftotext in processes of their own, with bounds. What a
// stranger sent is never interpreted by the page that holds the clerk's session; scripts, forms and links in it are just not there.
// Must never hold more than one document's bytes per running process. Without the tools the console offers the file itself.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';

export type Pages = {
  /** False: poppler-utils is not installed. */
  available(): Promise<boolean>;
  /** Page count; undefined when it is no readable PDF (damaged, or locked by a password). */
  count(read: () => AsyncIterable<Uint8Array>): Promise<number | undefined>;
  /** PNG of one page, `page` from 1. Codes: `page-unreadable`. */
  picture(read: () => AsyncIterable<Uint8Array>, page: number): Promise<Buffer>;
  /** The text of one page, for screen readers; empty when there is none. */
  words(read: () => AsyncIterable<Uint8Array>, page: number): Promise<string>;
  /** The texts of the first `last` pages by their layout; none when it cannot be read. */
  texts(read: () => AsyncIterable<Uint8Array>, last: number): Promise<readonly string[]>;
};

/** A page of 96 dpi is readable at 1366 pixels; 110 leaves room for 200 % zoom. */
const dpi = 110;
const runMs = 15_000;
const outBytesMax = 12 * 1024 * 1024;
/** What is larger is offered as a file. */
export const pageSourceBytesMax = 64 * 1024 * 1024;
const memoryKiB = 512 * 1024;
const atOnce = 2;

export function createPages(clock: Clock): Pages {
  let running = 0;
  const waiting: (() => void)[] = [];
  let installed: boolean | undefined;

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  }

  async function run(program: string, args: readonly string[], input: AsyncIterable<Uint8Array> | undefined) {
    // ulimit bounds memory and processor time whatever the program does; the arguments never hold a name from outside.
    const child = spawn(
      '/bin/sh',
      ['-c', `ulimit -v ${memoryKiB}; ulimit -t 10; exec "$@"`, 'sh', program, ...args],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
        cwd: '/',
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
      },
    );
    const over = new AbortController();
    void clock.sleep(runMs, over.signal).then(() => {
      if (!over.signal.aborted) child.kill('SIGKILL');
    });
    const ended = new Promise<number>((resolve) => {
      child.once('error', () => resolve(127));
      child.once('close', (code) => resolve(code ?? 1));
    });
    const chunks: Buffer[] = [];
    let length = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > outBytesMax) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    // A program that ends early closes its input: not a failure of ours.
    child.stdin.on('error', () => {});
    if (input) {
      for await (const bytes of input) {
        if (child.exitCode !== null || child.killed) break;
        if (!child.stdin.write(bytes))
          await new Promise((resolve) => {
            child.stdin.once('drain', resolve);
            child.once('close', resolve);
          });
      }
    }
    child.stdin.end();
    const code = await ended;
    over.abort();
    return { code, out: Buffer.concat(chunks) };
  }

  return {
    async available() {
      installed ??= process.platform === 'linux' && (await run('pdftoppm', ['-v'], undefined)).code === 0;
      return installed;
    },
    count: (read) =>
      turn(async () => {
        const { code, out } = await run('pdfinfo', ['-'], read());
        const pages = /^Pages:\s+(\d{1,6})$/m.exec(out.toString('utf8'))?.[1];
        return code === 0 && pages ? Number(pages) : undefined;
      }),
    picture: (read, page) =>
      turn(async () => {
        const only = ['-f', String(page), '-l', String(page)];
        const { code, out } = await run('pdftoppm', ['-png', '-r', String(dpi), ...only, '-'], read());
        if (code !== 0 || out.length === 0) throw new ExchangeError('page-unreadable');
        return out;
      }),
    words: (read, page) =>
      turn(async () => {
        const only = ['-f', String(page), '-l', String(page)];
        const { code, out } = await run('pdftotext', ['-layout', ...only, '-', '-'], read());
        return code === 0 ? out.toString('utf8').slice(0, 20_000) : '';
      }),
    texts: (read, last) =>
      turn(async () => {
        const { code, out } = await run('pdftotext', ['-layout', '-l', String(last), '-', '-'], read());
        // A form feed ends each page.
        return code === 0 ? out.toString('utf8').split('\f').slice(0, -1) : [];
      }),
  };
}

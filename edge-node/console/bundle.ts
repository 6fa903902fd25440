// The built pages of the console: found by the digest of their sources, built when there is none for it, read into memory once. Two programs that
// start together build apart and the first rename wins. Must never serve a path outside of what was built.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { ExchangeError } from '../../protocol/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = fileURLToPath(new URL('./ui', import.meta.url));
const builder = fileURLToPath(new URL('./build.ts', import.meta.url));
const built = join(root, '.built', 'console');

export type Asset = {
  readonly bytes: Buffer;
  readonly brotli: Buffer | undefined;
  readonly gzip: Buffer | undefined;
  readonly type: string;
  readonly etag: string;
  /** The name holds its digest: it never changes. */
  readonly immutable: boolean;
};
export type Bundle = ReadonlyMap<string, Asset>;

function filesOf(folder: string): string[] {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesOf(join(folder, entry.name)) : [join(folder, entry.name)],
    )
    .sort();
}

function digestOfSources(): string {
  const hash = createHash('sha256');
  const others = [
    builder,
    join(root, 'package-lock.json'),
    fileURLToPath(new URL('./contract.ts', import.meta.url)),
  ];
  for (const path of [...filesOf(sources), ...others]) {
    hash.update(`${relative(root, path)}\0`);
    hash.update(fs.readFileSync(path));
  }
  return hash.digest('hex').slice(0, 20);
}

/** The folder of the pages as the sources are now; builds them when it is not there (about a second). Throws `console-not-built`. */
export async function ensureBuilt(): Promise<string> {
  const folder = join(built, digestOfSources());
  if (fs.existsSync(join(folder, 'index.html'))) return folder;
  const temporary = `${folder}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(dirname(folder), { recursive: true });
  } catch (cause) {
    throw new ExchangeError('console-not-built', built, { cause });
  }
  const said = await buildInto(temporary);
  if (said !== undefined) throw new ExchangeError('console-not-built', said);
  try {
    fs.renameSync(temporary, folder);
  } catch (cause) {
    fs.rmSync(temporary, { recursive: true, force: true });
    // Another program was faster.
    if (!fs.existsSync(join(folder, 'index.html')))
      throw new ExchangeError('console-not-built', folder, { cause });
  }
  for (const name of fs.readdirSync(built))
    if (join(built, name) !== folder && !name.endsWith('.tmp'))
      fs.rmSync(join(built, name), { recursive: true, force: true });
  return folder;
}

function buildInto(folder: string): Promise<string | undefined> {
  // Loaders that a test runner put into NODE_OPTIONS are not for the builder.
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, builder, folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: root,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-2_000);
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? undefined : said.trim() || `exit ${code}`));
  });
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  woff2: 'font/woff2',
  woff: 'font/woff',
  svg: 'image/svg+xml',
  png: 'image/png',
  wav: 'audio/wav',
  webmanifest: 'application/manifest+json',
};

/** Quality 9 takes 34 MiB for a moment, the highest peak of a node's start, and makes the pages 2 % smaller. */
const brotliQuality = 6;

/** Path of the address → file, compressed once. Well under a megabyte. */
export async function loadBundle(folder: string): Promise<Bundle> {
  const bundle = new Map<string, Asset>();
  for (const path of filesOf(folder)) {
    const ending = path.slice(path.lastIndexOf('.') + 1);
    const type = types[ending];
    // Old font formats that no browser of the last ten years asks for.
    if (type === undefined || ending === 'woff') continue;
    const bytes = fs.readFileSync(path);
    const compressible = /^(text|image\/svg|application)/.test(type);
    bundle.set(`/${relative(folder, path)}`, {
      bytes,
      brotli: compressible
        ? await promisify(brotliCompress)(bytes, {
            params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality },
          })
        : undefined,
      gzip: compressible ? await promisify(gzip)(bytes) : undefined,
      type,
      etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`,
      immutable: /-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/.test(path),
    });
  }
  return bundle;
}

// The house rules as a test, read from the source text: who may import whom, one door per third-party library, and where clock, randomness,
// environment, console and file writing may appear. Sizes are looked at by people.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { eventsFresh } from '../docs/generate-events.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
type Source = { readonly path: string; readonly text: string; readonly imports: readonly string[] };

function sources(folder: string): Source[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) return sources(path);
    if (!/\.tsx?$/.test(path)) return [];
    const text = readFileSync(join(root, path), 'utf8');
    const imports = [
      ...text.matchAll(
        /^\s*(?:import|export)\s[^;]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|import\('([^']+)'\)/gm,
      ),
    ].map((found) => found[1] ?? found[2] ?? found[3]!);
    return [{ path, text, imports }];
  });
}

/** Pages that run in a browser: another world with its own rules below. */
const pages = /^edge-node\/console\/ui\//;
const everything = ['protocol', 'certs', 'hub', 'edge-node', 'bin'].flatMap(sources);
const all = everything.filter(({ path }) => !pages.test(path));
const roomOf = (path: string) => (path.startsWith('protocol/node/') ? 'protocol/node' : path.split('/')[0]!);
const mayImport: Readonly<Record<string, readonly string[]>> = {
  protocol: ['protocol'],
  'protocol/node': ['protocol', 'protocol/node'],
  certs: ['protocol', 'protocol/node', 'certs'],
  hub: ['protocol', 'protocol/node', 'certs', 'hub'],
  'edge-node': ['protocol', 'protocol/node', 'certs', 'edge-node'],
  bin: ['protocol', 'protocol/node', 'certs', 'hub', 'edge-node', 'bin'],
};
/** Commands end in bin/output.ts and ask the person in bin/person.ts: the doors from the programs' command files to the command line. */
const commandFile = /^(hub|edge-node)\/commands[a-z-]*\.ts$/;

t.test('imports follow the direction of the rooms', async (t) => {
  for (const { path, imports } of all)
    for (const name of imports.filter((name) => name.startsWith('.'))) {
      const target = relative(root, resolve(root, dirname(path), name));
      const room = roomOf(target);
      if (commandFile.test(path) && /^bin\/(output|person)\.ts$/.test(target)) continue;
      if (!mayImport[roomOf(path)]!.includes(room)) t.fail(`${path} imports ${target}`);
      if (!name.endsWith('.ts') && !name.endsWith('.json'))
        t.fail(`${path} imports ${name} without its extension`);
    }
  t.ok(all.length > 60, 'the whole tree was read');
});

const doors: Readonly<Record<string, RegExp>> = {
  protobufjs: /^protocol\/codec\.ts$/,
  // The demo's sample signers are not part of the product's trust.
  '@peculiar/x509': /^certs\/x509\.ts$|^bin\/demo\//,
  'node:sqlite': /^protocol\/node\/sqlite\.ts$/,
  pino: /^protocol\/node\/logger\.ts$/,
  undici: /^protocol\/node\/http-client\.ts$/,
  pkijs: /^certs\/(pdf\/asn1|p12)\.ts$|^bin\/demo\//,
  asn1js: /^certs\/(pdf\/asn1|p12)\.ts$|^bin\/demo\//,
  'node-forge': /^certs\/p12-legacy\.ts$/,
  saxes: /^hub\/edxml\/xml\.ts$/,
  'read-excel-file/universal': /^protocol\/node\/xlsx-process\.ts$/,
  'write-excel-file/universal': /^protocol\/node\/xlsx-process\.ts$/,
  '@simplewebauthn/server': /^edge-node\/accounts\/passkeys\.ts$/,
  otpauth: /^edge-node\/accounts\/second-factor\.ts$/,
  '@cantoo/pdf-lib': /^protocol\/node\/typefaces\.ts$|^bin\/demo\//,
  '@pdf-lib/fontkit': /^protocol\/node\/typefaces\.ts$/,
  'openid-client': /^edge-node\/accounts\/outside\.ts$/,
  nodemailer: /^edge-node\/console\/notify\.ts$/,
  vite: /^edge-node\/console\/build\.ts$/,
  lowdb: /^protocol\/node\/settings\.ts$/,
};
t.test('each library enters through one file', async (t) => {
  for (const { path, imports } of all)
    for (const name of imports) {
      const door = doors[name];
      if (door && !door.test(path)) t.fail(`${path} imports ${name}`);
    }
  t.pass('checked');
});

t.test('clock, randomness, environment, console and file writing stay in their places', async (t) => {
  const rules: readonly { readonly what: RegExp; readonly allowed: RegExp; readonly name: string }[] = [
    { what: /\bDate\.now\(/, allowed: /^protocol\/node\/clock\.ts$/, name: 'Date.now' },
    {
      what: /\bMath\.random\b/,
      allowed: /(^|\/)(main|edge)\.ts$|^bin\/|^protocol\/node\/transfer\.ts$/,
      name: 'Math.random',
    },
    // Time limits of sockets are not decisions about documents.
    {
      what: /\bsetTimeout\(|\bsetInterval\(/,
      allowed: /^protocol\/node\/(clock|connector|files\/clamd)\.ts$|^edge-node\/enrol-fetch\.ts$/,
      name: 'timers',
    },
    { what: /\bprocess\.env\b/, allowed: /^bin\//, name: 'process.env' },
    { what: /\bconsole\.(?!pem\b)/, allowed: /^bin\//, name: 'console' },
    { what: /\bexport default\b/, allowed: /^$/, name: 'default export' },
    {
      what: /\b(?:fs|fsp)?\.?(?:writeFile|writeFileSync|appendFile|appendFileSync)\(/,
      allowed: /^protocol\/node\/(durable|content-[a-z]+|chunk-writer|lock)\.ts$|^bin\//,
      name: 'file writing',
    },
  ];
  for (const { path, text } of all) {
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
    for (const { what, allowed, name } of rules)
      if (what.test(code) && !allowed.test(path)) t.fail(`${path} uses ${name}`);
  }
  t.pass('checked');
});

t.test(
  'the pages of the console import each other, preact, fonts and types, and never write HTML',
  async (t) => {
    for (const { path, text, imports } of everything.filter((one) => pages.test(one.path))) {
      for (const name of imports.filter((name) => !name.startsWith('.')))
        if (!/^(preact|@fontsource\/be-vietnam-pro)(\/|$)/.test(name)) t.fail(`${path} imports ${name}`);
      for (const name of imports.filter((name) => name.startsWith('..'))) {
        const target = relative(root, resolve(root, dirname(path), name));
        // What the server and the pages both say, and the table of rights, as types only; where a document stands and whether its signature lets it be accepted, pure readings for both.
        if (
          !pages.test(target) &&
          !/^edge-node\/(console\/contract(?:-figures)?|(?:office\/|statuses\/)?core|accounts\/(person|verbs)|recipients\/newest|safety\/signature-refused)\.ts$/.test(
            target,
          )
        )
          t.fail(`${path} imports ${target}`);
      }
      if (/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/.test(text))
        t.fail(`${path} writes HTML`);
      if (!/^\/\/ /.test(text)) t.fail(`${path} begins without a comment`);
    }
    t.pass('checked');
  },
);

t.test('ring 0 is pure: no file system, network, timers or processes', async (t) => {
  // codec.ts reads the schema that lies beside it, once, at start.
  const allowed = new Set(['node:crypto', 'node:url', 'protobufjs']);
  for (const { path, imports } of all.filter(({ path }) => roomOf(path) === 'protocol'))
    for (const name of imports.filter((name) => !name.startsWith('.')))
      if (!allowed.has(name)) t.fail(`${path} imports ${name}`);
  t.pass('checked');
});

t.test('every file says what it is for', async (t) => {
  for (const { path, text } of all)
    if (!/^(#!.*\n)?\/\/ /.test(text)) t.fail(`${path} begins without a comment`);
  t.pass('checked');
});

t.test('versions are exact and no package runs an install script', async (t) => {
  const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  for (const group of ['dependencies', 'devDependencies', 'optionalDependencies'])
    for (const [name, version] of Object.entries(pkg[group] ?? {}))
      t.match(version, /^\d+\.\d+\.\d+$/, `${name} ${version}`);
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  t.notOk(lock.includes('hasInstallScript'), 'no install script in the lock');
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
    t.notOk(pkg.scripts?.[script], script);
});

t.test('docs/EVENTS.md is what the table of log events says', async (t) => {
  t.ok(eventsFresh(), 'node docs/generate-events.ts');
});

// What lies in out/: one document is a folder with document.json in it, or NAME.json with its files beside it. Finds them, says when one is whole,
// and judges what it says by the API's own schema: everything wrong at once. Must never change anything, nor believe a name.
import { join } from 'node:path';
import { TextDecoder } from 'node:util';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { DocumentFields } from '../../protocol/document/fields.ts';
import { judgeDocument } from '../../protocol/document/judge.ts';
import { violation } from '../../protocol/document/violations.ts';
import { ExchangeError, isExchangeError, type Violation } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { nameFault } from '../../protocol/names.ts';
import { submitSchema } from '../api/schemas-requests.ts';
import { createAjv, refusal } from '../api/validate.ts';
import { type Entry, entriesOf, isPassing, isPlain, openPlain, printOf, readyEnding } from './layout.ts';

const describers = ['document.json', 'van-ban.json'] as const;
const jsonBytesMax = 1024 * 1024;

export type Drop = {
  /** Of the folder, or of NAME.json without its ending: the answers are called by it. */
  readonly name: string;
  readonly form: 'folder' | 'side';
  /** The JSON file as it lies there; undefined: not there yet. */
  readonly json: string | undefined;
  /** Files beside it, the marker not among them. */
  readonly files: readonly Entry[];
  /** What it is judged by: nothing changes while this stays. */
  readonly print: string;
  /** NAME.ready says that it is whole. */
  readonly ready: boolean;
  /** Things that may not be there: links, folders in the folder. */
  readonly wrong: readonly Violation[];
};

export type DropPart = { readonly name: string; readonly file: string; readonly sha256?: string };
type PartSaid = { readonly name: string; readonly mediaType?: string; readonly sha256?: string };
export type DropBody = DocumentFields & {
  readonly idempotencyKey?: string;
  readonly keepText?: boolean;
  readonly evenIfDuplicate?: boolean;
  readonly unit?: string;
  readonly recipients: string[];
  readonly kind?: 'document' | 'replacement';
  readonly deliverBy?: string;
  readonly parts?: readonly PartSaid[];
};

const folderPart = {
  type: 'object',
  description: 'One file that lies beside the description.',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: submitSchema.properties.parts.items.properties.name,
    mediaType: submitSchema.properties.parts.items.properties.mediaType,
    sha256: {
      type: 'string',
      pattern: '^[0-9a-f]{64}$',
      description: 'SHA-256 of the file in small hexadecimal digits: the surest sign that it is whole.',
    },
  },
} as const;

/** The API's request with files by their names. */
export const dropSchema = {
  ...submitSchema,
  required: ['recipients'],
  properties: {
    ...submitSchema.properties,
    parts: {
      type: 'array',
      maxItems: limits.partsMax,
      items: folderPart,
      description: 'The files, in order; left out: all that lie there, by name.',
    },
  },
} as const;

let compiled: ValidateFunction | undefined;

const misfit = (name: string, what: [string, string]): Violation =>
  violation(`/${name.replace(/[\p{Cc}\p{Cf}/]/gu, '\ufffd').slice(0, 120)}`, what[0], what[1]);
const notPlain: [string, string] = [
  'không phải tệp thường (liên kết hoặc thiết bị). Chép chính tệp vào đây.',
  'not a plain file: a link or a device',
];

export const composed = (name: string): string => name.normalize('NFC');

/** Every document that lies there, by name; also files that no description speaks of. */
export async function findDrops(
  out: string,
): Promise<{ readonly drops: Drop[]; readonly loose: readonly Entry[] }> {
  const entries = await entriesOf(out);
  const markers = new Set(entries.map(({ name }) => name).filter((name) => name.endsWith(readyEnding)));
  const seen = entries.filter(({ name }) => !isPassing(name) && !markers.has(name));
  const drops: Drop[] = [];
  const used = new Set<string>();
  for (const entry of seen.filter(({ stat }) => stat.isDirectory())) {
    used.add(entry.name);
    drops.push(await folderDrop(out, entry, markers));
  }
  const plain = seen.filter(({ stat }) => !stat.isDirectory());
  for (const entry of plain.filter(({ name }) => /\.json$/i.test(name))) {
    const stem = entry.name.slice(0, -5);
    const said = await saidNames(join(out, entry.name), entry);
    const files = plain.filter(({ name }) =>
      name === entry.name || /\.json$/i.test(name)
        ? false
        : said
          ? said.has(composed(name))
          : name.startsWith(`${stem}.`),
    );
    for (const { name } of [entry, ...files]) used.add(name);
    drops.push({
      name: stem,
      form: 'side',
      json: entry.name,
      files,
      print: [entry, ...files].map(printOf).join('\n'),
      ready: markers.has(`${stem}${readyEnding}`),
      wrong: [entry, ...files].filter(({ stat }) => !isPlain(stat)).map(({ name }) => misfit(name, notPlain)),
    });
  }
  return { drops, loose: plain.filter(({ name }) => !used.has(name)) };
}

async function folderDrop(out: string, entry: Entry, markers: ReadonlySet<string>): Promise<Drop> {
  const inside = await entriesOf(join(out, entry.name)).catch((error: unknown) => {
    // Taken away while we looked.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const inner = inside.filter(
    ({ name }) => !/^[.~]|~$/.test(name) && !/^(thumbs\.db|desktop\.ini)$/i.test(name),
  );
  const json = inner.find(({ name }) => (describers as readonly string[]).includes(name.toLowerCase()));
  return {
    name: entry.name,
    form: 'folder',
    json: json?.name,
    files: inner.filter((one) => one !== json && one.name !== readyEnding),
    print: [entry.name, ...inner.map(printOf)].join('\n'),
    ready: markers.has(`${entry.name}${readyEnding}`) || inside.some(({ name }) => name === readyEnding),
    wrong: inner.flatMap(({ name, stat }) => {
      if (stat.isDirectory())
        return [
          misfit(name, [
            'là thư mục con. Để mọi tệp của văn bản trong một thư mục.',
            'a folder inside the folder',
          ]),
        ];
      return isPlain(stat) ? [] : [misfit(name, notPlain)];
    }),
  };
}

/** Names that a description gives its files, composed; undefined when it gives none or cannot be read yet. */
async function saidNames(path: string, entry: Entry): Promise<Set<string> | undefined> {
  if (!isPlain(entry.stat) || entry.stat.size > jsonBytesMax) return undefined;
  const read = await readJson(path).catch((error: unknown) => {
    if (isExchangeError(error)) return undefined;
    throw error;
  });
  const parts = (read as { parts?: unknown } | null | undefined)?.parts;
  if (!Array.isArray(parts)) return undefined;
  const names = parts.map((one: unknown) => (one as { name?: unknown } | null)?.name);
  return new Set(names.filter((name) => typeof name === 'string').map(composed));
}

/** Strict as the API, bounded; the byte order mark of Windows editors is passed over. Throws `request-malformed`, `folder-drop-refused`. */
export async function readJson(path: string): Promise<unknown> {
  const file = await openPlain(path);
  try {
    const { size } = await file.stat();
    if (size > jsonBytesMax) throw malformed('lớn quá 1 MB. Tệp mô tả chỉ chứa JSON.', 'more than 1 MiB');
    const bytes = await file.readFile();
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw malformed('không phải UTF-8. Lưu lại bằng bảng mã UTF-8.', 'not UTF-8');
    }
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw malformed('không đúng cú pháp JSON. Xem lại dấu phẩy, ngoặc, dấu nháy.', 'not well-formed JSON');
    }
  } finally {
    await file.close();
  }
}

const malformed = (vi: string, en: string): ExchangeError =>
  new ExchangeError('request-malformed', en, { violations: [violation('', vi, en)] });

/** `missing`: a file is named that is not there; it may still come. */
export type Judged =
  | { readonly body: DropBody; readonly parts: readonly DropPart[] }
  | { readonly missing: ExchangeError };

/** Throws `request-malformed` with everything that is wrong, as the API would, and what only a folder can have wrong. */
export function judgeDrop(drop: Drop, body: unknown, nowMs: number): Judged {
  compiled ??= createAjv().compile(dropSchema);
  const good = compiled(body);
  const wrong = [...drop.wrong, ...judgeDocument(body, nowMs)];
  const said = (body as { parts?: unknown } | null)?.parts;
  const names: PartSaid[] = Array.isArray(said)
    ? (said as PartSaid[])
    : drop.files.map(({ name }) => ({ name: composed(name) }));
  const byName = new Map(drop.files.map(({ name }) => [composed(name), name]));
  if (byName.size < drop.files.length)
    wrong.push(
      violation(
        '/parts',
        'có hai tệp cùng tên (khác cách gõ dấu). Đổi tên một tệp.',
        'two files of one name in Unicode NFC',
      ),
    );
  const missing: Violation[] = [];
  const parts: DropPart[] = [];
  for (const [i, one] of names.entries()) {
    const name = composed(typeof one?.name === 'string' ? one.name : '');
    const fault = nameFault(name);
    const file = byName.get(name);
    if (fault !== undefined)
      wrong.push(
        violation(
          `/parts/${i}/name`,
          'không dùng được làm tên tệp: không gạch chéo, không ký tự ẩn hay đảo chiều, tối đa 255 byte. Đổi tên tệp.',
          fault,
        ),
      );
    else if (file === undefined)
      missing.push(
        violation(
          `/parts/${i}/name`,
          'nêu một tệp không có ở đây. Chép tệp vào hoặc sửa tên.',
          'no such file here',
        ),
      );
    else parts.push({ name, file, ...(one.sha256 === undefined ? {} : { sha256: one.sha256 }) });
  }
  if (Array.isArray(said))
    for (const [name, file] of byName)
      if (drop.form === 'folder' && !parts.some((part) => part.file === file))
        wrong.push(
          misfit(name, [
            'không được nêu trong "parts". Thêm vào danh sách hoặc bỏ tệp ra.',
            'not among the parts: add it, or take it out',
          ]),
        );
  if (!good || wrong.length > 0)
    throw refusal('document', (good ? undefined : compiled.errors) ?? [], [...wrong, ...missing]);
  if (missing.length > 0) return { missing: refusal('document', [], missing) };
  return { body: body as DropBody, parts };
}

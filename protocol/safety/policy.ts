// The file policy of a node or hub as a text that a person reads: `key = value` under [default], [unit CODE] and [kind NAME]. Pure. A text with
// a mistake is refused as a whole, with the line and the reason: half a policy would let in what somebody meant to keep out.
// State secrets are not in it: nothing here can allow them.

export const actions = ['deliver', 'hold', 'refuse'] as const;
/** `deliver`: goes on, marked in the record; `hold`: waits for a second person; `refuse`: goes back with the reason. */
export type Action = (typeof actions)[number];

export const fileTypes = [
  'pdf',
  'docx',
  'xlsx',
  'pptx',
  'odf',
  'ole',
  'rtf',
  'text',
  'xml',
  'html',
  'png',
  'jpeg',
  'gif',
  'tiff',
  'bmp',
  'webp',
  'jp2',
  'zip',
  'rar',
  '7z',
  'gzip',
  'tar',
  'pkcs7',
  'audio',
  'video',
  'empty',
  'executable',
  'unknown',
] as const;
export type FileTypeName = (typeof fileTypes)[number];

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/** Every rule with its default and its reason; the order is that of `policy show`. */
export const ruleTable = {
  types: {
    kind: 'types',
    value: [...fileTypes] as readonly FileTypeName[],
    why: 'types by content that may pass; a name ending decides nothing',
  },
  'type-not-listed': { kind: 'action', value: 'refuse', why: 'a type that the line above does not name' },
  'part-bytes-max': { kind: 'bytes', value: 64 * GiB, why: 'one file' },
  'document-bytes-max': { kind: 'bytes', value: 64 * GiB, why: 'all files of one document' },
  executables: {
    kind: 'action',
    value: 'refuse',
    why: 'programs, scripts, shortcuts, web pages with script; also inside archives',
  },
  macros: { kind: 'action', value: 'hold', why: 'office files that carry macros' },
  'name-mismatch': {
    kind: 'action',
    value: 'deliver',
    why: 'the name ending promises another type than the content is',
  },
  'archive-encrypted': { kind: 'action', value: 'hold', why: 'nobody can look into it, no scanner either' },
  'archive-unsafe': {
    kind: 'action',
    value: 'refuse',
    why: 'bombs, paths that lead out, links, names that overwrite one another, sizes that lie',
  },
  'archive-unread': {
    kind: 'action',
    value: 'deliver',
    why: 'kinds that are not opened here (rar, 7z), or damaged',
  },
  'archive-depth-max': { kind: 'count', value: 3, why: 'archives inside archives' },
  'archive-members-max': { kind: 'count', value: 10_000, why: 'over all depths' },
  'archive-bytes-max': {
    kind: 'bytes',
    value: 4 * GiB,
    why: 'counted as they come out, whatever the archive says',
  },
  'archive-ratio-max': { kind: 'count', value: 200, why: 'growth from 8 MiB on' },
  'pdf-encrypted': { kind: 'action', value: 'hold', why: 'a PDF with a password cannot be checked' },
  'pdf-active': {
    kind: 'action',
    value: 'hold',
    why: 'scripts, launching of programs, sending of forms, files inside',
  },
  'pdf-version': { kind: 'action', value: 'deliver', why: 'outside the two versions below' },
  'pdf-version-min': { kind: 'version', value: 1.4, why: 'Decree 30/2020, Appendix I: 1.4 or later' },
  'pdf-version-max': { kind: 'version', value: 2, why: 'the newest that exists' },
  'pdf-unreadable': { kind: 'action', value: 'deliver', why: 'damaged, or over a limit of the reader' },
  'pdf-signature-bad': {
    kind: 'action',
    value: 'deliver',
    why: 'a signature is wrong, or the file was changed after signing; the verdict is stored in any case',
  },
  'page-unreadable': {
    kind: 'action',
    value: 'deliver',
    why: 'page 1 has no text: the words of a secrecy stamp cannot be looked for',
  },
  'scan-too-large': {
    kind: 'action',
    value: 'deliver',
    why: 'above the size that the scanner takes: marked "chưa quét"; executables and archives are held in any case',
  },
} as const satisfies Record<string, { readonly kind: string; readonly value: unknown; readonly why: string }>;

export type RuleName = keyof typeof ruleTable;
type ValueOf<Kind> = Kind extends 'action' ? Action : Kind extends 'types' ? readonly FileTypeName[] : number;
export type Rules = { readonly [Name in RuleName]: ValueOf<(typeof ruleTable)[Name]['kind']> };

export const kindNames = ['document', 'update', 'replacement', 'recall', 'status'] as const;

type Section = {
  readonly scope: 'default' | 'unit' | 'kind';
  readonly of: string;
  readonly rules: Partial<Rules>;
};
export type Policy = { readonly sections: readonly Section[] };

export const builtInRules = Object.fromEntries(
  Object.entries(ruleTable).map(([name, { value }]) => [name, value]),
) as Rules;
export const builtInPolicy: Policy = { sections: [] };

/** Why a policy text is refused: the line, from 1, and the reason in both languages. */
export class PolicyMistake extends Error {
  override readonly name = 'PolicyMistake';
  readonly line: number;
  readonly vi: string;
  constructor(line: number, en: string, vi: string) {
    super(en);
    this.line = line;
    this.vi = vi;
  }
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 1024,
  kb: 1024,
  mib: MiB,
  mb: MiB,
  gib: GiB,
  gb: GiB,
};

function readRule(name: RuleName, text: string, line: number): unknown {
  const { kind } = ruleTable[name];
  const wrong = (wanted: string, vi: string) =>
    new PolicyMistake(line, `${name}: ${wanted}, found "${text.slice(0, 60)}"`, `${name}: ${vi}`);
  if (kind === 'action') {
    if ((actions as readonly string[]).includes(text)) return text;
    throw wrong(
      'one of deliver, hold, refuse',
      'phải là deliver (cho qua), hold (giữ lại) hoặc refuse (từ chối)',
    );
  }
  if (kind === 'types') return typesOf(text, line);
  if (kind === 'version') {
    if (/^[12]\.\d$/.test(text)) return Number(text);
    throw wrong('a version such as 1.7', 'phải là phiên bản, ví dụ 1.7');
  }
  const found = /^(\d{1,15}(?:\.\d{1,3})?)\s*([A-Za-z]*)$/.exec(text);
  const unit =
    found && (kind === 'bytes' ? unitBytes[found[2]!.toLowerCase()] : found[2] === '' ? 1 : undefined);
  const value = found && typeof unit === 'number' ? Math.floor(Number(found[1]) * unit) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw kind === 'bytes'
      ? wrong('a size such as 200 MiB', 'phải là dung lượng, ví dụ 200 MiB')
      : wrong('a whole number', 'phải là số nguyên');
  return value;
}

function typesOf(text: string, line: number): readonly FileTypeName[] {
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  if (names.length === 1 && names[0] === 'any') return [...fileTypes];
  const unknown = names.find((name) => !(fileTypes as readonly string[]).includes(name));
  if (unknown !== undefined || names.length === 0)
    throw new PolicyMistake(
      line,
      `types: "${(unknown ?? '').slice(0, 40)}" is none of ${fileTypes.join(' ')} (or "any" alone)`,
      `types: "${(unknown ?? '').slice(0, 40)}" không phải loại tệp đã biết`,
    );
  return names as FileTypeName[];
}

function sectionOf(text: string, line: number): { scope: Section['scope']; of: string } {
  if (text === 'default') return { scope: 'default', of: '' };
  const [scope, of] = /^(unit|kind)\s+(\S+)$/.exec(text)?.slice(1) ?? [];
  if (scope === 'unit') return { scope, of: of!.toUpperCase() };
  if (scope === 'kind' && (kindNames as readonly string[]).includes(of!)) return { scope, of: of! };
  throw new PolicyMistake(
    line,
    `a section is [default], [unit CODE] or [kind ${kindNames.join('|')}], found [${text.slice(0, 60)}]`,
    'mục phải là [default], [unit MÃ] hoặc [kind LOẠI]',
  );
}

const lineBytesMax = 4096;
const linesMax = 5000;

/** Throws PolicyMistake. Comments begin with # at the beginning of a line or behind a space. */
export function parsePolicy(text: string): Policy {
  const sections: { scope: Section['scope']; of: string; rules: Record<string, unknown> }[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  if (lines.length > linesMax)
    throw new PolicyMistake(linesMax + 1, `more than ${linesMax} lines`, 'tệp quá dài');
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    if (raw.length > lineBytesMax) throw new PolicyMistake(line, 'the line is too long', 'dòng quá dài');
    const said = raw.replace(/(^|\s)#.*$/, '').trim();
    if (said === '') continue;
    const head = /^\[(.*)\]$/.exec(said);
    if (head) {
      const section = sectionOf(head[1]!.trim(), line);
      if (sections.some(({ scope, of }) => scope === section.scope && of === section.of))
        throw new PolicyMistake(line, `[${head[1]}] is there twice`, `mục [${head[1]}] bị lặp`);
      sections.push({ ...section, rules: {} });
      continue;
    }
    const pair = /^([a-z-]+)\s*=\s*(.*)$/.exec(said);
    if (!pair)
      throw new PolicyMistake(
        line,
        'neither "key = value" nor a [section]',
        'không phải "khóa = giá trị" cũng không phải [mục]',
      );
    const [, name = '', value = ''] = pair;
    if (!(name in ruleTable))
      throw new PolicyMistake(line, `unknown rule "${name}"`, `không có quy tắc "${name}"`);
    const section = sections.at(-1);
    if (!section)
      throw new PolicyMistake(line, 'a rule before the first [section]', 'quy tắc đứng trước mục đầu tiên');
    if (name in section.rules)
      throw new PolicyMistake(
        line,
        `"${name}" is there twice in this section`,
        `"${name}" bị lặp trong mục này`,
      );
    section.rules[name] = readRule(name as RuleName, value.trim(), line);
  }
  return { sections: sections as Section[] };
}

/** The rules for one document: built in, then [default], then its kind, then its unit; a later one wins. */
export function rulesFor(
  policy: Policy,
  about: { readonly kind: string; readonly codes: readonly string[] },
): Rules {
  const codes = new Set(about.codes.map((code) => code.toUpperCase()));
  const chosen = (['default', 'kind', 'unit'] as const).flatMap((scope) =>
    policy.sections.filter(
      (section) =>
        section.scope === scope &&
        (scope === 'default' || (scope === 'kind' ? section.of === about.kind : codes.has(section.of))),
    ),
  );
  return Object.assign({}, builtInRules, ...chosen.map(({ rules }) => rules)) as Rules;
}

const sizeText = (bytes: number): string =>
  bytes % GiB === 0 ? `${bytes / GiB} GiB` : bytes % MiB === 0 ? `${bytes / MiB} MiB` : `${bytes} B`;

function valueText(name: RuleName, value: unknown): string {
  const { kind } = ruleTable[name];
  if (kind === 'types')
    return (value as readonly string[]).length === fileTypes.length
      ? 'any'
      : (value as readonly string[]).join(' ');
  if (kind === 'bytes') return sizeText(value as number);
  return kind === 'version' ? (value as number).toFixed(1) : String(value);
}

/** The rules as a policy text: can be written into a file and read again. */
export function policyText(rules: Rules, title = '[default]'): string {
  const width = Math.max(...Object.keys(ruleTable).map((name) => name.length));
  const lines = (Object.keys(ruleTable) as RuleName[]).map(
    (name) => `${name.padEnd(width)} = ${valueText(name, rules[name])}   # ${ruleTable[name].why}`,
  );
  return `${title}\n${lines.join('\n')}\n`;
}

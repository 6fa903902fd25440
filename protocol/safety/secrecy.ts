// State secrets never enter (regulation 2317 Đ3.2, Đ7.3, Đ8.1; Luật Bảo vệ bí mật nhà nước 2018): what marks a document as secret in its
// metadata, its file names and the stamp area of its first page. Pure. There is no override anywhere: what is found here is refused.
// Running prose about secrets is no mark: "bảo vệ bí mật nhà nước" is the title of a law.
import { fold } from '../text/fold.ts';

export const secretLevels = ['TUYỆT MẬT', 'TỐI MẬT', 'MẬT'] as const;
export type SecretLevel = (typeof secretLevels)[number];

/** Letters of other alphabets that look like those of the words. */
const lookAlike: Readonly<Record<string, string>> = {
  М: 'M',
  Μ: 'M',
  Т: 'T',
  Τ: 'T',
  А: 'A',
  Α: 'A',
  О: 'O',
  Ο: 'O',
  У: 'Y',
  Υ: 'Y',
  Ү: 'Y',
  Ι: 'I',
  І: 'I',
  Е: 'E',
  Ε: 'E',
  Ⅿ: 'M',
};
const invisible = /\u034f|[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/g;

/** One spelling: compatibility forms, look-alikes, invisible letters; capitals stay capitals. */
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(invisible, '')
    .replace(/[МΜТΤАΑОΟУΥҮΙІЕΕⅯ]/g, (letter) => lookAlike[letter]!)
    .normalize('NFC');

const levelOf = (first: string | undefined): SecretLevel =>
  first === undefined ? 'MẬT' : fold(first).startsWith('tuy') ? 'TUYỆT MẬT' : 'TỐI MẬT';

const urgent = '(?:HỎATỐC|HOẢTỐC|THƯỢNGKHẨN|KHẨN)*';
const stamp = new RegExp(
  `^(?:ĐỘMẬT|[Đđ]ộmật|DOMAT|MỨCĐỘMẬT)?${urgent}(TUYỆTMẬT|TỐIMẬT|MẬT|TUYETMAT|TOIMAT)${urgent}(?:[Bb]ảns(?:ố|ao)|BẢNSỐ)?$`,
);

/**
 * The level of a stamp: `cell` is one piece of text that stands by itself on a page. Letter spacing, frames, numbers and urgency words
 * beside it do not hide it; any other word makes it prose. "HỎA TỐC" alone is no secret.
 */
export function stampLevel(cell: string): SecretLevel | undefined {
  const found = stamp.exec(plain(cell).replace(/[^\p{L}]/gu, ''));
  if (!found) return undefined;
  return levelOf(/^T(?:UY|ỐI|OI)/.test(found[1]!) ? found[1] : undefined);
}

const twoWords = /(?<![\p{L}\p{N}])(TUYỆT|TỐI|TUYET|TOI)[\s\p{P}_]*(?:MẬT|MAT)(?![\p{L}\p{N}])/u;
/** MẬT in capitals, unless it is the end of BÍ MẬT, BẢO MẬT, CƠ MẬT, GIẢI MẬT, ĐỘ MẬT. */
const oneWord = /(?<![\p{L}\p{N}])(?<!(?:BÍ|BẢO|CƠ|GIẢI|ĐỘ|THÂN|MẬT|BI|BAO)[\s_-]+)MẬT(?![\p{L}\p{N}])/gu;

/** In brackets the words are a mark in any case: "(Mật)". */
const bracketed = /[([{]\s*(?:độ mật\s*:\s*)?(?:(tuyệt|tối)\s+)?mật\s*[)\]}]/iu;

/** True where the word stands like a stamp inside a text that is written in capitals altogether. */
function standsApart(text: string, at: number): boolean {
  const before = text.slice(0, at).trimEnd();
  const after = text.slice(at + 'MẬT'.length).trimStart();
  const cut = /[\p{P}\p{S}_]/u;
  const open = before === '' || cut.test(before.at(-1)!);
  const closed = after === '' || cut.test(after[0]!);
  return open && closed;
}

/** The level that a subject, a file name or another short text shows as a stamp would: in capitals. */
export function levelInTitle(text: string): SecretLevel | undefined {
  const said = plain(text).replace(/\.[A-Za-z0-9]{1,5}$/, '');
  const two = twoWords.exec(said);
  if (two) return levelOf(two[1]);
  const marked = bracketed.exec(said);
  if (marked) return levelOf(marked[1]);
  const spaced = stampLevel(said);
  if (spaced) return spaced;
  const shouted = said === said.toUpperCase();
  for (const { index } of said.matchAll(oneWord)) if (!shouted || standsApart(said, index)) return 'MẬT';
  return undefined;
}

/** Tags that the regulation keeps out (Đ8.1): security, national defence, public order. Folded. */
const tags = new Set([
  'an ninh',
  'an ninh quoc gia',
  'an ninh quoc phong',
  'an ninh trat tu',
  'an ninh, trat tu',
  'quoc phong',
  'quoc phong an ninh',
  'quoc phong va an ninh',
  'quan su',
  'trat tu',
  'trat tu xa hoi',
  'trat tu cong cong',
  'trat tu an toan xa hoi',
  'an ninh chinh tri',
  'security',
  'national security',
  'defence',
  'defense',
  'national defence',
  'national defense',
  'public order',
]);

/** The first tag that is kept out. `said` is a field of work or a list of tags. */
export function tagKeptOut(said: string): string | undefined {
  return said
    .split(/[;,/|–—]| - /)
    .map((one) => fold(one).replace(/-/g, ' ').replace(/\s+/g, ' '))
    .find((one) => tags.has(one));
}

const levelKey =
  /^(secrecy|secrecylevel|secret|security|securitylevel|classification|confidentiality|domat|mucdomat|mucmat|mat)$/;
const noLevel = new Set([
  '',
  '0',
  'false',
  'none',
  'no',
  'null',
  'normal',
  'public',
  'unclassified',
  'thuong',
  'khong',
  'khong mat',
  'binh thuong',
  'khong co',
]);
const tagKey = /^(tags?|sphere|field|linhvuc|nhan|category|topics?)$/;

export type Said = {
  readonly subject?: string | undefined;
  readonly number?: string | undefined;
  readonly notation?: string | undefined;
  readonly type?: string | undefined;
  readonly sphere?: string | undefined;
  readonly note?: string | undefined;
  readonly reason?: string | undefined;
  readonly extraJson?: string | undefined;
  readonly parts?: readonly { readonly name: string }[] | undefined;
};
export type SecretFinding = {
  readonly code: 'secret-level' | 'secret-words' | 'secret-tag';
  /** The field, never its text: a refusal may not repeat a secret. */
  readonly where: string;
  readonly level: string;
};

/** What the metadata and file names of a document say of secrecy; all of it. Unknown extra fields are read by their names. */
export function secretsSaid(said: Said): SecretFinding[] {
  const found: SecretFinding[] = [];
  const title = (where: string, text: string | undefined): void => {
    const level = text ? levelInTitle(text) : undefined;
    if (level) found.push({ code: 'secret-words', where, level });
  };
  title('subject', said.subject);
  title('notation', said.notation);
  title('number', said.number);
  title('type', said.type);
  if (said.type && /^(?:.* )?(?:tuyet mat|toi mat|van ban mat|cong van mat)$/.test(fold(said.type)))
    found.push({ code: 'secret-level', where: 'type', level: said.type.slice(0, 40) });
  for (const [i, part] of (said.parts ?? []).entries()) title(`parts/${i}/name`, part.name);
  const tag = said.sphere ? tagKeptOut(said.sphere) : undefined;
  if (tag) found.push({ code: 'secret-tag', where: 'sphere', level: tag });
  if (said.extraJson) found.push(...inExtra(said.extraJson));
  // A field of a later version that this one does not know by type.
  const own = (said as { readonly secrecy?: unknown }).secrecy;
  if (own !== undefined && !noLevel.has(fold(String(own))))
    found.push({ code: 'secret-level', where: 'secrecy', level: String(own).slice(0, 40) });
  return found;
}

const depthMax = 8;

function inExtra(json: string): SecretFinding[] {
  const found: SecretFinding[] = [];
  const visit = (value: unknown, path: string, depth: number): void => {
    if (depth > depthMax || typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      const name = fold(key).replace(/[^a-z]/g, '');
      const where = `${path}/${key.slice(0, 40)}`;
      if (levelKey.test(name) && typeof inner !== 'object' && !noLevel.has(fold(String(inner))))
        found.push({ code: 'secret-level', where, level: String(inner).slice(0, 40) });
      if (tagKey.test(name))
        for (const one of [inner].flat()) {
          const tag = typeof one === 'string' ? tagKeptOut(one) : undefined;
          if (tag) found.push({ code: 'secret-tag', where, level: tag });
        }
      visit(inner, where, depth + 1);
    }
  };
  try {
    visit(JSON.parse(json), 'extra', 0);
  } catch {
    // Not JSON after all: shown to people as text, and decides nothing.
  }
  return found;
}

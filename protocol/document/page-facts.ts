// What a document says of itself on its pages, read from the text by its layout as Decree 30/2020 (Appendix I) sets it: number and notation under
// the issuer, place and date at the right, kind and subject in the middle (or "V/v" at the left of a công văn), the signer at the right of "Nơi
// nhận". Suggestions for a person and nothing else: what is unsure is left out. Pure; before a document's path.
import { fold } from '../text/fold.ts';
import { documentKinds } from './kinds.ts';

export type PageFacts = {
  readonly number?: string;
  readonly notation?: string;
  /** yyyy-MM-dd. */
  readonly issueDate?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly signerName?: string;
  readonly signerPosition?: string;
  readonly signerCompetence?: string;
  /** The lines below "Nơi nhận:", as printed; what is kept (Lưu) is left out. */
  readonly places?: readonly string[];
};

/** Pieces of a line that stand apart, with the column they begin in: two spaces or more part them. */
type Piece = { readonly text: string; readonly at: number };
const piecesOf = (line: string): Piece[] =>
  [...line.matchAll(/\S+(?: \S+)*/gu)].map((match) => ({ text: match[0], at: match.index }));

/** The top of the first page: behind it the body quotes other numbers and dates. */
const topLines = 40;
/** Right of here is the right column of a page set in two; a page of A4 is some 90 letters wide. */
const rightColumn = 36;
const subjectLinesMax = 8;
const placesMax = 60;

const kindByFold = new Map(documentKinds.map(({ name }) => [fold(name), name]));
const body = /^(?:căn cứ|kính gửi|thực hiện|theo đề nghị|điều \d|xét |sau khi|để |ngày )/iu;

/** `pages`: text of each page from the first, as `pdftotext -layout` sets it. */
export function factsOfPages(pages: readonly string[]): PageFacts {
  const top = (pages[0] ?? '').normalize('NFC').split('\n').slice(0, topLines);
  const numbered = numberIn(top);
  return {
    ...numbered?.facts,
    ...dateIn(top),
    ...subjectIn(top, numbered?.line ?? -1),
    ...signerIn(pages),
  };
}

function numberIn(top: readonly string[]) {
  for (const [line, text] of top.entries()) {
    if (body.test(text.trim())) return undefined;
    // "Số: 112/UBND-VP", "Số: 28/2018/QĐ-TTg"; a place left empty ("Số:      /QĐ-UBND") is no number.
    const match = /(?:^|\s)Số\s*:\s*(\d{1,6}[a-zđ]?)\s*\/\s*([\p{L}\d][\p{L}\d./&-]*)/u.exec(text);
    if (match) return { line, facts: { number: match[1]!, notation: match[2]!.replace(/[./-]+$/u, '') } };
  }
  return undefined;
}

function dateIn(top: readonly string[]) {
  for (const text of top) {
    if (body.test(text.trim())) return {};
    const match = /ngày\s+(\d{1,2})\s+tháng\s+(\d{1,2})\s+năm\s+(\d{4})/iu.exec(text);
    if (!match) continue;
    const [day, month, year] = [Number(match[1]), Number(match[2]), Number(match[3])];
    const date = new Date(Date.UTC(year, month - 1, day));
    // 31 tháng 02 is no day.
    return date.getUTCMonth() === month - 1 ? { issueDate: date.toISOString().slice(0, 10) } : {};
  }
  return {};
}

function subjectIn(top: readonly string[], numberLine: number): { type?: string; subject?: string } {
  for (let at = 0; at < top.length; at++) {
    const pieces = piecesOf(top[at]!);
    const first = pieces[0];
    if (!first) continue;
    if (at > numberLine && /^V\/v\b/iu.test(first.text) && first.at < rightColumn)
      return { type: 'Công văn', subject: below(top, at, (piece) => piece.at < rightColumn) };
    const kind = pieces.length === 1 && isCapitals(first.text) ? kindByFold.get(fold(first.text)) : undefined;
    if (kind && at > numberLine) {
      const subject = below(top, at + 1, () => true);
      return subject === '' ? { type: kind } : { type: kind, subject };
    }
  }
  return {};
}

/** A line with the ones that go on below it, up to an empty one or the body. */
function below(top: readonly string[], from: number, takes: (piece: Piece) => boolean): string {
  const lines: string[] = [];
  for (const text of top.slice(from, from + subjectLinesMax)) {
    const piece = piecesOf(text)[0];
    // A line drawn under the subject comes as dashes or nothing.
    if (!piece || !takes(piece) || body.test(piece.text) || /^[-_–—]+$/u.test(piece.text)) break;
    if (lines.length > 0 && isCapitals(piece.text)) break;
    lines.push(piece.text);
  }
  return lines.join(' ').replace(/\s+/gu, ' ').trim();
}

const isCapitals = (text: string): boolean =>
  text === text.toLocaleUpperCase('vi') && /\p{Lu}{2}/u.test(text);
const isName = (text: string): boolean => /^\p{Lu}\p{Ll}+(?: \p{Lu}\p{Ll}+){1,5}$/u.test(text);

function signerIn(pages: readonly string[]): PageFacts {
  for (const page of pages) {
    const lines = page.normalize('NFC').split('\n').map(piecesOf);
    const at = lines.findIndex((pieces) => /^Nơi nhận\s*:?$/iu.test(pieces[0]?.text ?? ''));
    if (at < 0) continue;
    const places: string[] = [];
    const said: string[] = [];
    let name: string | undefined;
    let empty = false;
    // Authority and position may begin a line or two higher than "Nơi nhận".
    for (const pieces of lines.slice(Math.max(0, at - 2), at)) {
      const right = pieces.at(-1);
      if (right && right.at >= rightColumn && isCapitals(right.text)) said.push(right.text);
    }
    for (const pieces of lines.slice(at, at + placesMax)) {
      const right = pieces.find((piece) => piece.at >= rightColumn);
      const left = pieces.find((piece) => piece.at < rightColumn && /^[-–+*•]/u.test(piece.text));
      if (left && !/^[-–+*•]\s*Lưu\b/iu.test(left.text)) places.push(left.text);
      if (!right) {
        if (said.length > 0) empty = true;
        continue;
      }
      if (isName(right.text)) name = right.text;
      else if (!empty && isCapitals(right.text)) said.push(right.text);
    }
    return {
      ...positionOf(said),
      ...(name ? { signerName: name } : {}),
      ...(places.length > 0 ? { places } : {}),
    };
  }
  return {};
}

/** "TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH": the last mark is the competence, the last line the position. */
function positionOf(said: readonly string[]): PageFacts {
  const marks = said
    .map((text) => /^(TM|KT|TL|TUQ|Q)\s*\./u.exec(text)?.[1])
    .filter((mark) => mark !== undefined);
  const last = said.at(-1);
  const position = last && !/^(?:TM|KT|TL|TUQ)\s*\./u.test(last) ? sentenceCase(last) : undefined;
  return {
    ...(marks.length > 0 ? { signerCompetence: `${marks.at(-1)}.` } : {}),
    ...(position ? { signerPosition: position } : {}),
  };
}

/** "PHÓ CHỦ TỊCH" -> "Phó Chủ tịch": capitals of an office as people write it. */
function sentenceCase(capitals: string): string {
  const lower = capitals
    .replace(/^Q\s*\.\s*/u, '')
    .toLocaleLowerCase('vi')
    .replace(/[,.;]+$/u, '');
  const deputy = /^phó (?=\S)/u.exec(lower)?.[0] ?? '';
  const raise = (text: string) => text.charAt(0).toLocaleUpperCase('vi') + text.slice(1);
  return deputy ? `Phó ${raise(lower.slice(deputy.length))}` : raise(lower);
}

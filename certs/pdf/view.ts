// A document as one of its revisions shows it: the bytes up to an end, the cross-reference chain found there, objects on demand.
// It must never look behind the end of its revision: what a signature covers is judged without what came after.
// The base of fields, signatures and differences.
import { readValue } from './lexer.ts';
import { malformed, PdfFault, type PdfLimits } from './limits.ts';
import type { ByteSource } from './source.ts';
import {
  dictOf,
  integerOf,
  isDict,
  isRef,
  isStream,
  nameOf,
  type PdfDict,
  type PdfStream,
  type PdfValue,
} from './values.ts';
import {
  type Entry,
  endOfStream,
  readIndirect,
  readSection,
  type Section,
  structuralData,
  withWindow,
} from './xref.ts';

export type View = {
  readonly source: ByteSource;
  readonly end: number;
  /** Newest first. */
  readonly sections: readonly Section[];
  readonly trailer: PdfDict;
  entry(num: number): Entry | undefined;
  /** Follows references to a value that is none. Missing and free objects are null (ISO 32000-1, 7.3.10). */
  resolve(value: PdfValue | undefined): PdfValue;
  /** Value of a key, resolved. */
  get(dict: PdfDict | undefined, key: string): PdfValue;
  /** Where the data of a stream are in the file, checked against `endstream`. */
  dataOf(stream: PdfStream): { readonly from: number; readonly to: number };
};

/** Objects and sections read once, for all revisions of one file. */
export type PdfFile = {
  readonly source: ByteSource;
  readonly limits: PdfLimits;
  readonly sections: Map<number, Section>;
  readonly objects: Map<
    number,
    { readonly num: number; readonly gen: number; readonly value: PdfValue; readonly end: number }
  >;
  readonly objectStreams: Map<number, readonly (readonly [num: number, value: PdfValue])[]>;
  entriesLeft: number;
};

const OBJECTS_KEPT = 50_000;
const OBJECT_STREAMS_KEPT = 200;

/** Checks the header only. Throws `malformed` for a file that is no PDF, `limit` for one that is too large. */
export function openPdf(source: ByteSource, limits: PdfLimits): PdfFile {
  if (source.sizeBytes > limits.fileBytesMax) throw new PdfFault('limit', 'the file is too large');
  if (!source.read(0, 1024).includes('%PDF-')) throw malformed('the file does not begin as a PDF');
  return {
    source,
    limits,
    sections: new Map(),
    objects: new Map(),
    objectStreams: new Map(),
    entriesLeft: limits.entriesMax,
  };
}

/** Offset named by the last `startxref` before `end`, and what follows its `%%EOF`. */
function startOfChain(
  source: ByteSource,
  end: number,
): { sectionAt: number; eofEnd: number; startAt: number } {
  const from = Math.max(0, end - 2048);
  const tail = source.read(from, end - from).toString('latin1');
  const at = tail.lastIndexOf('startxref');
  const match = /^startxref[\0\t\n\f\r ]+(\d{1,15})[\0\t\n\f\r ]+%%EOF/.exec(tail.slice(Math.max(0, at)));
  if (at < 0 || !match) throw malformed('no end of a PDF revision found');
  return { sectionAt: Number(match[1]), eofEnd: from + at + match[0].length, startAt: from + at };
}

/** True when [0, end) closes a revision: `startxref`, an offset, `%%EOF` and white space only. */
export function endsRevision(source: ByteSource, end: number): boolean {
  try {
    const { eofEnd } = startOfChain(source, end);
    return /^[\0\t\n\f\r ]*$/.test(source.read(eofEnd, end - eofEnd).toString('latin1'));
  } catch (error) {
    if (error instanceof PdfFault) return false;
    throw error;
  }
}

function sectionAt(file: PdfFile, at: number, end: number): Section {
  const known = file.sections.get(at);
  if (known && known.end <= end) return known;
  const section = readSection(file.source, { at, end, entriesLeft: file.entriesLeft });
  file.entriesLeft -= section.entries.size;
  file.sections.set(at, section);
  return section;
}

/** The chain from the last `startxref` before `end`. Throws `malformed` or `limit`. */
export function viewOf(file: PdfFile, end: number): View {
  const sections: Section[] = [];
  const seen = new Set<number>();
  let next: number | undefined = startOfChain(file.source, end).sectionAt;
  while (next !== undefined) {
    if (seen.has(next)) throw malformed('the cross-reference chain is a loop');
    if (sections.length >= file.limits.sectionsMax) throw new PdfFault('limit', 'too many revisions');
    seen.add(next);
    const section: Section = sectionAt(file, next, end);
    sections.push(section);
    next = section.previousAt;
  }
  const trailer = sections[0]?.trailer;
  if (!trailer || !isRef(trailer.map.get('Root'))) throw malformed('the trailer names no catalog');
  return makeView(file, end, sections, trailer);
}

function makeView(file: PdfFile, end: number, sections: readonly Section[], trailer: PdfDict): View {
  const known = new Map<number, Entry | undefined>();
  const entry = (num: number): Entry | undefined => {
    if (known.has(num)) return known.get(num);
    const found = sections.find((section) => section.entries.has(num))?.entries.get(num);
    // With one or two sections the look-up is as quick as the memory.
    if (sections.length > 2) known.set(num, found);
    return found;
  };
  const resolve = (value: PdfValue | undefined): PdfValue => {
    let here: PdfValue = value ?? null;
    for (let hops = 0; isRef(here); hops++) {
      if (hops > 16) throw malformed('references lead round in a circle');
      here = load(here.num, here.gen);
    }
    return here;
  };
  const load = (num: number, gen: number): PdfValue => {
    const found = entry(num);
    if (!found || found.in === 'free') return null;
    if (found.in === 'stream') return gen === 0 ? fromObjectStream(num, found) : null;
    if (found.gen !== gen) return null;
    return objectAt(file, { num, gen, at: found.at, end });
  };
  const fromObjectStream = (num: number, where: { stream: number; index: number }): PdfValue => {
    const holder = entry(where.stream);
    if (holder?.in !== 'file') throw malformed(`object stream ${where.stream} is missing`);
    const stream = objectAt(file, { num: where.stream, gen: holder.gen, at: holder.at, end });
    if (!isStream(stream)) throw malformed(`object ${where.stream} is no object stream`);
    const members = membersOf(file, view, stream);
    const member = members[where.index];
    if (member?.[0] !== num) throw malformed(`object ${num} is not where the table says`);
    return member[1];
  };
  const view: View = {
    source: file.source,
    end,
    sections,
    trailer,
    entry,
    resolve,
    get: (dict, key) => resolve(dict?.map.get(key)),
    dataOf(stream) {
      const lengthBytes = integerOf(resolve(stream.dict.map.get('Length')));
      if (lengthBytes === undefined || lengthBytes < 0) throw malformed('a stream without a length');
      const to = stream.dataAt + lengthBytes;
      if (to > end) throw malformed('a stream goes on behind its revision');
      endOfStream(file.source, to);
      return { from: stream.dataAt, to };
    },
  };
  return view;
}

function objectAt(
  file: PdfFile,
  { num, gen, at, end }: { num: number; gen: number; at: number; end: number },
): PdfValue {
  let object = file.objects.get(at);
  if (!object) {
    if (at >= end) throw malformed(`object ${num} lies behind its revision`);
    object = withWindow(file.source, { at, end }, readIndirect);
    if (file.objects.size >= OBJECTS_KEPT) file.objects.clear();
    file.objects.set(at, object);
  }
  if (object.num !== num || object.gen !== gen) throw malformed(`object ${num} is not where the table says`);
  if (object.end > end) throw malformed(`object ${num} goes on behind its revision`);
  return object.value;
}

function membersOf(file: PdfFile, view: View, stream: PdfStream): readonly (readonly [number, PdfValue])[] {
  const known = file.objectStreams.get(stream.dataAt);
  if (known) return known;
  if (view.trailer.map.has('Encrypt')) throw new PdfFault('encrypted', 'objects of an encrypted file');
  const { from, to } = view.dataOf(stream);
  if (nameOf(stream.dict.map.get('Type')) !== 'ObjStm') throw malformed('no object stream');
  const data = structuralData(file.source, stream, to - from);
  const count = integerOf(view.get(stream.dict, 'N')) ?? -1;
  const first = integerOf(view.get(stream.dict, 'First')) ?? -1;
  if (count < 0 || first < 0 || first > data.length || count > 1_000_000)
    throw malformed('head of an object stream');
  const head = data
    .toString('latin1', 0, first)
    .trim()
    .split(/[\0\t\n\f\r ]+/)
    .map(Number);
  if (count > 0 && head.length < count * 2) throw malformed('head of an object stream');
  const members: (readonly [number, PdfValue])[] = [];
  for (let i = 0; i < count; i++) {
    const [num, offset] = [head[i * 2]!, head[i * 2 + 1]!];
    if (!Number.isSafeInteger(num) || !Number.isSafeInteger(offset) || offset < 0)
      throw malformed('object stream');
    const cursor = { bytes: data, at: first + offset, base: -1, last: true };
    members.push([num, readValue(cursor)]);
  }
  if (file.objectStreams.size >= OBJECT_STREAMS_KEPT) file.objectStreams.clear();
  file.objectStreams.set(stream.dataAt, members);
  return members;
}

/** The catalog. Throws `malformed` where the root is none. */
export function catalogOf(view: View): PdfDict {
  const root = view.get(view.trailer, 'Root');
  if (!isDict(root)) throw malformed('the catalog is missing');
  return root;
}

/** The dictionary of an object, if it is one. */
export const dictAt = (view: View, value: PdfValue | undefined): PdfDict | undefined =>
  dictOf(view.resolve(value));

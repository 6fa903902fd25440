// Reads what stands behind a signed revision byte by byte: objects, tables, trailers, and nothing else, each named by a table.
// It must never let bytes pass that one reader skips and another finds: a reader that "repairs" a file searches for objects.
// Between difference.ts and judge.ts.
import { type Cursor, isWhite, skipWhite } from './lexer.ts';
import { type Budget, malformed, PdfFault } from './limits.ts';
import { isStream } from './values.ts';
import type { View } from './view.ts';
import { endOfStream, readIndirect, withWindow } from './xref.ts';

/** Undefined when everything in [from, view.end) is accounted for, else what is not. Throws only `limit`. */
export function strayBytes(view: View, from: number, budget: Budget): string | undefined {
  const sections = new Map(view.sections.map((section) => [section.startAt, section]));
  try {
    let at = from;
    for (;;) {
      budget.spend(1);
      at = skipAll(view, at);
      if (at >= view.end) return undefined;
      const word = view.source.read(at, 10).toString('latin1');
      if (word.startsWith('xref')) at = sectionEnd(sections.get(at)?.end, at);
      else if (word.startsWith('startxref')) at = closingEnd(view, at);
      else at = objectEnd(view, at);
    }
  } catch (error) {
    if (!(error instanceof PdfFault) || error.code === 'limit') throw error;
    return error.message;
  }
}

function sectionEnd(end: number | undefined, at: number): number {
  if (end === undefined) throw malformed(`a cross-reference table at ${at} that nothing refers to`);
  return end;
}

/** White space and comments, window by window. */
function skipAll(view: View, from: number): number {
  for (let at = from; ; ) {
    const bytes = view.source.read(at, Math.min(4096, view.end - at));
    let skip = 0;
    while (isWhite(bytes[skip])) skip += 1;
    if (bytes[skip] === 0x25) {
      while (skip < bytes.length && bytes[skip] !== 10 && bytes[skip] !== 13) skip += 1;
      // A comment may hide an object from this reader only if it is long; real ones are a mark.
      if (skip > 2048) throw malformed('a long comment');
    }
    if (skip === 0 || at >= view.end) return at;
    at += skip;
  }
}

function closingEnd(view: View, at: number): number {
  const match = /^startxref[\0\t\n\f\r ]+\d{1,15}[\0\t\n\f\r ]+%%EOF/.exec(
    view.source.read(at, 64).toString('latin1'),
  );
  if (!match) throw malformed(`"startxref" at ${at} without an end`);
  return at + match[0].length;
}

/** An object must be the one that some table of the chain names at this place. */
function objectEnd(view: View, at: number): number {
  const object = withWindow(view.source, { at, end: view.end }, readIndirect);
  const named = view.sections.some((section) => {
    const entry = section.entries.get(object.num);
    return (
      (entry?.in === 'file' && entry.at === at) || section.startAt === at || section.ownNum === object.num
    );
  });
  if (!named) throw malformed(`object ${object.num} at ${at} that no table names`);
  if (!isStream(object.value)) return object.end;
  const streamEnd = endOfStream(view.source, view.dataOf(object.value).to);
  return withWindow(view.source, { at: streamEnd, end: view.end }, (cursor: Cursor) => {
    skipWhite(cursor);
    if (cursor.bytes.toString('latin1', cursor.at, cursor.at + 6) !== 'endobj')
      throw malformed('a stream without "endobj"');
    return streamEnd + cursor.at + 6;
  });
}

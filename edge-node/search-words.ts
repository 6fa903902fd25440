// What can be found of a document: its metadata, folded (protocol/text/fold.ts), in the columns of store/schema-search.ts. Pure. Text that seems
// to be in an older encoding is found as written and as it would read in Unicode.
import type { Directory } from '../protocol/directory.ts';
import { fold, foldedWords, sortKey } from '../protocol/text/fold.ts';
import { textOffers } from '../protocol/text/judge.ts';
import type { Metadata } from '../protocol/wire.ts';

export const searchColumns = ['subject', 'notation', 'people', 'places', 'files', 'rest'] as const;
export type SearchColumn = (typeof searchColumns)[number];
export type SearchWords = Readonly<Record<SearchColumn, string>> & { readonly sortKey: string };

/** So much of one column is searched; a longer note is cut. */
const columnLengthMax = 20_000;

/** So many names of recipients are searched for; a document for a whole province is found by its subject. */
const placesMax = 64;

/** Code and name of units, for `places`. */
export function placeWords(units: readonly string[], directory: Directory): string[] {
  return units
    .slice(0, placesMax)
    .flatMap((unit) => [directory.codeOf(unit), directory.unit(unit)?.name ?? '']);
}

const dayWords = (day: string): string => {
  const [year, month, date] = day.split('-');
  return date ? `${day} ${date}/${month}/${year} ${Number(date)}/${Number(month)}/${year}` : day;
};

const folded = (pieces: readonly string[]): string => {
  const all = pieces.filter((piece) => piece !== '').join(' \n ');
  if (all === '') return '';
  const offered = textOffers({ all }).map(({ offered }) => offered);
  return foldedWords([all, ...offered].join(' ').slice(0, columnLengthMax)).join(' ');
};

/** `places`: codes and names of the sender, or of those it went to. */
export function searchWords(metadata: Metadata, places: readonly string[]): SearchWords {
  const { subject, number, notation, type, issueDate, signers, parts, sphere, note, otherPlaces } = metadata;
  const { related, foreign, clientReference, reason, extraJson, person, registeredNumber, reportPeriod } =
    metadata;
  return {
    subject: folded([subject]),
    // Together, so that 125/UBND-TH is found as it is written on paper.
    notation: folded([`${number} ${notation}`]),
    people: folded([
      ...signers.flatMap(({ competence, position, name }) => [competence, position, name]),
      person,
    ]),
    places: folded([...places, ...otherPlaces, foreign?.code ?? '', foreign?.name ?? '']),
    files: folded(parts.map(({ name }) => name)),
    rest: folded([
      type,
      dayWords(issueDate),
      sphere,
      note,
      reason,
      reportPeriod,
      registeredNumber,
      clientReference,
      extraJson,
      ...related.flatMap((r) => [
        `${r.number} ${r.notation}`,
        r.issuer,
        r.issuerName,
        dayWords(r.issueDate),
        r.foreignId,
      ]),
    ]),
    sortKey: sortKey(subject),
  };
}

/**
 * What a person typed as a query of FTS5: all words, in any column, the last one as a beginning; words inside quotation marks, and those that
 * stand together as in 125/UBND-TH, in this order. undefined: no word, everything is meant.
 */
export function searchQuery(text: string): string | undefined {
  const pieces = text.slice(0, 300).match(/"[^"]*"?|[^\s"]+/g) ?? [];
  const phrases = pieces.map((piece) => foldedWords(piece)).filter((words) => words.length > 0);
  if (phrases.length === 0) return undefined;
  const open = !/["\s]$/.test(text) && fold(text) !== '';
  // Folded words are letters and digits: nothing in them can end the quotation.
  return phrases
    .map((words, i) => `"${words.join(' ')}"${open && i === phrases.length - 1 ? ' *' : ''}`)
    .join(' AND ');
}

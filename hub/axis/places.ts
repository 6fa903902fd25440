// Which office and which document the other side means: the border's answers to hub/edxml/places.ts, from what the axis lists and from what has
// crossed. Both code forms lead to one unit because the axis's own list says so; the shape of a code decides nothing (VN-DOMAIN §1.9).
import type { Directory } from '../../protocol/directory.ts';
import { foldNumber } from '../../protocol/document/letters.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Organ, ResponseFor } from '../edxml/model.ts';
import type { KnownDocument, MatchRule, Places } from '../edxml/places.ts';

export type BorderPlaces = Places & {
  /** Code under which the other side knows a unit; undefined if it does not. */
  codeOf(unit: string): string | undefined;
  /** As `find`, with our unit that issued the document ('' for one that came in). Third rule: an id that the axis gave to a message. */
  match(
    about: ResponseFor,
    organs: readonly string[],
  ): { readonly document: KnownDocument & { readonly sender: string }; readonly rule: MatchRule } | undefined;
};

type AgencyRow = { unit: string; code: string; name: string; mail: string };
type DocumentRow = {
  document_id: Uint8Array;
  edxml_id: string;
  organ: string;
  code: string;
  date: string;
  sender: string;
};
const documentColumns = 'document_id, edxml_id, organ, code, date, sender';
/** Rows of one number and date that are looked at; more would be a fault of the other side. */
const candidatesMax = 100;

const knownOf = (row: DocumentRow): KnownDocument & { sender: string } => ({
  documentId: Buffer.from(row.document_id),
  edxmlId: row.edxml_id,
  organId: row.organ,
  code: row.code,
  date: row.date,
  sender: row.sender,
});

const organOf = (code: string, name: string, mail = ''): Organ => ({
  organId: code,
  inCharge: '',
  name,
  address: '',
  email: mail,
  telephone: '',
  fax: '',
  website: '',
});

export function borderPlaces(deps: {
  readonly db: Database;
  readonly border: string;
  readonly directory: () => Directory;
  readonly nowMs: () => number;
}): BorderPlaces {
  const { db, border } = deps;

  function agencyByUnit(unit: string): AgencyRow | undefined {
    return db.get<AgencyRow>(
      'SELECT unit, code, name, mail FROM border_agencies WHERE border = ? AND unit = ? AND deleted = 0 ORDER BY agency LIMIT 1',
      border,
      unit,
    );
  }

  function unitOf(organId: string): string | undefined {
    const code = organId.trim().toUpperCase();
    if (code === '') return undefined;
    const listed =
      db.get<AgencyRow>(
        'SELECT unit, code, name, mail FROM border_agencies WHERE border = ? AND code = ? AND deleted = 0 LIMIT 1',
        border,
        code,
      ) ??
      db.get<AgencyRow>(
        "SELECT unit, code, name, mail FROM border_agencies WHERE border = ? AND old_code = ? AND old_code <> '' AND deleted = 0 LIMIT 1",
        border,
        code,
      );
    // Codes that are no longer listed live on as aliases of the directory: statuses of old documents still come under them.
    return listed?.unit ?? deps.directory().byCode(code, deps.nowMs())?.unit;
  }

  const samePlace = (a: string, b: string): boolean => {
    if (a.trim().toUpperCase() === b.trim().toUpperCase()) return true;
    const unit = unitOf(a);
    return unit !== undefined && unit === unitOf(b);
  };

  function byAxisId(id: string): DocumentRow | undefined {
    return db.get<DocumentRow>(
      `SELECT ${documentColumns} FROM border_documents WHERE border = ?1 AND document_id IN (
         SELECT document_id FROM border_out WHERE border = ?1 AND foreign_id = ?2 AND what = 'edoc'
         UNION SELECT document_id FROM border_in WHERE border = ?1 AND foreign_id = ?2 AND document_id IS NOT NULL) LIMIT 1`,
      border,
      id,
    );
  }

  /** VN-DOMAIN §1.10: exact DocumentId; issuer, number/notation and date; the axis's own id. An ambiguous match is none. */
  function match(about: ResponseFor, organs: readonly string[]): ReturnType<BorderPlaces['match']> {
    const issuedBy = (row: DocumentRow) => organs.some((organ) => samePlace(organ, row.organ));
    if (about.documentId !== '') {
      const exact = db.all<DocumentRow>(
        `SELECT ${documentColumns} FROM border_documents WHERE border = ? AND edxml_id = ? LIMIT ?`,
        border,
        about.documentId,
        candidatesMax,
      );
      const one = exact.find(issuedBy) ?? (exact.length === 1 ? exact[0] : undefined);
      if (one) return { document: knownOf(one), rule: 'document-id' };
    }
    if (about.code !== '' && about.date !== '') {
      const fits = db
        .all<DocumentRow>(
          `SELECT ${documentColumns} FROM border_documents WHERE border = ? AND code_key = ? AND date = ? LIMIT ?`,
          border,
          db.cells.compared(foldNumber(about.code)),
          about.date,
          candidatesMax,
        )
        .filter(issuedBy);
      if (new Set(fits.map(({ document_id }) => Buffer.from(document_id).toString('hex'))).size === 1)
        return { document: knownOf(fits[0]!), rule: 'number-and-date' };
    }
    const found = about.documentId === '' ? undefined : byAxisId(about.documentId);
    return found ? { document: knownOf(found), rule: 'axis-id' } : undefined;
  }

  return {
    organOf(unit) {
      const row = agencyByUnit(unit);
      if (row) return organOf(row.code, row.name, row.mail);
      const known = deps.directory().unit(unit);
      const alias = known?.aliases[0];
      // A border has no code of its own on the other side: what is for it is meant for somebody behind it.
      if (!known || !alias || known.border === unit) return undefined;
      return organOf(alias.code, known.name);
    },
    codeOf: (unit) => agencyByUnit(unit)?.code ?? deps.directory().unit(unit)?.aliases[0]?.code,
    unitOf,
    documentOf(documentId) {
      const row = db.get<DocumentRow>(
        `SELECT ${documentColumns} FROM border_documents WHERE border = ? AND document_id = ? LIMIT 1`,
        border,
        documentId,
      );
      return row && knownOf(row);
    },
    find: match,
    match,
  };
}

// Writes of the registers, inside the writer thread. Numbers are unique per book and series by index, taken inside the transaction that writes
// the line; a closed book takes nothing; a line is struck out, never deleted. Must never refuse a sending because of a book.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { noteAudit } from '../store/fact-ops.ts';
import {
  type BookKey,
  cutPlaces,
  type EntryFields,
  type OutgoingEntry,
  type SerialNumber,
  serialText,
} from './entries.ts';

type BookRow = { readonly id: number; readonly closed_ms: number | null };
export type EntryMade = { readonly entry: number; readonly number: string; readonly year: number };

const bookNames = { in: 'Sổ đăng ký văn bản đến', out: 'Sổ đăng ký văn bản đi' } as const;

const bookOf = (db: Database, { unit, kind, year, code }: BookKey): BookRow | undefined =>
  db.get<BookRow>(
    'SELECT id, closed_ms FROM books WHERE unit = ? AND kind = ? AND year = ? AND code = ?',
    unit,
    kind,
    year,
    code,
  );

function insertBook(db: Database, key: BookKey, how: { name: string; actor: string; nowMs: number }): number {
  const { unit, kind, year, code } = key;
  return db.run(
    'INSERT INTO books (unit, kind, year, code, name, opened_ms, opened_by) VALUES (?, ?, ?, ?, ?, ?, ?)',
    unit,
    kind,
    year,
    code,
    how.name || `${bookNames[kind]} năm ${year}`,
    how.nowMs,
    how.actor,
  ).lastRowId;
}

/** The open book; the common one of a year is opened by its first entry. Throws `register-closed`, `register-unknown`. */
function openBookFor(db: Database, key: BookKey, who: { actor: string; nowMs: number }): number {
  const book = bookOf(db, key);
  if (book?.closed_ms != null)
    throw new ExchangeError('register-closed', `${key.kind} ${key.year} ${key.code}`.trim());
  if (book) return book.id;
  if (key.code !== '') throw new ExchangeError('register-unknown', key.code);
  return insertBook(db, key, { name: '', ...who });
}

export type NewEntry = BookKey & {
  readonly series: string;
  /** undefined: the next one. */
  readonly serial: SerialNumber | undefined;
  readonly origin: 'electronic' | 'paper';
  readonly sender: string | null;
  readonly documentId: Uint8Array | null;
  readonly fields: EntryFields;
  readonly actor: string;
  readonly nowMs: number;
};

/** What the document says of itself; numbers and days stay as they are, books are read in their order. */
function sealedFields(db: Database, f: EntryFields): EntryFields {
  const cell = db.cells.begin();
  return {
    ...f,
    author: cell.text(f.author),
    notation: cell.text(f.notation),
    type: cell.text(f.type),
    subject: cell.text(f.subject),
    signer: cell.text(f.signer),
    places: cell.text(f.places),
    receipt: cell.text(f.receipt),
    keeper: cell.text(f.keeper),
    note: cell.text(f.note),
  };
}

type Taken = { readonly made_by: string; readonly made_ms: number; readonly day: string };

/** One line, in the caller's transaction. Throws `register-closed`, `register-unknown`, `register-number-taken` (says by whom). */
export function insertEntry(db: Database, e: NewEntry): EntryMade {
  const book = openBookFor(db, e, e);
  const serial = e.serial ?? {
    number:
      (db.get<{ n: number | null }>(
        'SELECT max(number) AS n FROM entries WHERE book = ? AND series = ?',
        book,
        e.series,
      )?.n ?? 0) + 1,
    suffix: '',
  };
  const taken = db.get<Taken>(
    'SELECT made_by, made_ms, day FROM entries WHERE book = ? AND series = ? AND number = ? AND suffix = ?',
    book,
    e.series,
    serial.number,
    serial.suffix,
  );
  if (taken)
    throw new ExchangeError('register-number-taken', `${serialText(serial)}: ${taken.made_by}, ${taken.day}`);
  const f = sealedFields(db, e.fields);
  const { lastRowId } = db.run(
    `INSERT INTO entries (book, series, number, suffix, origin, sender, document_id, day, author, notation, issue_day, type, subject, signer,
       places, keeper, copies, forwarded_day, receipt, note, made_ms, made_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    book,
    e.series,
    serial.number,
    serial.suffix,
    e.origin,
    e.sender,
    e.documentId,
    f.day,
    f.author,
    f.notation,
    f.issueDay,
    f.type,
    f.subject,
    f.signer,
    f.places,
    f.keeper,
    f.copies,
    f.forwardedDay,
    f.receipt,
    f.note,
    e.nowMs,
    e.actor,
  );
  return { entry: lastRowId, number: serialText(serial), year: e.year };
}

/**
 * The line of a document that is handed in. A number that the book has already, or a closed book, does not stop a sending: the document
 * stays unregistered and the check of the register says so.
 */
export function registerSent(
  db: Database,
  d: {
    readonly unit: string;
    readonly documentId: Uint8Array;
    readonly entry: OutgoingEntry;
    readonly actor: string;
    readonly nowMs: number;
  },
): void {
  const { series, serial, year, fields } = d.entry;
  const key: BookKey = { unit: d.unit, kind: 'out', year, code: '' };
  const book = bookOf(db, key);
  if (book?.closed_ms != null) return;
  const taken =
    book &&
    db.get(
      'SELECT 1 FROM entries WHERE book = ? AND series = ? AND number = ? AND suffix = ?',
      book.id,
      series,
      serial.number,
      serial.suffix,
    );
  if (taken) return;
  insertEntry(db, {
    ...key,
    series,
    serial,
    fields,
    origin: 'electronic',
    sender: d.unit,
    documentId: d.documentId,
    actor: d.actor,
    nowMs: d.nowMs,
  });
}

/** Further places on the line of a document that was sent later to more of them. A closed book stays as it was printed: that is no reason to refuse. */
export function addPlaces(
  db: Database,
  p: {
    readonly unit: string;
    readonly documentId: Uint8Array;
    readonly places: readonly string[];
    readonly actor: string;
    readonly nowMs: number;
  },
): void {
  const row = db.get<{ id: number; places: string }>(
    `SELECT e.id, e.places FROM books b JOIN entries e ON e.book = b.id
     WHERE e.document_id = ? AND b.unit = ? AND b.kind = 'out' AND b.closed_ms IS NULL AND e.struck IS NULL AND e.erased = 0`,
    p.documentId,
    p.unit,
  );
  if (!row) return;
  const places = cutPlaces([row.places, ...p.places].filter(Boolean).join('; '));
  db.run(
    'UPDATE entries SET places = ?, changed_ms = ?, changed_by = ? WHERE id = ?',
    db.cells.begin().text(places),
    p.nowMs,
    p.actor,
    row.id,
  );
}

type StoredEntry = {
  readonly id: number;
  readonly closed_ms: number | null;
  readonly struck: string | null;
  readonly erased: number;
};
function openEntry(db: Database, unit: string, id: number): StoredEntry {
  const row = db.get<StoredEntry>(
    'SELECT e.id, b.closed_ms, e.struck, e.erased FROM entries e JOIN books b ON b.id = e.book WHERE e.id = ? AND b.unit = ?',
    id,
    unit,
  );
  if (!row) throw new ExchangeError('register-unknown', `entry ${id}`);
  if (row.closed_ms !== null) throw new ExchangeError('register-closed');
  if (row.struck !== null || row.erased === 1)
    throw new ExchangeError('register-entry-refused', 'struck out, or its document was recalled');
  return row;
}

export function registerOps(db: Database) {
  return {
    /** Opens a further book, or the common one of a year. Opening one that is there changes nothing; a closed one stays closed. */
    openBook(b: BookKey & { readonly name: string; readonly actor: string; readonly nowMs: number }): void {
      if (bookOf(db, b)) return;
      insertBook(db, b, b);
      noteAudit(db, {
        atMs: b.nowMs,
        actor: b.actor,
        act: 'book-open',
        about: `${b.unit} ${b.kind} ${b.year} ${b.code}`.trim(),
      });
    },
    closeBook(b: BookKey & { readonly actor: string; readonly nowMs: number }): void {
      const book = bookOf(db, b);
      if (!book) throw new ExchangeError('register-unknown', `${b.kind} ${b.year} ${b.code}`.trim());
      const { changes } = db.run(
        'UPDATE books SET closed_ms = ?, closed_by = ? WHERE id = ? AND closed_ms IS NULL',
        b.nowMs,
        b.actor,
        book.id,
      );
      if (changes === 1)
        noteAudit(db, {
          atMs: b.nowMs,
          actor: b.actor,
          act: 'book-close',
          about: `${b.unit} ${b.kind} ${b.year} ${b.code}`.trim(),
        });
    },
    /** A paper document, or one that was sent and stands in no book yet. */
    enter(e: NewEntry): EntryMade {
      const made = insertEntry(db, e);
      noteAudit(db, {
        atMs: e.nowMs,
        actor: e.actor,
        act: `register-${e.kind}`,
        about: `${e.year} ${e.series} ${made.number}`,
      });
      return made;
    },
    /** The whole line anew, number and document stay. The audit says who; the book shows the newest. */
    correctEntry(c: {
      unit: string;
      entry: number;
      fields: EntryFields;
      actor: string;
      nowMs: number;
    }): void {
      const row = openEntry(db, c.unit, c.entry);
      const f = sealedFields(db, c.fields);
      db.run(
        `UPDATE entries SET day = ?, author = ?, notation = ?, issue_day = ?, type = ?, subject = ?, signer = ?, places = ?, keeper = ?, copies = ?,
           forwarded_day = ?, receipt = ?, note = ?, changed_ms = ?, changed_by = ? WHERE id = ?`,
        f.day,
        f.author,
        f.notation,
        f.issueDay,
        f.type,
        f.subject,
        f.signer,
        f.places,
        f.keeper,
        f.copies,
        f.forwardedDay,
        f.receipt,
        f.note,
        c.nowMs,
        c.actor,
        row.id,
      );
      noteAudit(db, { atMs: c.nowMs, actor: c.actor, act: 'register-correct', about: `entry ${row.id}` });
    },
    /** The number stays taken for ever. */
    strikeEntry(s: { unit: string; entry: number; reason: string; actor: string; nowMs: number }): void {
      const row = openEntry(db, s.unit, s.entry);
      db.run(
        'UPDATE entries SET struck = ?, changed_ms = ?, changed_by = ? WHERE id = ?',
        db.cells.begin().text(s.reason),
        s.nowMs,
        s.actor,
        row.id,
      );
      noteAudit(db, { atMs: s.nowMs, actor: s.actor, act: 'register-strike', about: `entry ${row.id}` });
    },
  };
}

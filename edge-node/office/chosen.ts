// Chosen arrivals as a file, in the columns of the incoming register: to print for whoever is presented with them, or to take away as a table. What
// stands in the book is taken from the book; what was not accepted yet has no number. Reads only; a book is never changed by it.
import { dayOf } from '../../protocol/calendar/working-days.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidToBytes } from '../../protocol/ids.ts';
import { type SheetColumn, writeCsv, writeXlsx } from '../../protocol/node/spreadsheet.ts';
import type { EdgeContext } from '../context.ts';
import { hiddenTitle } from '../views.ts';
import type { SheetFile, SheetFormat } from './core.ts';
import { arrivedEntry, emptyEntry, serialText } from './entries.ts';
import { drawPdf, printedText } from './print.ts';
import { type IncomingLine, incomingColumns, named } from './sheets.ts';

/** `ids`: envelope ids of arrivals at `unit`, in the order of the list. Throws `document-unknown` for one that is not the unit's. */
export async function chosenFile(
  {
    unit,
    ids,
    format,
  }: { readonly unit: string; readonly ids: readonly string[]; readonly format: SheetFormat },
  context: EdgeContext,
): Promise<SheetFile> {
  const { clock, directory } = context;
  const lines = ids.map((id) => lineOf(id, unit, context));
  const year = Number(dayOf(clock.nowMs()).slice(0, 4));
  const title = 'Danh sách văn bản đến';
  const file = named('danh-sach-van-ban-den', format);
  if (format === 'pdf')
    return file(
      await drawPdf({
        kind: 'register',
        body: directory.current().unit(unit)?.name ?? '',
        title,
        year,
        columns: incomingColumns.map(({ title: head, share, align }) => ({
          title: head,
          share,
          ...(align ? { align } : {}),
        })),
        rows: lines.map((line) => ({
          cells: incomingColumns.map(({ value }) => value(line).normalize('NFC')),
          struck: false,
        })),
        printed: printedText(clock.nowMs()),
      }),
    );
  const cells = incomingColumns.map(
    ({ title: header, width, value }): SheetColumn<IncomingLine> => ({ header, type: 'text', width, value }),
  );
  return file(format === 'csv' ? writeCsv(cells, lines) : await writeXlsx(cells, lines, title));
}

function lineOf(id: string, unit: string, { store, directory }: EdgeContext): IncomingLine {
  const arrival = store.arrivalById(uuidToBytes(id));
  if (!arrival || !store.arrivalRecipients(arrival.seq).some((to) => to.unit === unit))
    throw new ExchangeError('document-unknown', id);
  const entry = store.entryOfDocument(unit, 'in', arrival.document_id);
  if (entry) return { ...entry, registered: serialText(entry) };
  const author = directory.current().unit(arrival.sender)?.name ?? arrival.sender;
  const day = dayOf(arrival.received_ms);
  const none = { registered: '', forwarded_day: '', struck: null, erased: 0 };
  // What is marked as a state secret, and what was destroyed, says nothing of itself.
  if (!arrival.metadata || hiddenTitle(arrival.seq, store))
    return { ...emptyEntry, ...none, day, author, issue_day: '', erased: arrival.metadata ? 0 : 1 };
  const said = metadataCodec.decode(arrival.metadata);
  const { subject, number, notation } = arrival;
  // The titles of an agreed update stand in the row.
  const now = {
    ...said,
    subject: subject ?? said.subject,
    number: number ?? said.number,
    notation: notation ?? said.notation,
  };
  const fields = arrivedEntry(now, author, day);
  return { ...fields, ...none, issue_day: fields.issueDay };
}

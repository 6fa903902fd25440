// A copy of a received PDF with the ĐẾN stamp, filled from the register: for the office that works on with paper (NĐ30 Đ22). The document's own
// file is read and never written.
import { ExchangeError } from '../../protocol/errors.ts';
import type { EdgeContext } from '../context.ts';
import { sendingUnit } from '../outbox/submit.ts';
import { assertReadable } from '../safety/views.ts';
import { arrivalOf, oneOf } from '../statuses/verbs.ts';
import { openPart } from '../views.ts';
import type { SheetFile, StampOptions } from './core.ts';
import { serialText } from './entries.ts';
import { drawPdf } from './print.ts';
import { dayText } from './sheets.ts';

/** A larger one is a scan of a book: it is printed, and the paper stamped. */
const fileBytesMax = 64 * 1024 * 1024;

/** Throws `document-held`, `document-unknown`, `register-unknown` (not registered yet), `not-found` (no PDF), `pdf-not-printable`. */
export async function stampedCopy(
  id: string,
  { part: wanted, unit: given, at }: StampOptions,
  context: EdgeContext,
): Promise<SheetFile> {
  const { store, directory } = context;
  const row = arrivalOf(id, context);
  const found = { direction: 'in', row } as const;
  assertReadable(found, context);
  const units = store.receivedOf(row.sender, row.document_id).map(({ unit }) => unit);
  const unit = given === undefined ? oneOf(units, undefined, context) : sendingUnit(given, context);
  const entry = store.entryOfDocument(unit, 'in', row.document_id);
  if (!entry)
    throw new ExchangeError('register-unknown', 'accept the document first: the stamp bears its number');
  const parts = store.inParts(row.seq);
  const index =
    wanted ??
    parts.find(({ name, media_type }) => media_type === 'application/pdf' || /\.pdf$/i.test(name))?.idx;
  const part = parts.find(({ idx }) => idx === index);
  if (!part) throw new ExchangeError('not-found', 'no PDF among the files');
  if (part.length > fileBytesMax)
    throw new ExchangeError('pdf-not-printable', `more than ${fileBytesMax} bytes`);
  const stream = await openPart(found, part.idx, {}, context);
  const pieces: Uint8Array[] = [];
  for await (const piece of stream.body) pieces.push(piece);
  const bytes = await drawPdf({
    kind: 'stamp',
    file: Buffer.concat(pieces),
    body: directory.current().unit(unit)?.name ?? '',
    number: serialText(entry),
    day: dayText(entry.day),
    forwardedTo: entry.places,
    fileCode: '',
    at,
  });
  return { name: part.name.replace(/(\.pdf)?$/i, '-den.pdf'), mediaType: 'application/pdf', bytes };
}

// What a line of a register says (Decree 30/2020, Appendix IV) and when it may be written. Pure. Everything wrong with a line is named at once;
// text in an older encoding is offered converted; nothing that was typed is repaired.
import { dayOf } from '../../protocol/calendar/working-days.ts';
import { isDay } from '../../protocol/document/judge.ts';
import { parseNumberAndNotation } from '../../protocol/document/notation.ts';
import { violation } from '../../protocol/document/violations.ts';
import { ExchangeError, type Violation } from '../../protocol/errors.ts';
import type { Metadata } from '../../protocol/wire.ts';
import { metadataText } from '../outbox/metadata-text.ts';

export type BookKind = 'in' | 'out';
export type BookKey = {
  readonly unit: string;
  readonly kind: BookKind;
  readonly year: number;
  readonly code: string;
};

/** Texts as written; days are YYYY-MM-DD or empty. */
export type EntryFields = {
  /** Incoming: ngày đến. Outgoing: ngày chuyển. */
  readonly day: string;
  /** Incoming: tác giả. */
  readonly author: string;
  /** Số, ký hiệu văn bản. */
  readonly notation: string;
  /** Ngày tháng văn bản. */
  readonly issueDay: string;
  readonly type: string;
  readonly subject: string;
  readonly signer: string;
  /** Incoming: đơn vị hoặc người nhận. Outgoing: nơi nhận. */
  readonly places: string;
  /** Outgoing: đơn vị, người nhận bản lưu. */
  readonly keeper: string;
  readonly copies: number;
  /** Incoming: ngày chuyển. */
  readonly forwardedDay: string;
  /** Ký nhận. */
  readonly receipt: string;
  readonly note: string;
};
export const emptyEntry: EntryFields = {
  day: '',
  author: '',
  notation: '',
  issueDay: '',
  type: '',
  subject: '',
  signer: '',
  places: '',
  keeper: '',
  copies: 0,
  forwardedDay: '',
  receipt: '',
  note: '',
};

const lengthMax: Readonly<Partial<Record<keyof EntryFields, number>>> = {
  author: 300,
  notation: 120,
  type: 100,
  subject: 2000,
  signer: 300,
  places: 4000,
  keeper: 300,
  receipt: 200,
  note: 1000,
};
const days = ['day', 'issueDay', 'forwardedDay'] as const;

function faultsOf(kind: BookKind, fields: EntryFields, nowMs: number): Violation[] {
  const today = dayOf(nowMs);
  const found: Violation[] = [];
  const wrong = (field: keyof EntryFields, vi: string, en: string) =>
    found.push(violation(`/${field}`, vi, en));
  for (const name of days) {
    const day = fields[name];
    if (day === '') continue;
    if (!isDay(day))
      wrong(name, 'không có trong lịch. Ghi năm-tháng-ngày, ví dụ 2026-11-22.', 'not a day of the calendar');
    else if (day > today) wrong(name, 'ở tương lai. Xem lại ngày, hoặc đồng hồ của máy.', 'in the future');
  }
  if (fields.day === '') wrong('day', 'còn thiếu. Ghi ngày đến hoặc ngày chuyển.', 'missing');
  if (fields.subject.trim() === '') wrong('subject', 'đang để trống. Ghi tên loại và trích yếu.', 'empty');
  if (kind === 'in' && fields.author.trim() === '')
    wrong('author', 'đang để trống. Ghi cơ quan ban hành.', 'empty');
  if (kind === 'in' && fields.issueDay !== '' && fields.day !== '' && fields.issueDay > fields.day)
    wrong('issueDay', 'sau ngày đến. Xem lại một trong hai ngày.', 'after the day of arrival');
  if (!Number.isInteger(fields.copies) || fields.copies < 0 || fields.copies > 1_000_000)
    wrong('copies', 'phải là số nguyên.', 'a whole number');
  for (const [name, max] of Object.entries(lengthMax))
    if (Buffer.byteLength(String(fields[name as keyof EntryFields])) > max)
      wrong(name as keyof EntryFields, `dài quá ${max} byte. Rút ngắn lại.`, `more than ${max} bytes`);
  return found;
}

/** A whole line in NFC. Throws `register-entry-refused` with every fault, `text-legacy` with the conversion offered. */
export function checkedEntry(
  kind: BookKind,
  given: Partial<EntryFields>,
  { nowMs, keepText = false }: { readonly nowMs: number; readonly keepText?: boolean },
): EntryFields {
  const fields = metadataText({ ...emptyEntry, day: dayOf(nowMs), ...given }, [], keepText);
  const faults = faultsOf(kind, fields, nowMs);
  if (faults.length > 0)
    throw new ExchangeError(
      'register-entry-refused',
      faults.map(({ field, en }) => `${field}: ${en}`).join('; '),
      {
        violations: faults,
      },
    );
  return fields;
}

export type SerialNumber = { readonly number: number; readonly suffix: string };

/** "12" or "12a". Throws `register-entry-refused`. */
export function serialNumber(text: string): SerialNumber {
  const [, number, suffix = ''] = /^0{0,6}([1-9]\d{0,6})(\p{L}?)$/u.exec(text.trim()) ?? [];
  if (number === undefined)
    throw new ExchangeError('register-entry-refused', '/number: a number such as 12 or 12a', {
      violations: [violation('/number', 'phải là số, ví dụ 12 hoặc 12a.', 'a number such as 12 or 12a')],
    });
  return { number: Number(number), suffix: suffix.toLowerCase() };
}

export const serialText = ({ number, suffix }: SerialNumber): string =>
  `${String(number).padStart(2, '0')}${suffix}`;

const signerText = (metadata: Metadata): string => metadata.signers.map(({ name }) => name).join(', ');
const notationText = ({ number, notation }: Metadata): string => [number, notation].filter(Boolean).join('/');
/** Columns are bounded; a document may say more. */
const cut = (text: string, name: keyof EntryFields): string => {
  const max = lengthMax[name] ?? 100;
  if (Buffer.byteLength(text) <= max) return text;
  let short = text.slice(0, max);
  while (Buffer.byteLength(short) > max - 4) short = short.slice(0, -16);
  return `${short.toWellFormed()}…`;
};
export const cutPlaces = (places: string): string => cut(places, 'places');
const dayOr = (day: string): string => (isDay(day) ? day : '');

/** The line of a received document, as its metadata say; `author` is the sender's name. */
export function arrivedEntry(metadata: Metadata, author: string, receivedDay: string): EntryFields {
  return {
    ...emptyEntry,
    day: receivedDay,
    author: cut(author, 'author'),
    notation: cut(notationText(metadata), 'notation'),
    issueDay: dayOr(metadata.issueDate),
    type: cut(metadata.type, 'type'),
    subject: cut(metadata.subject || '(không có trích yếu)', 'subject'),
    signer: cut(signerText(metadata), 'signer'),
  };
}

export type OutgoingEntry = {
  readonly series: string;
  readonly serial: SerialNumber;
  readonly year: number;
  readonly fields: EntryFields;
};

/** The line of a document that is sent; undefined: its number cannot be read, so that a clerk must enter it. */
export function sentEntry(
  metadata: Metadata,
  places: readonly string[],
  nowMs: number,
): OutgoingEntry | undefined {
  const read = parseNumberAndNotation(metadata.number, metadata.notation);
  const found = /^0{0,6}([1-9]\d{0,6})(\p{L}?)$/u.exec(read.number);
  if (!found) return undefined;
  const issueDay = dayOr(metadata.issueDate);
  const all = [...places, ...metadata.otherPlaces].join('; ');
  return {
    series: read.kind?.abbreviation ?? '',
    serial: { number: Number(found[1]), suffix: found[2]!.toLowerCase() },
    year: Number((issueDay || dayOf(nowMs)).slice(0, 4)),
    fields: {
      ...emptyEntry,
      day: dayOf(nowMs),
      notation: cut(notationText(metadata), 'notation'),
      issueDay,
      type: cut(metadata.type || read.kind?.name || '', 'type'),
      subject: cut(metadata.subject || '(không có trích yếu)', 'subject'),
      signer: cut(signerText(metadata), 'signer'),
      places: cut(all, 'places'),
      keeper: 'Văn thư',
      copies: metadata.copies,
    },
  };
}

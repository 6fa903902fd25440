// What the command line says of a document, as options of send, replace and update: the same fields as the API, judged before a large file is
// uploaded. Nothing here asks the node.
import type { Command } from 'commander';
import { collect, wrongUse } from '../bin/output.ts';
import { uuidPattern } from '../protocol/document/fields.ts';
import { judgeDocument } from '../protocol/document/judge.ts';
import { documentKinds } from '../protocol/document/kinds.ts';
import { urgencyNamed, urgencyWords } from '../protocol/document/urgency.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { systemClock } from '../protocol/node/clock.ts';

export type FieldOptions = {
  readonly subject?: string;
  readonly number?: string;
  readonly notation?: string;
  readonly type?: string;
  readonly issueDate?: string;
  readonly sphere?: string;
  readonly note?: string;
  readonly urgency?: string;
  readonly deliverBy?: string;
  readonly replyBy?: string;
  readonly signer?: string[];
  readonly urgentAt?: string;
  readonly origin?: string;
  readonly paper?: boolean;
  readonly keepText?: boolean;
  readonly pages?: string;
  readonly copies?: string;
  readonly otherPlace?: string[];
  readonly reportPeriod?: string;
  readonly answers?: string[];
  readonly replaces?: string[];
  readonly corrects?: string[];
  readonly relates?: string[];
  readonly reason?: string;
  readonly exception?: string;
};

const urgencyChoices = Object.entries(urgencyWords)
  .map(([word, vi]) => `${word} (${vi})`)
  .join(', ');
const kindNames = (electronic: boolean): string =>
  documentKinds
    .filter((kind) => kind.electronic === electronic && kind.group !== 'normative')
    .map(({ name, abbreviation }) => (abbreviation ? `${name} (${abbreviation})` : name))
    .join(', ');

/** Under the help of a command that takes these options. */
export const kindsText = `\nLoại phải gửi điện tử (Điều 8.1): ${kindNames(true)}.\nLoại khuyến khích / encouraged: ${kindNames(false)}.\n`;

export function withFields(command: Command): Command {
  return command
    .option('--subject <text>', 'trích yếu; subject')
    .option('--number <text>', 'số; number')
    .option('--notation <text>', 'ký hiệu, như trên văn bản; notation, as written')
    .option('--type <text>', 'loại văn bản (xem dưới), loại khác cũng được; kind, any is taken')
    .option('--issue-date <date>', 'ngày ban hành, không ở tương lai; YYYY-MM-DD')
    .option('--sphere <text>', 'lĩnh vực; sphere')
    .option(
      '--signer <text>',
      'người ký, như in trên văn bản: "họ tên; chức vụ; thẩm quyền"; name; position; competence (repeatable)',
      collect,
    )
    .option('--note <text>', 'ghi chú cho văn thư nơi nhận; note to the receiving clerk')
    .option('--urgency <word>', `độ khẩn: ${urgencyChoices}; không nêu thì theo loại văn bản`)
    .option('--urgent-at <time>', 'giờ hẹn của hỏa tốc hẹn giờ; the time of flashTimed')
    .option('--deliver-by <time>', 'hạn chuyển; transport deadline, as 2026-11-30T17:00:00+07:00')
    .option('--reply-by <time>', 'hạn trả lời; deadline for the reply, as 2026-11-30T17:00:00+07:00')
    .option('--origin <word>', 'scan (số hoá từ bản giấy đã ký) hoặc digital (văn bản điện tử)')
    .option('--paper', 'có gửi kèm bản giấy; paper copies follow')
    .option('--pages <count>', 'số trang; pages')
    .option('--copies <count>', 'số bản phát hành; copies')
    .option(
      '--other-place <text>',
      'nơi nhận ghi trên văn bản nhưng không gửi qua đây; a place that is no addressee (repeatable)',
      collect,
    )
    .option('--report-period <period>', 'kỳ báo cáo: 2026, 2026-11, 2026-Q4, 2026-H2')
    .option('--answers <id>', 'trả lời văn bản này: mã, hoặc "số/ký hiệu"; replies to (repeatable)', collect)
    .option('--corrects <id>', 'đính chính văn bản này; corrects (repeatable)', collect)
    .option('--relates <id>', 'liên quan tới văn bản này; relates to (repeatable)', collect)
    .option(
      '--exception <word>',
      'nội dung an ninh (security), quốc phòng (defence), trật tự (order): không được gửi qua đây, lệnh sẽ dừng',
    )
    .option(
      '--keep-text',
      'chữ viết như thế là đúng, không phải bảng mã cũ; after text-legacy: keep the text as written',
    );
}

/** What the API would refuse is said before a large file is uploaded. */
export function assertFields(
  fields: Record<string, unknown>,
  { deliverBy, replyBy, urgentAt }: FieldOptions,
): void {
  const { urgency, issueDate } = fields as { urgency?: string; issueDate?: string };
  if (urgency !== undefined && !Object.hasOwn(urgencyWords, urgency))
    throw wrongUse(
      `--urgency is one of ${Object.keys(urgencyWords).join(', ')}`,
      `--urgency: ${urgencyChoices}`,
    );
  if (issueDate !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(issueDate))
    throw wrongUse('--issue-date is YYYY-MM-DD', '--issue-date có dạng năm-tháng-ngày, ví dụ 2026-11-22');
  for (const [name, value] of Object.entries({
    'deliver-by': deliverBy,
    'reply-by': replyBy,
    'urgent-at': urgentAt,
  }))
    if (value !== undefined && (!/[Zz]$|[+-]\d{2}:\d{2}$/.test(value) || Number.isNaN(Date.parse(value))))
      throw wrongUse(
        `--${name} is a time with its zone, as 2026-11-30T17:00:00+07:00`,
        `--${name} có dạng 2026-11-30T17:00:00+07:00`,
      );
  const violations = judgeDocument(fields, systemClock.nowMs());
  if (violations.length > 0)
    throw new ExchangeError(
      'request-malformed',
      violations.map(({ field, en }) => `${field}: ${en}`).join('; '),
      {
        violations,
      },
    );
}

/** "họ tên; chức vụ; thẩm quyền". */
function signerOf(text: string): Record<string, string> {
  const [name = '', position = '', competence = ''] = text.split(';').map((piece) => piece.trim());
  return { name, ...(position ? { position } : {}), ...(competence ? { competence } : {}) };
}

const uuid = new RegExp(uuidPattern);
/** An id of ours becomes a sealed link; anything else is a number and notation as written. */
function relationsOf(options: FieldOptions): Record<string, unknown> {
  const { answers = [], replaces = [], corrects = [], relates = [] } = options;
  const all = Object.entries({ answers, replaces, corrects, relates }).flatMap(([relation, list]) =>
    list.map((text) => ({ relation, text: text.trim() })),
  );
  const links = all
    .filter(({ text }) => uuid.test(text.toLowerCase()))
    .map(({ relation, text }) => ({ relation, documentId: text.toLowerCase() }));
  const related = all
    .filter(({ text }) => !uuid.test(text.toLowerCase()))
    .map(({ relation, text }) => {
      const slash = text.indexOf('/');
      return slash < 0
        ? { relation, number: text }
        : { relation, number: text.slice(0, slash), notation: text.slice(slash + 1) };
    });
  if (replaces.some((text) => !uuid.test(text.trim().toLowerCase())))
    throw wrongUse(
      '--replaces takes the id of a document',
      '--replaces nhận mã văn bản (cột cuối của "lienthong outbox")',
    );
  return {
    ...(links.length > 0 ? { links } : {}),
    ...(related.length > 0 ? { related } : {}),
    ...(replaces.length > 0 ? { kind: 'replacement' } : {}),
  };
}

const wholeNumber = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^\d{1,7}$/.test(text)) throw wrongUse(`--${name} is a whole number`, `--${name} là số nguyên`);
  return Number(text);
};

/** The body of the API without recipients and files. Throws wrong use. */
export function fieldsOf(options: FieldOptions): Record<string, unknown> {
  const { subject, number, notation, type, issueDate, sphere, note, urgency, deliverBy, replyBy } = options;
  const { urgentAt, origin, reportPeriod, reason, exception, otherPlace } = options;
  const given = {
    subject,
    number,
    notation,
    type,
    issueDate,
    sphere,
    note,
    urgency: urgency === undefined ? undefined : (urgencyNamed(urgency) ?? urgency),
    deliverBy,
    replyBy,
    urgentAt,
    origin,
    reportPeriod,
    reason,
    exception,
    otherPlaces: otherPlace,
    paperFollows: options.paper,
    keepText: options.keepText,
    pages: wholeNumber('pages', options.pages),
    copies: wholeNumber('copies', options.copies),
  };
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(options.signer ? { signers: options.signer.map(signerOf) } : {}),
    ...relationsOf(options),
  };
}

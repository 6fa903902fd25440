// What the schema cannot say of a document: dates that are dates and lie in the past, a timed urgency with its time, relations that are
// said once, kinds of content that may not travel. Everything wrong is named at once. Pure: the clock comes in.
// It looks at each field by itself and believes nothing of its type, so that it can run on what the schema refused.
import type { Violation } from '../errors.ts';
import { exceptionTags } from './kinds.ts';
import { violation } from './violations.ts';

const HCM_OFFSET_MS = 7 * 3_600_000;

/** The day in Vietnam (no daylight saving), YYYY-MM-DD. */
export const vietnamDay = (ms: number): string => new Date(ms + HCM_OFFSET_MS).toISOString().slice(0, 10);

/** True for a day of the calendar, YYYY-MM-DD. */
export function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === text;
}

/** The electronic record begins with the State; an earlier year is a slip of the hand. */
const firstDay = '1945-09-02';

type Fields = Readonly<Record<string, unknown>>;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const timeOf = (value: unknown): number => Date.parse(textOf(value));
const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** Of a body that the schema was asked about as well. */
export function judgeDocument(body: unknown, nowMs: number): Violation[] {
  if (!isRecord(body)) return [];
  return [...dates(body, nowMs), ...urgency(body), ...content(body), ...relations(body)];
}

function dates(body: Fields, nowMs: number): Violation[] {
  const found: Violation[] = [];
  const issued = textOf(body.issueDate);
  const wellFormed = /^\d{4}-\d{2}-\d{2}$/.test(issued);
  if (wellFormed && !isDay(issued))
    found.push(
      violation('/issueDate', 'không có trong lịch. Xem lại ngày, tháng.', 'not a day of the calendar'),
    );
  else if (wellFormed && issued > vietnamDay(nowMs))
    found.push(
      violation(
        '/issueDate',
        'ở tương lai. Ghi ngày ghi trên văn bản; nếu đúng, kiểm tra đồng hồ của máy.',
        'in the future',
      ),
    );
  else if (wellFormed && issued < firstDay)
    found.push(violation('/issueDate', 'quá xa trong quá khứ. Xem lại năm.', `before ${firstDay}`));
  const replyMs = timeOf(body.replyBy);
  if (isDay(issued) && !Number.isNaN(replyMs) && vietnamDay(replyMs) < issued)
    found.push(
      violation('/replyBy', 'trước ngày ban hành. Xem lại một trong hai ngày.', 'before the date of issue'),
    );
  return found;
}

function urgency(body: Fields): Violation[] {
  const timed = body.urgency === 'flashTimed';
  const said = body.urgentAt !== undefined;
  if (timed && !said)
    return [
      violation(
        '/urgentAt',
        'còn thiếu. Hỏa tốc hẹn giờ phải có giờ hẹn.',
        'missing: flashTimed needs its time',
      ),
    ];
  if (said && !timed)
    return [
      violation(
        '/urgentAt',
        'chỉ dùng với hỏa tốc hẹn giờ. Chọn độ khẩn đó hoặc bỏ giờ hẹn.',
        'only with urgency flashTimed',
      ),
    ];
  return [];
}

function content(body: Fields): Violation[] {
  const found: Violation[] = [];
  const tag = textOf(body.exception);
  if (Object.hasOwn(exceptionTags, tag))
    found.push(
      violation(
        '/exception',
        `(${exceptionTags[tag as keyof typeof exceptionTags]}): không được gửi qua hệ thống này. Gửi theo đường dành cho loại văn bản đó.`,
        'this content may not travel here',
      ),
    );
  for (const name of ['number', 'notation', 'type', 'sphere'])
    if (/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(textOf(body[name])))
      found.push(
        violation(
          `/${name}`,
          'có ký tự điều khiển không nhìn thấy. Gõ lại, không dán.',
          'control or direction-changing characters',
        ),
      );
  return found;
}

function relations(body: Fields): Violation[] {
  const found: Violation[] = [];
  const seen = new Set<string>();
  for (const [i, link] of (Array.isArray(body.links) ? body.links : []).entries()) {
    if (!isRecord(link)) continue;
    const key = [link.relation, link.documentId, link.envelopeId].join(' ');
    if (seen.has(key))
      found.push(violation(`/links/${i}`, 'nêu hai lần cùng một văn bản. Bỏ bớt một.', 'said twice'));
    seen.add(key);
  }
  for (const [i, related] of (Array.isArray(body.related) ? body.related : []).entries()) {
    const day = isRecord(related) ? textOf(related.issueDate) : '';
    if (/^\d{4}-\d{2}-\d{2}$/.test(day) && !isDay(day))
      found.push(
        violation(
          `/related/${i}/issueDate`,
          'không có trong lịch. Xem lại ngày, tháng.',
          'not a day of the calendar',
        ),
      );
  }
  return found;
}

// What is wrong with a field, in words with their remedy, in both languages: made from the keyword of the schema that failed, or by judge.ts.
// All of them are named at once. Never repeats a value: it may be content. Pure.
import type { Violation } from '../errors.ts';
import type { Words } from './statuses.ts';

const fieldNames: Readonly<Record<string, string>> = {
  subject: 'Trích yếu',
  number: 'Số văn bản',
  notation: 'Ký hiệu',
  type: 'Loại văn bản',
  issueDate: 'Ngày ban hành',
  signers: 'Người ký',
  name: 'Tên',
  position: 'Chức vụ',
  competence: 'Thẩm quyền ký',
  urgency: 'Độ khẩn',
  urgentAt: 'Giờ hẹn của hỏa tốc hẹn giờ',
  replyBy: 'Hạn trả lời',
  deliverBy: 'Hạn chuyển',
  sphere: 'Lĩnh vực',
  note: 'Ghi chú',
  origin: 'Nguồn gốc bản điện tử',
  paperFollows: 'Gửi kèm bản giấy',
  pages: 'Số trang',
  copies: 'Số bản',
  otherPlaces: 'Nơi nhận khác',
  reportPeriod: 'Kỳ báo cáo',
  links: 'Văn bản liên quan',
  related: 'Văn bản liên quan',
  exception: 'Lĩnh vực không gửi qua hệ thống',
  reason: 'Lý do',
  extra: 'Trường riêng',
  recipients: 'Nơi nhận',
  parts: 'Tệp',
  mediaType: 'Kiểu tệp',
  contentBase64: 'Nội dung tệp',
  code: 'Mã trạng thái',
  registeredNumber: 'Số đến',
  person: 'Người xử lý',
  idempotencyKey: 'Khóa chống trùng',
};

/** "/signers/0/name" -> "Tên (người ký thứ 1)". */
export function fieldText(pointer: string): string {
  const steps = pointer.split('/').filter((step) => step !== '');
  const last = steps.filter((step) => !/^\d+$/.test(step)).at(-1) ?? '';
  const place = steps.find((step) => /^\d+$/.test(step));
  const parent = steps[0] ?? '';
  const name = fieldNames[last] ?? (last === '' ? 'Yêu cầu' : `"${last}"`);
  if (place === undefined) return name;
  const within = parent === last ? '' : `${(fieldNames[parent] ?? parent).toLowerCase()} `;
  return `${name} (${within}thứ ${Number(place) + 1})`;
}

type Failure = {
  readonly pointer: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Value of the failed keyword in the schema. */
  readonly schema: unknown;
  /** The checker's own words, for what is not listed here. */
  readonly message: string;
};

const listed = (values: unknown): string => (Array.isArray(values) ? values.join(', ').slice(0, 200) : '');
const typeWords: Readonly<Record<string, string>> = {
  string: 'chuỗi chữ',
  integer: 'số nguyên',
  number: 'số',
  boolean: 'true hoặc false',
  array: 'danh sách',
  object: 'đối tượng',
};

/** By keyword of JSON Schema: what to say after the name of the field. */
const wordsOf: Readonly<Record<string, (failure: Failure) => Words>> = {
  required: () => ({ vi: 'còn thiếu. Bổ sung trường này.', en: 'missing' }),
  additionalProperties: () => ({
    vi: 'không có trong mẫu. Bỏ đi hoặc xem lại tên trường.',
    en: 'unknown field',
  }),
  enum: ({ params }) => ({
    vi: `phải là một trong: ${listed(params.allowedValues)}.`,
    en: `one of ${listed(params.allowedValues)}`,
  }),
  'x-max-bytes': ({ schema }) => ({
    vi: `dài quá ${String(schema)} byte (UTF-8). Rút ngắn lại.`,
    en: `more than ${String(schema)} bytes in UTF-8`,
  }),
  maxLength: ({ schema }) => ({
    vi: `dài quá ${String(schema)} ký tự. Rút ngắn lại.`,
    en: `must NOT have more than ${String(schema)} characters`,
  }),
  minLength: () => ({ vi: 'đang để trống. Điền vào.', en: 'empty' }),
  maxItems: ({ schema }) => ({
    vi: `có nhiều hơn ${String(schema)} mục. Bớt lại.`,
    en: `must NOT have more than ${String(schema)} items`,
  }),
  minItems: ({ schema }) => ({
    vi: `cần ít nhất ${String(schema)} mục. Bổ sung.`,
    en: `must NOT have fewer than ${String(schema)} items`,
  }),
  type: ({ schema }) => ({
    vi: `phải là ${typeWords[String(schema)] ?? String(schema)}.`,
    en: `must be ${String(schema)}`,
  }),
  minimum: ({ schema }) => ({ vi: `phải từ ${String(schema)} trở lên.`, en: `must be >= ${String(schema)}` }),
  maximum: ({ schema }) => ({ vi: `phải không quá ${String(schema)}.`, en: `must be <= ${String(schema)}` }),
  'x-base64': () => ({
    vi: 'không phải base64 (RFC 4648 mục 4, đủ dấu =, không xuống dòng). Mã hóa lại tệp.',
    en: 'must be base64 with padding (RFC 4648 section 4), without line breaks',
  }),
  format: () => ({
    vi: 'không phải thời điểm có múi giờ. Ghi như 2026-11-30T17:00:00+07:00.',
    en: 'must be a time with its zone, as 2026-11-30T17:00:00+07:00',
  }),
};

const patterns: Readonly<Record<string, Words>> = {
  issueDate: { vi: 'không đúng dạng. Ghi năm-tháng-ngày, ví dụ 2026-11-22.', en: 'must be YYYY-MM-DD' },
  reportPeriod: {
    vi: 'không đúng dạng. Ghi 2026, 2026-11, 2026-Q4 hoặc 2026-H2.',
    en: 'must be as 2026, 2026-11, 2026-Q4 or 2026-H2',
  },
  documentId: {
    vi: 'không phải mã văn bản. Chép mã từ danh sách văn bản.',
    en: 'must be the id of a document',
  },
  envelopeId: { vi: 'không phải mã lượt gửi.', en: 'must be the id of an envelope' },
};

/** Of one failed keyword. `pointer` names the field itself, also of a missing or unknown one. */
export function violationOf(failure: Failure): Violation {
  const { pointer, keyword, message } = failure;
  const last = pointer.split('/').at(-1) ?? '';
  const words =
    (keyword === 'pattern' ? patterns[last] : undefined) ??
    wordsOf[keyword]?.(failure) ??
    ({ vi: `không hợp lệ (${keyword}).`, en: message } satisfies Words);
  return violation(pointer, words.vi, words.en);
}

/** `vi` follows the name of the field. */
export const violation = (field: string, vi: string, en: string): Violation => ({
  field,
  vi: `${fieldText(field)} ${vi}`,
  en,
});

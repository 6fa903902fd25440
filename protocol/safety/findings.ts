// From what was found in a document to what happens with it. Pure; the one place that decides. A state secret is refused and nothing allows
// it; a find of the scanner is held and nothing but a second person lets it go; everything else is the policy's.
import type { Action, FileTypeName, RuleName, Rules } from './policy.ts';
import type { SecretFinding } from './secrecy.ts';

type ActionRule = {
  [Name in RuleName]: Rules[Name] extends Action ? Name : never;
}[RuleName];
export type SecretCode = SecretFinding['code'] | 'secret-stamp';
export type FindingCode =
  | ActionRule
  | SecretCode
  | 'part-bytes-max'
  | 'document-bytes-max'
  | 'infected'
  | 'scan-error'
  | 'inspection-failed';

/** `part`: index of the file, absent for the document. `said` names fields, types and counts; never content. */
export type Finding = { readonly code: FindingCode; readonly part?: number; readonly said: string };
export type Weighed = Finding & { readonly action: Action };
export type Decision = { readonly action: Action; readonly findings: readonly Weighed[] };

const secretCodes: readonly FindingCode[] = ['secret-level', 'secret-words', 'secret-tag', 'secret-stamp'];
export const isSecret = ({ code }: Pick<Finding, 'code'>): boolean => secretCodes.includes(code);
/** Found by the scanner, or not looked at to the end: only a second person may let it pass. */
const alwaysHeld: readonly FindingCode[] = ['infected', 'scan-error', 'inspection-failed'];

const order: Readonly<Record<Action, number>> = { deliver: 0, hold: 1, refuse: 2 };
const worst = (actions: readonly Action[]): Action =>
  actions.reduce((a, b) => (order[b] > order[a] ? b : a), 'deliver');

const isArchive = (type: FileTypeName | undefined): boolean =>
  type !== undefined &&
  ['zip', 'rar', '7z', 'gzip', 'tar', 'executable', 'docx', 'xlsx', 'pptx', 'odf', 'ole'].includes(type);

function actionOf({ code, part }: Finding, rules: Rules, types: ReadonlyMap<number, FileTypeName>): Action {
  if (secretCodes.includes(code)) return 'refuse';
  if (alwaysHeld.includes(code)) return 'hold';
  if (code === 'part-bytes-max' || code === 'document-bytes-max') return 'refuse';
  const action = rules[code as ActionRule];
  // What can carry programs never passes unscanned by default.
  if (code === 'scan-too-large' && action === 'deliver' && isArchive(types.get(part ?? -1))) return 'hold';
  return action;
}

/**
 * `receiving`: what has arrived cannot be refused any more (its delivery receipt is signed); what would be refused is held and hidden.
 */
export function decide(
  findings: readonly Finding[],
  rules: Rules,
  options: { readonly types: ReadonlyMap<number, FileTypeName>; readonly receiving: boolean },
): Decision {
  const weighed = findings.map((finding): Weighed => {
    const action = actionOf(finding, rules, options.types);
    return { ...finding, action: options.receiving && action === 'refuse' ? 'hold' : action };
  });
  return { action: worst(weighed.map(({ action }) => action)), findings: weighed };
}

/** The words for a finding: what it is and what to do. */
export const findingWords: Readonly<Record<FindingCode, { readonly vi: string; readonly en: string }>> = {
  'secret-level': {
    vi: 'văn bản được ghi độ mật: văn bản mật không được gửi, nhận qua mạng này (Luật Bảo vệ bí mật nhà nước 2018; Quy chế Điều 3.2, 7.3)',
    en: 'a secrecy level is stated: state secrets do not travel here (Law on State Secrets 2018)',
  },
  'secret-words': {
    vi: 'trích yếu hoặc tên tệp có dấu MẬT, TỐI MẬT hoặc TUYỆT MẬT: văn bản mật không được gửi, nhận qua mạng này (Luật Bảo vệ bí mật nhà nước 2018)',
    en: 'subject or file name bears MẬT, TỐI MẬT or TUYỆT MẬT: state secrets do not travel here',
  },
  'secret-tag': {
    vi: 'văn bản thuộc lĩnh vực an ninh, quốc phòng, trật tự an toàn xã hội: không trao đổi qua hệ thống (Quy chế Điều 8.1)',
    en: 'tagged security, defence or public order: not exchanged here (regulation, Article 8.1)',
  },
  'secret-stamp': {
    vi: 'trang 1 có dấu MẬT, TỐI MẬT hoặc TUYỆT MẬT: văn bản mật không được gửi, nhận qua mạng này (Luật Bảo vệ bí mật nhà nước 2018)',
    en: 'page 1 bears a secrecy stamp: state secrets do not travel here (Law on State Secrets 2018)',
  },
  'type-not-listed': {
    vi: 'loại tệp không nằm trong danh mục được phép',
    en: 'the type of the file is not allowed',
  },
  executables: { vi: 'có chương trình hoặc tập lệnh thực thi', en: 'a program or script' },
  macros: { vi: 'tệp văn phòng có macro', en: 'an office file with macros' },
  'name-mismatch': {
    vi: 'đuôi tên tệp không đúng với nội dung',
    en: 'the name ending does not fit the content',
  },
  'archive-encrypted': {
    vi: 'tệp nén hoặc tệp văn phòng có mật khẩu, không kiểm tra được',
    en: 'encrypted archive or office file: cannot be checked',
  },
  'archive-unsafe': {
    vi: 'tệp nén không an toàn (bom nén, đường dẫn thoát ra ngoài, trùng tên…)',
    en: 'an unsafe archive',
  },
  'archive-unread': { vi: 'tệp nén không mở được để kiểm tra', en: 'an archive that is not looked into' },
  'pdf-encrypted': { vi: 'PDF có mật khẩu', en: 'an encrypted PDF' },
  'pdf-active': {
    vi: 'PDF có mã chạy được, lệnh gửi biểu mẫu hoặc tệp đính bên trong',
    en: 'a PDF with active content',
  },
  'pdf-version': {
    vi: 'phiên bản PDF ngoài khoảng quy định (NĐ 30/2020: từ 1.4)',
    en: 'PDF version outside what is asked for',
  },
  'pdf-unreadable': { vi: 'PDF hỏng hoặc quá phức tạp', en: 'a PDF that cannot be read' },
  'pdf-signature-bad': {
    vi: 'chữ ký số trong PDF sai, hoặc tệp bị đổi sau khi ký',
    en: 'a signature of the PDF is wrong, or it was changed after signing',
  },
  'page-unreadable': {
    vi: 'trang 1 không có lớp chữ: không dò được dấu mật',
    en: 'page 1 has no readable text: secrecy stamps cannot be looked for',
  },
  'scan-too-large': {
    vi: 'chưa quét mã độc: tệp vượt cỡ bộ quét nhận',
    en: 'not scanned: larger than the scanner takes',
  },
  'part-bytes-max': { vi: 'tệp vượt dung lượng cho phép', en: 'a file above the permitted size' },
  'document-bytes-max': {
    vi: 'văn bản vượt dung lượng cho phép',
    en: 'the document is above the permitted size',
  },
  infected: { vi: 'bộ quét báo có mã độc', en: 'the scanner reports malware' },
  'scan-error': { vi: 'bộ quét không kết luận được', en: 'the scanner gave no verdict' },
  'inspection-failed': {
    vi: 'không kiểm tra được tệp đến cùng',
    en: 'the file could not be checked to the end',
  },
};

/** The words of what was refused, for the clerk: each file with its reason. */
export const refusalText = (findings: readonly Weighed[]): string =>
  findings
    .filter(({ action }) => action === 'refuse')
    .slice(0, 5)
    .map(
      ({ code, part, said }) =>
        `${part === undefined ? '' : `/parts/${part}: `}${code} (${said}): ${findingWords[code].vi}`,
    )
    .join('; ');

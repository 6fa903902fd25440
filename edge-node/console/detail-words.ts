// What a refusal says beside its title, in Vietnamese for the person at the console: details are written for programs and for who looks after the node.
// Must never change a code, nor the answers of the API. What is not known here and reads as English is marked as technical, so that it never stands in
// the middle of a Vietnamese sentence. Outside a document's path.
import { statusName } from '../../protocol/document/statuses.ts';
import type { Problem } from '../../protocol/problem.ts';

const exact: Readonly<Record<string, string>> = {
  'nothing of it waits here': 'không còn gì của văn bản này đang chờ gửi ở đây',
  'nothing of it failed': 'không có nơi nhận nào bị lỗi',
  'nobody has it': 'chưa nơi nào có văn bản này',
  'nobody has it: it was stopped, refused or recalled':
    'không nơi nào đang giữ văn bản: đã dừng gửi, bị từ chối hoặc đã thu hồi',
  'it was sealed already': 'văn bản đã được niêm phong để gửi; muốn lấy lại thì dùng "Thu hồi"',
  'it has not been sealed yet': 'văn bản chưa rời máy',
  'it is no document by itself': 'đây là một yêu cầu, không phải văn bản',
  'only a document can be replaced': 'chỉ thay thế được văn bản, không thay thế được yêu cầu',
  'its check has not let it go yet': 'tệp đang được kiểm tra hoặc bị giữ lại',
  'its check is pending': 'tệp đang được kiểm tra',
  'its check is held': 'tệp đang bị giữ lại để xét',
  'its check is rejected': 'văn bản đã bị giữ lại luôn',
  pending: 'tệp đang được kiểm tra',
  held: 'tệp đang bị giữ lại để xét',
  rejected: 'văn bản đã bị giữ lại luôn',
  'reported as a state secret': 'văn bản đã bị báo cáo có nội dung bí mật nhà nước',
  'marked as a state secret: nobody releases it': 'có dấu hiệu bí mật nhà nước: không ai được cho qua',
  'this content was removed as a state secret': 'nội dung này đã bị gỡ vì là bí mật nhà nước',
  'the second person is another one': 'người thứ hai phải là một người khác',
  'whoever handed it in cannot release it': 'người đã gửi văn bản không tự cho qua được',
  'no such handle': 'tệp không còn trên máy, hãy bỏ ra rồi chọn lại',
  'its key is not here': 'máy này không có khóa để mở tệp',
  'the content of this document is not here any more': 'tệp của văn bản không còn ở máy này',
  'the metadata of this document are erased': 'thông tin của văn bản đã bị xóa',
  'finished already': 'việc đã báo hoàn thành',
  withdrawn: 'việc đã được rút',
  'the document moved meanwhile': 'văn bản vừa được người khác cập nhật; mở lại để xem',
  'accept the document first: the stamp bears its number': 'tiếp nhận văn bản trước, dấu ĐẾN cần có số đến',
  'no PDF among the files': 'văn bản không có tệp PDF',
  'two parts have the same name': 'có hai tệp trùng tên, hãy đổi tên một tệp',
  'more than announced': 'tệp đã thay đổi trong lúc tải lên, hãy chọn lại tệp',
  'not UTF-8': 'tệp không phải UTF-8, hãy lưu lại dưới dạng CSV UTF-8',
  'no encoding that is known here': 'không nhận ra bảng mã của tệp, hãy lưu lại dưới dạng CSV UTF-8',
  'XLS or a file under a password: save it as XLSX without one':
    'tệp XLS cũ hoặc có mật khẩu: hãy lưu lại dưới dạng XLSX không mật khẩu',
  'more than the memory or time set aside for it': 'bảng quá lớn, hãy chia nhỏ',
  'no unit of ours': 'không phải đơn vị của máy này',
  'files wait for inspection': 'máy đang kiểm tra nhiều tệp khác',
  'writer queue full': 'máy đang bận ghi dữ liệu',
  'database locked by another program': 'chương trình khác đang giữ dữ liệu',
  'key.manage: the node serves several units': 'nút phục vụ nhiều đơn vị, khóa được tạo trên máy chủ',
  'a name has 1 to 64 letters, digits, dots and hyphens':
    'tên có 1 đến 64 ký tự: chữ không dấu, số, dấu chấm, gạch nối',
  'an official e-mail address, such as vanthu@tayson.gov.vn':
    'cần địa chỉ e-mail công vụ, ví dụ vanthu@tayson.gov.vn',
  'decisionDate: yyyy-MM-dd': 'ngày quyết định không đúng',
  'from, to: yyyy-MM-dd': 'ngày bắt đầu hoặc kết thúc không đúng',
  'name: 1 to 300 bytes': 'tên dài từ 1 đến 300 byte',
  'name: missing': 'thiếu tên',
  '/reason: 1 to 500 bytes': 'cần lý do, tối đa 500 byte',
  'the Host header does not name this console': 'địa chỉ trên thanh trình duyệt không phải của trang này',
  'connect timeout': 'không thấy trả lời',
  upload: 'tệp này đang được tải lên ở nơi khác',
  'a group code has 1 to 64 letters, digits, dots or hyphens':
    'mã nhóm có 1 đến 64 ký tự: chữ không dấu, số, dấu chấm, gạch nối',
  'members: 1 to 1,024': 'nhóm có từ 1 đến 1.024 đơn vị',
  'decision, decisionDate: missing': 'thiếu số quyết định hoặc ngày quyết định',
  taker: 'chọn người được ủy quyền',
  'who reports it, and why': 'cần nêu lý do báo cáo',
  'who decides is not named': 'thiếu tên người quyết định',
  'a reason is needed': 'cần nêu lý do',
  '/reason: missing': 'cần nêu lý do',
  'month: yyyy-MM': 'tháng không đúng',
  'struck out, or its document was recalled': 'dòng sổ đã gạch bỏ, hoặc văn bản đã thu hồi',
  '/code: letters, digits, dots and dashes': 'mã sổ chỉ gồm chữ không dấu, số, dấu chấm, gạch nối',
  '/number: a number such as 12 or 12a': 'số văn bản có dạng 12 hoặc 12a',
};

const formed: readonly (readonly [RegExp, (found: RegExpExecArray) => string])[] = [
  [
    /^(.+) was asked to destroy it: send a new one$/,
    ([, who]) => `${who} đã được yêu cầu hủy văn bản này; hãy gửi văn bản mới`,
  ],
  [/^(.+) is no recipient of it$/, ([, who]) => `${who} không phải nơi nhận của văn bản`],
  [/^(.+) does not have it$/, ([, who]) => `${who} không có văn bản này`],
  [/^(.+) has it already$/, ([, who]) => `${who} đã có văn bản này`],
  [/^(.+) is served by another system: call$/, ([, who]) => `${who} dùng hệ thống khác: hãy gọi điện`],
  [/^(.+): given already$/, ([, who]) => `đã giao cho ${who}`],
  [
    /^(.+) takes at most (\d+) bytes$/,
    ([, who, bytes]) => `${who} chỉ nhận tối đa ${sizeText(Number(bytes))}`,
  ],
  [/^(.+): kind \d+$/, ([, who]) => `${who} không nhận loại này`],
  [
    /^(\d+) bytes free(?:, (\d+) needed)?$/,
    ([, free, needed]) =>
      `${needed ? `cần ${sizeText(Number(needed))}, ` : ''}còn trống ${sizeText(Number(free))}`,
  ],
  [/^more than (\d+) bytes$/, ([, bytes]) => `tối đa ${sizeText(Number(bytes))}`],
  [/^at most (\d+) bytes$/, ([, bytes]) => `tối đa ${sizeText(Number(bytes))}`],
  [/^(\d+) bytes$/, ([, bytes]) => sizeText(Number(bytes))],
  [/^(?:at|the offset is) (\d+)$/, ([, at]) => `nút đã có ${sizeText(Number(at))}`],
  [/^(?:part|parts?) (\d+)$/, ([, part]) => `tệp thứ ${Number(part) + 1}`],
  [
    /^\/parts\/(\d+) was removed as a state secret$/,
    ([, part]) => `tệp thứ ${Number(part) + 1} đã bị gỡ vì là bí mật nhà nước`,
  ],
  [/^there is a token of this name: (.+)$/, ([, name]) => `đã có khóa tên ${name}`],
  [/^no token of this name: (.+)$/, ([, name]) => `không có khóa tên ${name}`],
  [/^(?:session|passkey|delegation) \d+$/, () => 'mục này không còn'],
  [/^no column (.+)$/, ([, names]) => `thiếu cột ${names}`],
  [/^two columns (.+)$/, ([, name]) => `hai cột cùng tên ${name}`],
  [
    /^(0\d) → (0\d)$/,
    ([, from, to]) =>
      `văn bản đang ở "${statusName(from!).vi}", không chuyển sang "${statusName(to!).vi}" được`,
  ],
  [
    /^(in|out) (\d{4}) ?(.*)$/,
    ([, kind, year, code]) =>
      `sổ văn bản ${kind === 'in' ? 'đến' : 'đi'} năm ${year}${code ? `, mã ${code}` : ''}`,
  ],
  [/^\/year: 2000 to (\d{4})$/, ([, year]) => `năm từ 2000 đến ${year}`],
  [/^\/reason: more than (\d+) bytes in UTF-8$/, ([, bytes]) => `lý do quá dài (tối đa ${bytes} byte)`],
  [
    /^roles: (.+)$/,
    ([, role]) => (role === 'none' ? 'chọn ít nhất một vai trò' : `vai trò không có: ${role}`),
  ],
];

function sizeText(bytes: number): string {
  const units = ['byte', 'kB', 'MB', 'GB', 'TB'] as const;
  const step = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toLocaleString('vi', { maximumFractionDigits: 1 })} ${units[step]}`;
}

/** Two words of plain letters in a row, or the name of a field or an act, and no letter of Vietnamese: a person's name, a code, a number or an address is none. */
const forPrograms = (text: string): boolean =>
  !/[^\x20-\x7e]/.test(text) &&
  /(^|[\s(/])[a-z]{2,} [a-z]|^[a-z][a-z_]*$|^[a-z]+\.[a-z]+$|^\/|^entry \d/.test(text);

/** The detail for a person; undefined: it says nothing to one (what it is belongs to `technical`). */
export function detailWords(detail: string): string | undefined {
  const known = exact[detail];
  if (known !== undefined) return known;
  for (const [form, say] of formed) {
    const found = form.exec(detail);
    if (found) return say(found);
  }
  return forPrograms(detail) ? undefined : detail;
}

/** As the pages show it: `detail` in Vietnamese, with all that is wrong field by field; `technical` for what only programs say. */
export function forPerson(problem: Problem): Problem & { readonly technical?: string } {
  const { detail, violations, ...rest } = problem;
  if (violations?.length) return { ...rest, violations, detail: violations.map(({ vi }) => vi).join('; ') };
  if (detail === undefined) return rest;
  const said = detailWords(detail);
  return said === undefined ? { ...rest, technical: detail } : { ...rest, detail: said };
}

// What each reason of `lienthong certs verify` says to people: what is wrong, and who can mend it. The codes are certs/rfc5280/refusal.ts.
import type { RefusalCode } from '../../certs/rfc5280/refusal.ts';

type Words = {
  readonly vi: string;
  readonly en: string;
  readonly remedyVi: string;
  readonly remedyEn: string;
};

const w = (vi: string, en: string, remedyVi: string, remedyEn: string): Words => ({
  vi,
  en,
  remedyVi,
  remedyEn,
});
const issuerMends = ['Xin nơi cấp chứng thư cấp lại.', 'Ask the authority for a new certificate.'] as const;
const listMends = [
  'Tải danh sách thu hồi mới từ nơi cấp.',
  'Fetch a current revocation list from the authority.',
] as const;

export const refusalWords: Readonly<Record<RefusalCode, Words>> = {
  malformed: w(
    'Chứng thư hoặc danh sách hỏng, sai cấu trúc',
    'A certificate or list is damaged or malformed',
    'Lấy lại tệp gốc từ nơi cấp.',
    'Get the original file from the authority.',
  ),
  'too-large': w(
    'Quá lớn so với một chuỗi chứng thư thật',
    'Larger than a real chain can be',
    'Chỉ đưa các chứng thư của chuỗi này.',
    'Give only the certificates of this chain.',
  ),
  'unknown-issuer': w(
    'Không có nơi cấp nào trong số tin cậy',
    'No trusted authority stands behind it',
    'Thêm chứng thư trung gian vào chuỗi, hoặc gốc đúng vào --anchors.',
    'Add the intermediate to the chain, or the right root to --anchors.',
  ),
  'signature-invalid': w(
    'Chữ ký của nơi cấp không đúng',
    'The signature of the issuer does not hold',
    'Có thể bị sửa hoặc nhầm nơi cấp: lấy lại tệp gốc.',
    'Changed, or another issuer of the same name: get the original.',
  ),
  'algorithm-refused': w(
    'Thuật toán ký quá yếu',
    'The signature algorithm is too weak',
    'Chứng thư cũ SHA-1: chỉ xét lại quá khứ bằng --allow-weak.',
    'Old SHA-1: judge the past only, with --allow-weak.',
  ),
  'algorithm-unsupported': w(
    'Thuật toán ký chương trình này không xét',
    'A signature algorithm that is not judged here',
    'Dùng chương trình khác để xét; ở đây không chấp nhận.',
    'Judge it elsewhere; it is not accepted here.',
  ),
  'key-refused': w(
    'Khoá quá yếu hoặc không được chấp nhận',
    'The key is too weak or of a kind not accepted',
    ...issuerMends,
  ),
  'not-yet-valid': w(
    'Chưa đến ngày hiệu lực',
    'Not yet valid',
    'Kiểm tra đồng hồ máy và --at.',
    'Check the clock and --at.',
  ),
  expired: w(
    'Đã hết hạn',
    'Expired',
    'Xin cấp lại; văn bản cũ xét bằng --at lúc ký.',
    'Renew it; judge old documents with --at the time of signing.',
  ),
  revoked: w('Đã bị thu hồi', 'Revoked', 'Không dùng; hỏi nơi cấp.', 'Do not use it; ask the authority.'),
  'issuer-not-ca': w(
    'Chứng thư cấp không phải của nơi cấp chứng thư',
    'The issuer is no authority',
    ...issuerMends,
  ),
  'issuer-key-usage': w(
    'Khoá của nơi cấp không được phép ký chứng thư',
    'The key of the issuer may not sign certificates',
    ...issuerMends,
  ),
  'path-too-long': w(
    'Chuỗi dài hơn nơi cấp cho phép',
    'The chain is longer than an authority allows',
    ...issuerMends,
  ),
  'name-not-permitted': w(
    'Tên nằm ngoài phạm vi của nơi cấp',
    'A name outside what the authority may certify',
    ...issuerMends,
  ),
  'name-form-unsupported': w(
    'Loại tên bị giới hạn mà chương trình không xét',
    'A limited form of name that is not judged here',
    'Dùng chương trình khác để xét.',
    'Judge it elsewhere.',
  ),
  'too-many-names': w('Quá nhiều tên và giới hạn tên', 'Too many names and limits', ...issuerMends),
  'critical-extension': w(
    'Có phần mở rộng bắt buộc mà chương trình không hiểu',
    'A critical extension that is not understood here',
    'Dùng chương trình khác để xét.',
    'Judge it elsewhere.',
  ),
  policy: w('Không có chính sách chứng thư nào hợp lệ', 'No valid certificate policy', ...issuerMends),
  purpose: w(
    'Không dùng được cho mục đích này',
    'Not for this purpose',
    'Dùng đúng chứng thư, hoặc --purpose any để chỉ xét chuỗi.',
    'Use the right certificate, or --purpose any for the chain alone.',
  ),
  'key-usage': w(
    'Khoá không được phép dùng cho việc này',
    'The key may not be used for this',
    ...issuerMends,
  ),
  profile: w(
    'Không đúng mẫu chứng thư của hệ thống này',
    'Not a certificate of the profiles of this system',
    'Ghi danh lại với trung tâm.',
    'Enrol again with the hub.',
  ),
  'crl-missing': w(
    'Không có danh sách thu hồi của nơi cấp',
    'No revocation list of the issuer',
    ...listMends,
  ),
  'crl-not-yet-valid': w(
    'Danh sách thu hồi chưa đến ngày',
    'The revocation list is not yet valid',
    'Kiểm tra đồng hồ máy và --at.',
    'Check the clock and --at.',
  ),
  'crl-expired': w('Danh sách thu hồi đã cũ', 'The revocation list is out of date', ...listMends),
  'crl-signature-invalid': w(
    'Chữ ký của danh sách thu hồi không đúng',
    'The signature of the revocation list does not hold',
    ...listMends,
  ),
  'crl-issuer': w(
    'Danh sách thu hồi không do nơi có quyền ký',
    'The revocation list is not by one who may sign it',
    ...listMends,
  ),
  'crl-scope': w(
    'Danh sách thu hồi không nói về chứng thư này',
    'The revocation list is not about this certificate',
    ...listMends,
  ),
  'crl-unsupported': w(
    'Loại danh sách thu hồi chương trình không xét',
    'A kind of revocation list that is not judged here',
    'Dùng danh sách đầy đủ của nơi cấp.',
    'Use the complete list of the authority.',
  ),
};

export const verdictWords = {
  valid: 'HỢP LỆ (valid)',
  refused: 'KHÔNG CHẤP NHẬN (refused)',
  unsupported: 'KHÔNG XÉT ĐƯỢC, không chấp nhận (unsupported)',
} as const;

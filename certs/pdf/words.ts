// The one sentence of a signature report, in Vietnamese for clerks and in English: what the document is worth and what to do.
// It must never decide anything: the verdict comes in. Names in it are words of other people; whoever prints makes them visible. Pure.
import type { ReportedSignature, Verdict } from './report.ts';

type Words = { readonly vi: string; readonly en: string };
export type Spoken = {
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly signatures: readonly ReportedSignature[];
};

const REASONS: Readonly<Record<string, Words>> = {
  'digest-mismatch': { vi: 'nội dung không còn đúng với lúc ký', en: 'the content is not what was signed' },
  'byte-range-beyond-file': {
    vi: 'tệp đã được lưu lại, in lại hoặc tối ưu sau khi ký',
    en: 'the file was saved anew, printed or optimised after signing',
  },
  'byte-range-gap': {
    vi: 'chữ ký không khớp vị trí trong tệp, tệp đã bị ghi lại',
    en: 'the signature does not fit its place: the file was written anew',
  },
  'hidden-data': {
    vi: 'có dữ liệu lạ được thêm sau chữ ký',
    en: 'unaccounted data was added behind the signature',
  },
  'signature-removed': {
    vi: 'một chữ ký đã bị gỡ khỏi văn bản',
    en: 'a signature was taken out of the document',
  },
  'page-content-changed': { vi: 'nội dung trang bị thay', en: 'the content of a page was replaced' },
  'page-content-added': {
    vi: 'trang có nội dung thêm sau khi ký',
    en: 'content was added to a page after signing',
  },
  'annotation-added': {
    vi: 'có chú thích hoặc dấu thêm sau khi ký',
    en: 'a note or stamp was added after signing',
  },
  'form-filled': { vi: 'ô biểu mẫu được điền sau khi ký', en: 'a form field was filled after signing' },
  'pages-changed': { vi: 'trang bị thêm, bớt hoặc đổi', en: 'pages were added, taken out or changed' },
  'appearance-shared': {
    vi: 'hình ảnh chữ ký dùng chung với phần khác',
    en: 'an appearance is shared with other content',
  },
  'certificate-revoked': {
    vi: 'chứng thư của người ký đã bị thu hồi',
    en: "the signer's certificate was revoked",
  },
  'contents-missing': {
    vi: 'chữ ký đã bị lấy khỏi chỗ của nó',
    en: 'the signature was taken out of its place',
  },
  'byte-range-shape': {
    vi: 'vùng được ký ghi trong chữ ký không hợp lệ',
    en: 'the range that the signature names means nothing',
  },
  'byte-range-end': { vi: 'chữ ký không phủ hết văn bản', en: 'the signature does not cover the document' },
  'annotation-changed': {
    vi: 'chú thích hoặc dấu đã ký bị đổi',
    en: 'a note or stamp that was signed was changed',
  },
  'form-changed': { vi: 'biểu mẫu bị thay đổi', en: 'the form was changed' },
  'catalog-changed': {
    vi: 'cách hiển thị hoặc hoạt động của tệp bị thay đổi',
    en: 'what the file shows or does was changed',
  },
  'signature-added': {
    vi: 'có chữ ký được thêm mà người ký trước không cho phép',
    en: 'a signature was added that an earlier one does not allow',
  },
  'message-digest-missing': {
    vi: 'chữ ký không gắn với nội dung',
    en: 'the signature does not bind the content',
  },
  'content-inside-detached': {
    vi: 'chữ ký dành cho nội dung khác',
    en: 'the signature is for other content',
  },
  'signature-wrong': { vi: 'giá trị chữ ký sai', en: 'the signature value is wrong' },
  'algorithm-refused': { vi: 'thuật toán ký không được chấp nhận', en: 'the algorithm is not accepted' },
  'chain-no-anchor': {
    vi: 'chứng thư không thuộc tổ chức chứng thực đã cấu hình',
    en: 'the certificate leads to no configured authority',
  },
  'chain-expired': {
    vi: 'chứng thư đã hết hạn và không có dấu thời gian tin cậy',
    en: 'the certificate has expired and there is no trusted time',
  },
  'chain-not-yet-valid': { vi: 'chứng thư chưa có hiệu lực', en: 'the certificate is not valid yet' },
  'chain-usage': {
    vi: 'chứng thư không được cấp để ký văn bản',
    en: 'the certificate is not for signing documents',
  },
  'untrusted-signature-shown': {
    vi: 'có thêm chữ ký chưa tin cậy hiển thị trên văn bản',
    en: 'a later signature that is shown is not trusted',
  },
  'no-anchors-given': { vi: 'chưa cấu hình chứng thư gốc tin cậy', en: 'no trusted root is configured' },
  'time-limit': { vi: 'đọc tệp quá lâu', en: 'reading took too long' },
  'memory-limit': { vi: 'tệp cần quá nhiều bộ nhớ', en: 'the file needs too much memory' },
  'pdf-limit': { vi: 'tệp quá lớn hoặc quá phức tạp', en: 'the file is too large or too complex' },
  'pdf-malformed': { vi: 'tệp hỏng hoặc không phải PDF', en: 'the file is damaged or no PDF' },
  'pdf-encrypted': { vi: 'tệp có mật khẩu', en: 'the file is encrypted' },
};

/** What a reader should know beside the verdict. */
const WARNINGS: Readonly<Record<string, Words>> = {
  'legacy-algorithm': {
    vi: 'thuật toán cũ (SHA-1 hoặc khóa RSA ngắn), chữ ký đời trước',
    en: 'an old algorithm (SHA-1 or a short RSA key)',
  },
  'one-signature-untrusted': { vi: 'có một chữ ký chưa tin cậy', en: 'one of the signatures is not trusted' },
  'revocation-unknown': {
    vi: 'chưa biết chứng thư có bị thu hồi không: hãy nhập danh sách thu hồi (CRL)',
    en: 'whether a certificate was revoked is not known: import revocation lists',
  },
  'no-trusted-time': {
    vi: 'không có dấu thời gian tin cậy, giờ ký là giờ máy người ký',
    en: "no trusted time stamp: the time is the signer's machine's",
  },
  'time-stamp-invalid': { vi: 'dấu thời gian không hợp lệ', en: 'a time stamp is not valid' },
  'claimed-time-after-time-stamp': {
    vi: 'giờ máy người ký sau dấu thời gian',
    en: "the signer's clock says later than the time stamp",
  },
  'claimed-time-in-future': { vi: 'giờ ký ở tương lai', en: 'the signing time lies in the future' },
  'empty-signature-field': { vi: 'còn ô ký chưa ký', en: 'a signature field is still empty' },
  'signing-certificate-missing': {
    vi: 'chữ ký PAdES không ghi chứng thư đã ký',
    en: 'a PAdES signature does not name its certificate',
  },
  'number-or-stamp-added-before-organisation-signed': {
    vi: 'số, ngày hoặc dấu được thêm sau khi người ký, trước khi cơ quan ký: hãy xem trang có nội dung thêm',
    en: 'number, date or stamp came after the person and before the organisation signed: look at that page',
  },
  encrypted: { vi: 'tệp có mật khẩu', en: 'the file is encrypted' },
  'signature-data-without-field': {
    vi: 'tệp có dấu vết chữ ký nhưng không có ô ký',
    en: 'the bytes speak of a signature, and no field has one',
  },
  'signature-seen-but-unreadable': {
    vi: 'tệp có chữ ký nhưng không đọc được',
    en: 'there is a signature, and it cannot be read',
  },
  'anchor-files-unusable': {
    vi: 'có tệp chứng thư gốc hoặc CRL không đọc được',
    en: 'a file among the anchors cannot be used',
  },
};

/** Words for a reason or a warning; undefined where the code has none. */
export const wordsOf = (code: string): Words | undefined => REASONS[code] ?? WARNINGS[code];

const OTHERS: Words = { vi: 'xem chi tiết', en: 'see the details' };

function because(reasons: readonly string[]): Words {
  const known = reasons.map((code) => REASONS[code]).filter((words) => words !== undefined);
  const said = known.length > 0 ? known.slice(0, 2) : [OTHERS];
  return { vi: said.map(({ vi }) => vi).join('; '), en: said.map(({ en }) => en).join('; ') };
}

/** Names of the trusted signers of one kind, or of all when none is trusted. */
function names(signatures: readonly ReportedSignature[], party: 'person' | 'organisation'): string {
  const of = signatures.filter((one) => one.party === party);
  const trusted = of.filter((one) => one.trusted);
  const all = (trusted.length > 0 ? trusted : of).map((one) => one.signer ?? '?');
  return [...new Set(all)].slice(0, 3).join(', ') || '?';
}

/** Always one sentence: the finding, then the advice after a dash. */
export function sentenceOf({ verdict, reasons, signatures }: Spoken): Words {
  const why = because(reasons);
  const [person, body] = [names(signatures, 'person'), names(signatures, 'organisation')];
  switch (verdict) {
    case 'original-value':
      return {
        vi: `Chữ ký số của ${person} và của cơ quan ${body} đều hợp lệ, văn bản có giá trị như bản gốc – tiếp nhận được.`,
        en: `The signatures of ${person} and of the organisation ${body} are valid: worth the original – accept it.`,
      };
    case 'organisation-only':
      return {
        vi: `Chỉ có chữ ký số hợp lệ của cơ quan ${body}, chưa có chữ ký của người có thẩm quyền – tiếp nhận như bản sao y nếu là bản số hóa, không phải bản gốc.`,
        en: `Only the organisation ${body} has signed validly, no competent person – accept a scan as a certified copy, not as an original.`,
      };
    case 'valid-untrusted':
      return reasons.includes('organisation-signature-missing')
        ? {
            vi: `Chữ ký số của ${person} hợp lệ nhưng thiếu chữ ký số của cơ quan, chưa có giá trị như bản gốc – đề nghị nơi gửi ký số của cơ quan rồi gửi lại.`,
            en: `The signature of ${person} is valid but the organisation has not signed: not worth the original – ask the sender for the organisation's signature.`,
          }
        : {
            vi: `Chữ ký còn nguyên vẹn nhưng chưa xác định được độ tin cậy (${why.vi}) – chưa dùng làm bản gốc, hãy kiểm tra chứng thư gốc hoặc hỏi nơi gửi.`,
            en: `The signatures are intact but cannot be trusted (${why.en}) – not an original yet; check the configured roots or ask the sender.`,
          };
    case 'changed-after-signing':
      return {
        vi: `Văn bản đã bị thay đổi sau khi ký (${why.vi}) – không tiếp nhận, đề nghị nơi gửi gửi lại đúng tệp đã ký, không in hay lưu lại.`,
        en: `The document was changed after signing (${why.en}) – do not accept; ask the sender for the signed file itself, not saved or printed anew.`,
      };
    case 'invalid':
      return {
        vi: `Chữ ký số KHÔNG hợp lệ (${why.vi}) – trả lại văn bản và báo cho nơi gửi.`,
        en: `A signature is NOT valid (${why.en}) – return the document and tell the sender.`,
      };
    case 'unsigned':
      return {
        vi: 'Văn bản chưa được ký số – chỉ để biết, tham khảo, không thay cho bản giấy.',
        en: 'The document is not signed – for information only, it does not replace paper.',
      };
    case 'unreadable':
      return {
        vi: `Không kiểm tra được tệp (${why.vi}) – không tiếp nhận, đề nghị nơi gửi gửi lại.`,
        en: `The file could not be checked (${why.en}) – do not accept; ask the sender to send it again.`,
      };
  }
}

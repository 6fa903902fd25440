// The error catalogue: one table, and nothing else defines a failure that a peer, a clerk or a program can see.
// A code is stable for ever. Decide on the code; fall back to the HTTP status where a code is unknown; never on text.
// `retry` is obeyed by the sender's worker: 'never' ends in a notice, 'later' means the same bytes again, 'operator' means the
// same bytes again after a person has acted. Trouble of our own disk, clock or configuration is never 'never'.

export type Retry = 'never' | 'later' | 'operator';
/** Who must act. 'nobody': it heals by itself. */
export type Who = 'clerk' | 'software' | 'node-operator' | 'hub-operator' | 'nobody';
type Words = { readonly vi: string; readonly en: string };
export type CatalogueRow = {
  readonly status: number;
  readonly retry: Retry;
  readonly who: Who;
  readonly title: Words;
  readonly remedy: Words;
};

function row(
  status: number,
  retry: Retry,
  who: Who,
  title: [string, string],
  remedy: [string, string],
): CatalogueRow {
  return {
    status,
    retry,
    who,
    title: { vi: title[0], en: title[1] },
    remedy: { vi: remedy[0], en: remedy[1] },
  };
}

const callHub: [string, string] = [
  'Gọi cơ quan đầu mối (trung tâm liên thông).',
  'Call the operator of the hub.',
];
const callAgain: [string, string] = [
  'Gọi cơ quan đầu mối. Khi được cho kết nối lại: xin giấy mời mới rồi chạy "lienthong node init --invitation"; dữ liệu giữ nguyên.',
  'Call the operator of the hub. When you may connect again, ask for a new invitation and run "lienthong node init --invitation"; all data stay.',
];
const callVendor: [string, string] = [
  'Báo đơn vị cung cấp phần mềm kèm mã lỗi này.',
  'Give this code to the maker of the sending software.',
];
const waits: [string, string] = [
  'Không cần làm gì; hệ thống tự gửi lại.',
  'Nothing to do; the system tries again by itself.',
];

export const catalogue = {
  // Form of what arrives.
  'envelope-malformed': row(
    400,
    'never',
    'software',
    ['Phong bì văn bản không đọc được', 'The envelope could not be parsed'],
    callVendor,
  ),
  'envelope-too-large': row(
    413,
    'never',
    'software',
    ['Phong bì văn bản quá lớn', 'The envelope is larger than allowed'],
    ['Chuyển tệp lớn thành phần tải lên riêng.', 'Send large parts as uploads.'],
  ),
  'envelope-version-unsupported': row(
    400,
    'operator',
    'node-operator',
    ['Phiên bản giao thức không được hỗ trợ', 'Protocol version not supported'],
    ['Cập nhật phần mềm nút hoặc trung tâm.', 'Update the node or the hub.'],
  ),
  'envelope-from-future': row(
    409,
    'later',
    'node-operator',
    ['Giờ của máy gửi chạy nhanh hơn trung tâm', "The sender's clock is ahead of the hub"],
    [
      'Chỉnh đồng hồ máy (chrony/NTP); văn bản được giữ và tự gửi lại.',
      'Correct the clock (chrony/NTP); the document is kept and sent again.',
    ],
  ),
  'envelope-expired': row(
    410,
    'never',
    'clerk',
    ['Đã quá hạn chuyển của văn bản', 'The delivery deadline of the envelope has passed'],
    ['Gửi lại văn bản thành lần gửi mới.', 'Send the document again as a new sending.'],
  ),
  'envelope-unknown': row(
    404,
    'later',
    'nobody',
    ['Trung tâm không có văn bản này', 'No such envelope here'],
    [
      'Nếu trung tâm vừa khôi phục dữ liệu, nút gửi sẽ tự gửi lại.',
      'If the hub was restored, the sending node offers it again.',
    ],
  ),
  'header-malformed': row(
    400,
    'never',
    'software',
    ['Phần đầu văn bản sai cấu trúc', 'The signed header is not well formed'],
    callVendor,
  ),
  'header-too-large': row(
    413,
    'never',
    'software',
    ['Phần đầu văn bản quá lớn', 'The signed header is larger than allowed'],
    ['Chia nhỏ danh sách nơi nhận.', 'Split the list of recipients.'],
  ),
  'recipients-none': row(
    400,
    'never',
    'clerk',
    ['Văn bản không có nơi nhận', 'The document names no recipient'],
    ['Chọn ít nhất một nơi nhận.', 'Choose at least one recipient.'],
  ),
  'recipients-too-many': row(
    400,
    'never',
    'clerk',
    ['Quá nhiều nơi nhận trong một lần gửi', 'Too many recipients in one sending'],
    ['Chia thành nhiều lần gửi (tối đa 1.024 nơi nhận).', 'Split into several sendings (1,024 at most).'],
  ),
  'recipients-repeated': row(
    400,
    'never',
    'clerk',
    ['Một nơi nhận được nêu hai lần', 'A recipient is named twice'],
    ['Bỏ nơi nhận trùng.', 'Remove the repeated recipient.'],
  ),
  'wrapper-recipient-unsigned': row(
    400,
    'never',
    'software',
    [
      'Nơi nhận của chặng không có trong danh sách đã ký',
      'A recipient of this leg is not among the signed ones',
    ],
    callVendor,
  ),
  'metadata-mismatch': row(
    400,
    'never',
    'software',
    ['Khối thông tin mô tả không khớp với chữ ký', 'The metadata block does not match the signed digest'],
    callVendor,
  ),
  'metadata-malformed': row(
    400,
    'never',
    'software',
    ['Khối thông tin mô tả sai cấu trúc', 'The metadata block is not well formed'],
    callVendor,
  ),
  'part-name-refused': row(
    400,
    'never',
    'clerk',
    ['Tên tệp không được chấp nhận', 'A part name is not acceptable'],
    [
      'Đổi tên tệp: không có dấu gạch chéo, ký tự điều khiển hoặc ký tự đảo chiều, tối đa 255 byte.',
      'Rename the file: no slashes, control or bidi characters, 255 bytes at most.',
    ],
  ),
  'register-entry-refused': row(
    400,
    'never',
    'clerk',
    ['Dòng ghi sổ chưa đúng', 'The register entry is not right'],
    ['Sửa những chỗ được nêu rồi ghi lại.', 'Mend what is named and enter it again.'],
  ),
  'register-number-taken': row(
    409,
    'never',
    'clerk',
    ['Số này đã có trong sổ', 'This number is in the book already'],
    [
      'Một số chỉ dùng một lần trong năm và trong sổ. Để trống để lấy số tiếp theo, hoặc xem dòng đã ghi số đó.',
      'A number is used once in a year and book. Leave it out for the next one, or look at the entry that has it.',
    ],
  ),
  'register-closed': row(
    409,
    'never',
    'clerk',
    ['Sổ đã khóa, chỉ đọc', 'The book is closed and can only be read'],
    [
      'Ghi vào sổ của năm nay. Sổ đã khóa được in, ký và lưu, không ghi thêm.',
      "Enter it in this year's book. A closed book is printed, signed and kept; nothing is added.",
    ],
  ),
  'register-unknown': row(
    404,
    'never',
    'clerk',
    ['Không có sổ hoặc dòng này', 'There is no such book or entry'],
    ['Xem các sổ bằng "lienthong register books".', '"lienthong register books" lists the books.'],
  ),
  'document-registered': row(
    409,
    'never',
    'clerk',
    ['Văn bản đã được tiếp nhận và vào sổ', 'The document has been accepted and registered already'],
    [
      'Đã có người tiếp nhận (nêu ở trên: số đến, ai, lúc nào). Không cần làm gì thêm.',
      'The detail says who accepted it, when, and its number. Nothing more is to be done.',
    ],
  ),
  'task-unknown': row(
    404,
    'never',
    'clerk',
    ['Không có việc này', 'There is no such task'],
    ['Xem các việc của văn bản bằng "lienthong work".', '"lienthong work" lists the tasks of a document.'],
  ),
  'task-refused': row(
    409,
    'never',
    'clerk',
    ['Không làm được việc này lúc này', 'This cannot be done with the task now'],
    [
      'Chi tiết nêu lý do: việc đã xong, đã rút lại, hoặc đã giao cho người này.',
      'The detail says why: it is finished, withdrawn, or given to this person already.',
    ],
  ),
  'pdf-not-printable': row(
    400,
    'never',
    'clerk',
    ['Không đóng dấu ĐẾN lên tệp PDF này được', 'The ĐẾN stamp cannot be put onto this PDF'],
    [
      'Tệp được mã hóa, hỏng hoặc không phải PDF. In bản giấy rồi đóng dấu ĐẾN, hoặc trả lại văn bản nếu không đọc được.',
      'The file is encrypted, damaged, or no PDF. Print it and stamp the paper, or give the document back if it cannot be read.',
    ],
  ),
  'calendar-invalid': row(
    400,
    'never',
    'node-operator',
    ['Lịch ngày nghỉ không đúng mẫu', 'The calendar of days off is not well formed'],
    [
      'Sửa những chỗ được nêu; xem mẫu bằng "lienthong node calendar --json".',
      'Mend what is named; "lienthong node calendar --json" shows the form.',
    ],
  ),
  'folder-drop-refused': row(
    400,
    'never',
    'clerk',
    ['Văn bản trong thư mục gửi chưa đúng', 'What lies in the folder of outgoing documents is not right'],
    [
      'Mở tệp .LOI.txt bên cạnh, sửa hết các chỗ được nêu rồi lưu lại; nút tự nhận khi tệp đã sửa.',
      'Open the .LOI.txt file beside it, mend everything it names and save; the node takes it by itself.',
    ],
  ),
  'folder-unusable': row(
    503,
    'later',
    'node-operator',
    ['Thư mục trao đổi không dùng được', 'The watched folder cannot be used'],
    [
      'Kiểm tra ổ đĩa chung, quyền đọc ghi và dung lượng của thư mục ghi trong cấu hình; nút tự làm tiếp, không mất văn bản nào.',
      'Check the share, its permissions and its free space; the node goes on by itself, nothing is lost.',
    ],
  ),
  'text-legacy': row(
    400,
    'never',
    'clerk',
    ['Thông tin mô tả có chữ không phải Unicode', 'Metadata hold text that is not Unicode'],
    [
      'Chữ có vẻ theo bảng mã cũ (TCVN3, VNI, VISCII…). Xem bản chuyển đổi đề nghị trong chi tiết và gửi lại bằng chữ đó; nếu chữ viết như thế là đúng, gửi lại với keepText.',
      'The text seems to be in an older encoding (TCVN3, VNI, VISCII …). Look at the conversion offered in the detail and send that; if it is right as written, send it again with keepText.',
    ],
  ),
  'text-binary': row(
    400,
    'never',
    'clerk',
    ['Tệp không phải là văn bản thuần', 'The file is not plain text'],
    [
      'Chỉ kiểm tra và chuyển mã được tệp chữ (txt, csv, html…). Tệp Word, PDF, ảnh: mở bằng phần mềm của nó. Tệp đã ký không được sửa.',
      'Only plain text (txt, csv, html …) can be checked and converted. Open Word, PDF and image files with their own program. A signed file must not be changed.',
    ],
  ),
  'text-mixed': row(
    400,
    'never',
    'clerk',
    ['Tệp trộn nhiều bảng mã', 'The file mixes several encodings'],
    [
      'Các dòng được nêu khác bảng mã với phần còn lại. Tách chúng ra tệp riêng rồi chuyển từng tệp, hoặc chọn một bảng mã với --from.',
      'The lines named are in another encoding than the rest. Put them into a file of their own and convert each, or choose one encoding with --from.',
    ],
  ),
  'text-uncertain': row(
    400,
    'never',
    'clerk',
    ['Không chắc chữ theo bảng mã nào', 'It is not certain which encoding the text is in'],
    [
      'Xem thử từng bảng mã rồi chọn bằng --from (ví dụ --from tcvn3); phông .Vn* là TCVN3, phông VNI-* là VNI.',
      'Try the encodings and choose with --from (for example --from tcvn3); .Vn* fonts are TCVN3, VNI-* fonts are VNI.',
    ],
  ),
  'secrecy-refused': row(
    422,
    'never',
    'clerk',
    [
      'Văn bản mang dấu hiệu bí mật nhà nước, không được gửi qua mạng này',
      'The document is marked as a state secret and does not travel here',
    ],
    [
      'Gửi văn bản mật theo Luật Bảo vệ bí mật nhà nước, không qua hệ thống này. Nếu đây không phải văn bản mật: bỏ từ MẬT viết hoa khỏi trích yếu, tên tệp hoặc vị trí đóng dấu ở trang 1 rồi gửi lại. Không ai có quyền bỏ qua quy tắc này.',
      'State secrets go by the ways of the Law on State Secrets, not here. If it is none, take the word MẬT in capitals out of subject, file names or the stamp area of page 1. Nobody can override this rule.',
    ],
  ),
  'file-refused': row(
    422,
    'never',
    'clerk',
    ['Tệp bị từ chối theo chính sách tệp', 'A file is refused by the file policy'],
    [
      'Xem lý do kèm theo, đổi tệp rồi gửi lại. "lienthong policy check TỆP" cho biết trước kết quả.',
      'See the reason given, change the file and send again. "lienthong policy check FILE" tells beforehand.',
    ],
  ),
  'document-held': row(
    423,
    'operator',
    'clerk',
    ['Văn bản đang được giữ để kiểm tra', 'The document is held'],
    [
      'Chờ kiểm tra xong; nếu bị giữ vì nghi mã độc hoặc theo chính sách, người thứ hai xem lý do rồi cho qua ("lienthong node release ID") hoặc loại ("lienthong node reject ID").',
      'Wait for the check; what is held for malware or by policy is released ("lienthong node release ID") or rejected ("lienthong node reject ID") by a second person.',
    ],
  ),
  'policy-invalid': row(
    400,
    'operator',
    'node-operator',
    [
      'Tệp chính sách có lỗi, chính sách cũ vẫn có hiệu lực',
      'The policy file has a mistake; the one before stays in force',
    ],
    [
      'Sửa dòng được nêu trong policy.conf; hệ thống tự đọc lại. Kiểm tra bằng "lienthong policy show --file policy.conf".',
      'Correct the line named in policy.conf; it is read again by itself. Check it with "lienthong policy show --file policy.conf".',
    ],
  ),
  'scanner-unreachable': row(
    503,
    'later',
    'node-operator',
    [
      'Bộ quét mã độc không trả lời, văn bản đang chờ quét',
      'The malware scanner does not answer; documents wait for it',
    ],
    [
      'Kiểm tra clamd (systemctl status clamav-daemon) và mục "safety.scanner" của config.json. Văn bản không mất, tự đi tiếp khi quét được.',
      'Look at clamd (systemctl status clamav-daemon) and "safety.scanner" of config.json. Nothing is lost; documents go on by themselves when it answers.',
    ],
  ),
  'same-person-refused': row(
    403,
    'never',
    'clerk',
    ['Cần một người khác xác nhận', 'Another person must confirm'],
    [
      'Người gửi và người đã xác nhận lần đầu không tự cho qua được; nhờ một người khác có thẩm quyền.',
      'Neither the sender nor the first to confirm can release it; ask another competent person.',
    ],
  ),
  'secret-reported': row(
    409,
    'operator',
    'hub-operator',
    ['Có báo cáo văn bản chứa bí mật nhà nước', 'A document was reported to hold a state secret'],
    [
      'Báo ngay người đứng đầu và cơ quan chức năng. Trung tâm: "lienthong hub takedown hide ID --key KHOÁ" ngay, rồi người vận hành thứ hai "lienthong hub takedown destroy ID --key KHOÁ"; theo dõi bằng "lienthong hub takedown report".',
      'Tell the head of the office and the authorities now. At the hub: "lienthong hub takedown hide ID --key KEY" at once, then a second operator "lienthong hub takedown destroy ID --key KEY"; follow it with "lienthong hub takedown report".',
    ],
  ),
  'removal-refused': row(
    403,
    'never',
    'hub-operator',
    [
      'Lệnh gỡ bỏ không đúng thẩm quyền hoặc thiếu chữ ký của người vận hành, không thực hiện',
      'An order of removal without the right or the signatures for it; it was not carried out',
    ],
    [
      'Gọi ngay cho trung tâm ra lệnh: chỉ người vận hành của nơi gửi, nơi nhận hoặc cấp trên của họ được ra lệnh, bằng khóa đã có tên trong danh bạ.',
      'Call the hub that ordered it: only operators of the sender, of a recipient or of a hub above them may order, by keys that the directory names.',
    ],
  ),
  'parts-too-many': row(
    400,
    'never',
    'clerk',
    ['Quá nhiều tệp trong một văn bản', 'Too many parts in one document'],
    ['Gộp tệp hoặc chia văn bản (tối đa 64 tệp).', 'Join files or split the document (64 at most).'],
  ),
  'file-empty': row(
    400,
    'never',
    'clerk',
    ['Tệp rỗng (0 byte)', 'A file has no content (0 bytes)'],
    [
      'Mở tệp xem có nội dung không, lưu lại từ phần mềm đã tạo ra nó rồi chọn lại tệp.',
      'Open the file to see whether anything is in it, save it again where it was made, and choose it anew.',
    ],
  ),
  'part-too-large': row(
    413,
    'never',
    'clerk',
    ['Tệp vượt dung lượng cho phép', 'A part is larger than allowed'],
    ['Chia nhỏ tệp.', 'Split the file.'],
  ),
  'part-mismatch': row(
    400,
    'later',
    'nobody',
    ['Nội dung tệp không khớp với chữ ký', 'A part does not match its signed digest'],
    [
      'Tệp được tải lại; nếu lặp lại hãy gọi cơ quan đầu mối.',
      'The part is transferred again; if it repeats, call the hub.',
    ],
  ),
  'part-missing': row(
    409,
    'later',
    'nobody',
    ['Thiếu nội dung tệp', 'The bytes of a part are missing'],
    ['Nút tự tải tệp lên lại.', 'The node uploads the part again.'],
  ),
  'digest-malformed': row(
    400,
    'never',
    'software',
    ['Giá trị băm sai độ dài', 'A digest has the wrong length'],
    callVendor,
  ),
  'statement-malformed': row(
    400,
    'never',
    'software',
    ['Biên nhận sai cấu trúc', 'The statement could not be parsed'],
    callVendor,
  ),
  'statement-too-large': row(
    413,
    'never',
    'software',
    ['Biên nhận quá lớn', 'The statement is larger than allowed'],
    callVendor,
  ),
  'statement-unknown-envelope': row(
    404,
    'later',
    'nobody',
    ['Biên nhận cho văn bản mà nơi này chưa có', 'A statement about an envelope not held here'],
    waits,
  ),
  /** An alarm only; never on the wire. */
  'statement-not-taken': row(
    409,
    'later',
    'hub-operator',
    [
      'Biên nhận được đưa nhiều lần mà nơi nhận không nhận',
      'A statement was offered many times and the peer does not take it',
    ],
    [
      'Xem nhật ký của bên nhận (statement.refused) và chứng thư của bên ký; biên nhận vẫn được đưa lại, không mất.',
      "Look at the peer's log (statement.refused) and at the signer's certificate; it goes on being offered and is not lost.",
    ],
  ),
  'statement-mismatch': row(
    400,
    'never',
    'software',
    ['Biên nhận không khớp với văn bản', 'The statement does not match the envelope'],
    callVendor,
  ),
  'id-malformed': row(
    400,
    'never',
    'software',
    ['Mã định danh sai định dạng', 'An identifier is malformed'],
    callVendor,
  ),
  'batch-malformed': row(
    400,
    'never',
    'software',
    ['Gói truyền không đọc được', 'The batch could not be parsed'],
    callVendor,
  ),
  'batch-too-large': row(
    413,
    'never',
    'software',
    ['Gói truyền quá lớn', 'The batch is larger than allowed'],
    ['Gửi ít mục hơn mỗi lần.', 'Send fewer items at a time.'],
  ),

  // Signatures.
  'signature-invalid': row(
    403,
    'never',
    'node-operator',
    ['Chữ ký không đúng', 'The signature does not verify'],
    callHub,
  ),
  'signature-algorithm-refused': row(
    400,
    'never',
    'software',
    ['Thuật toán ký không được chấp nhận', 'Signature algorithm not allowed'],
    callVendor,
  ),
  'signature-type-mismatch': row(
    400,
    'never',
    'software',
    ['Chữ ký dùng cho mục đích khác', 'The signature is for another kind of statement'],
    callVendor,
  ),
  'merkle-proof-invalid': row(
    400,
    'never',
    'software',
    ['Đường dẫn cây băm sai', 'The Merkle path is not valid'],
    callVendor,
  ),
  'signer-unknown': row(
    403,
    'operator',
    'hub-operator',
    ['Không nhận ra khóa ký', 'The signing key is not known'],
    [
      'Chờ danh bạ cập nhật; nếu lặp lại, gọi cơ quan đầu mối.',
      'Wait for the directory; if it repeats, call the hub.',
    ],
  ),
  'signer-not-sender': row(
    403,
    'never',
    'software',
    ['Chữ ký của đơn vị khác với đơn vị gửi', 'Sealed by a unit other than the sender'],
    callVendor,
  ),

  // Peers and certificates.
  'certificate-missing': row(
    403,
    'operator',
    'node-operator',
    ['Máy kết nối không trình chứng thư', 'The peer shows no certificate'],
    [
      'Kiểm tra nút đã được ghi danh; nếu có hộp kiểm tra TLS trên đường truyền, loại trừ địa chỉ trung tâm.',
      'Check that the node is enrolled; exempt the hub from any TLS-inspecting box.',
    ],
  ),
  'certificate-expired': row(
    403,
    'operator',
    'node-operator',
    ['Chứng thư của nút đã hết hạn', "The node's certificate has expired"],
    [
      'Xin giấy mời mới từ cơ quan đầu mối rồi chạy "lienthong node init --invitation"; dữ liệu giữ nguyên.',
      'Ask the hub for a new invitation and enrol again; all data stay.',
    ],
  ),
  'certificate-not-yet-valid': row(
    403,
    'operator',
    'node-operator',
    ['Chứng thư chưa có hiệu lực (đồng hồ sai?)', 'The certificate is not valid yet (clock wrong?)'],
    ['Chỉnh lại đồng hồ của máy.', 'Correct the clock of this machine.'],
  ),
  'certificate-unknown-issuer': row(
    403,
    'operator',
    'node-operator',
    ['Chứng thư không do hệ thống này cấp', 'The certificate was not issued by this deployment'],
    ['Ghi danh lại với giấy mời của đúng trung tâm.', 'Enrol again with an invitation of the right hub.'],
  ),
  'certificate-wrong-usage': row(
    403,
    'operator',
    'node-operator',
    ['Chứng thư dùng sai mục đích', 'The certificate is for another use'],
    [
      'Dùng đúng chứng thư kết nối của nút; ghi danh lại nếu tệp khóa bị lẫn.',
      "Use the node's TLS certificate; enrol again if key files were mixed up.",
    ],
  ),
  'certificate-revoked': row(
    403,
    'operator',
    'node-operator',
    ['Chứng thư đã bị thu hồi', 'The certificate was revoked'],
    callAgain,
  ),
  'renewal-not-due': row(
    409,
    'later',
    'nobody',
    ['Chưa đến lúc gia hạn chứng thư', 'The certificate is not due for renewal yet'],
    waits,
  ),
  'renewal-answer-refused': row(
    502,
    'later',
    'hub-operator',
    [
      'Chứng thư gia hạn do trung tâm cấp không khớp với yêu cầu',
      'The renewed certificate is not the one that was asked for',
    ],
    [
      'Nút tiếp tục dùng chứng thư đang có và tự thử lại; nếu lặp lại, báo cơ quan đầu mối.',
      'The node goes on with the certificate it has and tries again; if it repeats, tell the operator of the hub.',
    ],
  ),
  'seal-not-held': row(
    409,
    'operator',
    'node-operator',
    [
      'Danh bạ ghi một khóa niêm phong của đơn vị mà máy này không giữ',
      'The directory names a seal key of this unit that this machine does not hold',
    ],
    [
      'Gọi ngay cho đơn vị vận hành trung tâm. Nếu máy này vừa khôi phục từ bản sao lưu cũ hơn lần gia hạn: xin giấy mời mới. Nếu không: có khóa khác ký được thay đơn vị; yêu cầu thu hồi chứng thư đó.',
      "Call the hub's operator at once. If this machine was just restored from a backup older than its last renewal: ask for a new invitation. Otherwise another key can sign for the unit: have that certificate revoked.",
    ],
  ),
  'renewal-failing': row(
    503,
    'later',
    'node-operator',
    ['Chứng thư sắp hết hạn mà chưa gia hạn được', 'A certificate ends soon and could not be renewed yet'],
    [
      'Xem vì sao chưa kết nối được trung tâm ("lienthong node status"). Nếu hết hạn trước đó: xin giấy mời mới rồi chạy "lienthong node init"; dữ liệu giữ nguyên.',
      'See why the hub does not answer ("lienthong node status"). If it ends before that: ask for a new invitation and run "lienthong node init"; all data stay.',
    ],
  ),
  'certificate-malformed': row(
    400,
    'operator',
    'node-operator',
    ['Chứng thư không đọc được', 'The certificate could not be parsed'],
    ['Ghi danh lại.', 'Enrol again.'],
  ),
  'peer-unknown': row(
    403,
    'operator',
    'node-operator',
    ['Trung tâm không biết máy này', 'The hub does not know this peer'],
    ['Ghi danh với giấy mời của trung tâm này.', 'Enrol with an invitation of this hub.'],
  ),
  'peer-unconfirmed': row(
    403,
    'operator',
    'hub-operator',
    ['Đơn vị chưa được cơ quan đầu mối xác nhận', 'The unit is not confirmed yet'],
    [
      'Đọc sáu từ xác nhận cho cơ quan đầu mối qua điện thoại.',
      'Read the six words to the operator of the hub by telephone.',
    ],
  ),
  'peer-suspended': row(
    403,
    'operator',
    'hub-operator',
    ['Đơn vị đang bị tạm dừng', 'The unit is suspended'],
    [
      'Gọi cơ quan đầu mối; văn bản được giữ và tự gửi khi được mở lại.',
      'Call the operator of the hub; documents are kept and sent when the suspension ends.',
    ],
  ),
  'peer-revoked': row(
    403,
    'operator',
    'hub-operator',
    ['Nút đã bị thu hồi quyền kết nối', 'The node was revoked'],
    callAgain,
  ),
  'peer-closed': row(403, 'never', 'hub-operator', ['Đơn vị đã đóng', 'The unit is closed'], callHub),
  'peer-not-sender': row(
    403,
    'never',
    'software',
    ['Máy kết nối không được gửi thay đơn vị này', 'This peer may not submit for that unit'],
    callHub,
  ),
  'peer-not-recipient': row(
    403,
    'never',
    'software',
    ['Văn bản không gửi cho máy này', 'This delivery is not addressed to the peer'],
    callHub,
  ),
  'node-instance-live': row(
    409,
    'later',
    'node-operator',
    ['Một bản khác của nút này đang chạy', 'Another instance of this node is live'],
    [
      'Chỉ một máy được chạy: tắt máy sao chép và báo cơ quan đầu mối. Máy này tự thử lại.',
      'Only one machine may run: switch the copied one off and tell the hub. This one tries again by itself.',
    ],
  ),
  'node-session-unknown': row(
    409,
    'later',
    'nobody',
    ['Trung tâm vừa khôi phục, chưa biết phiên này', 'The hub was restored and does not know this session'],
    ['Nút tự mở phiên mới.', 'The node takes a new session by itself.'],
  ),
  'node-instance-superseded': row(
    409,
    'operator',
    'node-operator',
    ['Bản nút này đã bị bản khác thay thế', 'This instance was superseded by another one'],
    [
      'Hai máy dùng chung một nút: tắt một máy, khởi động lại máy còn lại và báo trung tâm.',
      'Two machines run one node: switch one off, restart the other, tell the hub.',
    ],
  ),

  // Addresses.
  'unit-unknown': row(
    404,
    'never',
    'clerk',
    ['Không có đơn vị này trong danh bạ', 'No such unit in the directory'],
    [
      'Kiểm tra mã đơn vị; đơn vị mới có trong danh bạ sau khi nút kết nối với trung tâm.',
      'Check the code; a new unit is in the directory once the node has reached the hub.',
    ],
  ),
  'directory-page-wrong': row(
    400,
    'later',
    'nobody',
    ['Một trang danh bạ không khớp bản đã ký', 'A page of the directory is not of the signed part'],
    waits,
  ),
  'directory-stale': row(
    503,
    'later',
    'node-operator',
    ['Đã lâu không có danh bạ mới', 'No newer directory has come for a long time'],
    [
      'Kiểm tra kết nối tới trung tâm. Trao đổi vẫn tiếp tục tới khi danh bạ hết hạn.',
      'Look at the connection to the hub. Exchange goes on until the directory ends.',
    ],
  ),
  'directory-expired': row(
    503,
    'later',
    'hub-operator',
    ['Danh bạ của một trung tâm đã hết hạn', 'The directory of a hub has ended'],
    [
      'Văn bản của các đơn vị thuộc trung tâm đó được giữ chờ; tự tiếp tục khi có danh bạ mới. Kiểm tra kết nối giữa các trung tâm.',
      'Documents of units of that hub wait; they go on when a newer directory comes. Look at the links between the hubs.',
    ],
  ),
  'ca-due': row(
    503,
    'later',
    'hub-operator',
    ['CA sắp đến hạn phải thay', 'A CA is due to be followed by another'],
    [
      'Chạy "lienthong hub ca request", ký ở máy giữ khóa gốc, rồi "lienthong hub ca install"; không phải dừng.',
      'Run "lienthong hub ca request", sign where the root is, then "lienthong hub ca install"; nothing stops.',
    ],
  ),
  'clock-wrong': row(
    503,
    'later',
    'node-operator',
    ['Đồng hồ của máy này sai', "This machine's clock is wrong"],
    [
      'Chỉnh giờ và bật đồng bộ (chrony/NTP). Nếu tắt máy lại sai: thay pin CMOS trên bo mạch. Văn bản được giữ và tự gửi khi giờ đúng.',
      'Set the clock and keep it in step (chrony/NTP). If it is wrong again after power off, replace the CMOS battery. Documents are kept and go out when the time is right.',
    ],
  ),
  'hub-clock-wrong': row(
    503,
    'later',
    'hub-operator',
    ['Đồng hồ của trung tâm lệch so với đa số nút', "The hub's clock disagrees with most peers"],
    [
      'Chỉnh giờ máy chủ (chrony/NTP). Không nút nào bị chặn; việc hết hạn tạm dừng cho tới khi khớp.',
      'Set the clock of the server (chrony/NTP). Nobody is stopped; deadlines wait until they agree.',
    ],
  ),
  'directory-rolled-back': row(
    409,
    'later',
    'hub-operator',
    [
      'Danh bạ mới có danh sách thu hồi cũ hơn bản đang giữ',
      'The directory has an older revocation list than the one held here',
    ],
    [
      'Bản đang giữ tiếp tục được dùng. Nếu trung tâm vừa khôi phục từ bản sao lưu, nó sẽ tự lấy lại danh sách; nếu không, báo cơ quan đầu mối.',
      'The part held here stays in use. A hub that was restored catches up by itself; otherwise tell its operator.',
    ],
  ),
  'hub-behind': row(
    503,
    'later',
    'nobody',
    [
      'Trung tâm vừa khôi phục, đang lấy lại danh sách thu hồi',
      'The hub was restored and is catching up with the revocation list',
    ],
    waits,
  ),
  'directory-gap': row(
    409,
    'later',
    'nobody',
    ['Phần danh bạ nhận được còn thiếu trang', 'Pages of the directory part are missing'],
    [
      'Không cần làm gì; danh bạ được tải lại toàn bộ.',
      'Nothing to do; the directory is fetched again as a whole.',
    ],
  ),
  'unit-suspended': row(
    409,
    'never',
    'clerk',
    ['Đơn vị nhận đang tạm dừng', 'The receiving unit is suspended'],
    ['Gửi bản giấy hoặc chờ đơn vị hoạt động lại.', 'Send paper or wait for the unit.'],
  ),
  'unit-closed': row(
    410,
    'never',
    'clerk',
    ['Đơn vị nhận đã ngừng hoạt động', 'The receiving unit is closed'],
    ['Chọn đơn vị kế thừa trong danh bạ.', 'Choose its successor in the directory.'],
  ),
  'unit-moving': row(
    409,
    'later',
    'nobody',
    [
      'Đơn vị đang được chuyển sang trung tâm khác; văn bản được giữ chờ',
      'The unit is on its way to another hub; the document waits',
    ],
    [
      'Không cần gửi lại: văn bản đi tiếp khi nút của đơn vị ghi danh với trung tâm mới.',
      'Nothing to send again: it goes on when the unit’s node has enrolled with the new hub.',
    ],
  ),
  'unit-handed-over': row(
    409,
    'operator',
    'node-operator',
    ['Đơn vị đã được bàn giao cho trung tâm khác', 'The unit was handed over to another hub'],
    [
      'Lấy giấy mời của trung tâm mới rồi chạy "lienthong node init --dir DIR --invitation …"; dữ liệu giữ nguyên, văn bản chờ sẽ tự gửi.',
      'Get an invitation of the new hub and run "lienthong node init --dir DIR --invitation …"; all data stay, and what waits is sent.',
    ],
  ),
  'unit-split': row(
    409,
    'operator',
    'hub-operator',
    [
      'Đơn vị nhận đã chia tách; văn bản được giữ chờ chọn đơn vị kế thừa',
      'The receiving unit was split; the document waits until one of its successors is chosen',
    ],
    [
      'Cơ quan đầu mối hỏi nơi gửi rồi chạy "lienthong hub redrive --unit MÃ --to MÃ-KẾ-THỪA".',
      'The operator of the hub asks the sender, then runs "lienthong hub redrive --unit CODE --to SUCCESSOR".',
    ],
  ),
  'reform-refused': row(
    409,
    'never',
    'hub-operator',
    ['Việc sắp xếp đơn vị này không hợp lệ', 'This reform of units is not possible'],
    [
      'Xem lý do: không sáp nhập vào chính mình, không tạo vòng cấp trên hay kế thừa, đơn vị kế thừa phải đang hoạt động.',
      'See the reason: no unit merges into itself, no circle of parents or successors, and a successor must be open.',
    ],
  ),
  'directory-moved-on': row(
    409,
    'later',
    'hub-operator',
    ['Danh bạ đã thay đổi từ khi xem trước', 'The directory has changed since the preview'],
    [
      'Chạy lại lệnh với --dry-run để xem khác biệt mới.',
      'Run it again with --dry-run and look at the differences.',
    ],
  ),
  'group-cycle': row(
    409,
    'never',
    'hub-operator',
    ['Nhóm chứa chính nó', 'The group contains itself'],
    ['Bỏ nhóm được nêu khỏi danh sách nhóm con.', 'Take the named group out of the groups that it includes.'],
  ),
  'group-unknown': row(
    404,
    'never',
    'clerk',
    ['Không có nhóm này trong danh bạ', 'No such group in the directory'],
    ['Xem các nhóm bằng "lienthong groups list".', 'See the groups with "lienthong groups list".'],
  ),
  'kind-not-taken': row(
    409,
    'never',
    'clerk',
    ['Đơn vị nhận không nhận loại văn bản gửi này', 'The unit does not take documents of this kind'],
    ['Gửi bản giấy, hoặc hỏi đơn vị nhận.', 'Send paper, or ask the receiving unit.'],
  ),
  'desk-unknown': row(
    404,
    'never',
    'clerk',
    ['Đơn vị nhận không có người hoặc bộ phận này', 'The unit has no such person or desk'],
    [
      'Chọn trong danh sách địa chỉ mà đơn vị đó công bố, hoặc gửi cho đơn vị.',
      'Choose one that the unit lists, or address the unit itself.',
    ],
  ),
  'unit-has-no-node': row(
    409,
    'never',
    'clerk',
    ['Đơn vị nhận chưa có máy kết nối', 'The receiving unit has no node yet'],
    ['Gửi bản giấy; đề nghị cơ quan đầu mối mời đơn vị đó.', 'Send paper; ask the hub to invite that unit.'],
  ),
  'unit-exists': row(
    409,
    'never',
    'hub-operator',
    ['Mã đơn vị đã được dùng', 'The code is already used'],
    ['Chọn mã khác hoặc sửa đơn vị đang có.', 'Choose another code or change the existing unit.'],
  ),
  'route-loop': row(
    508,
    'never',
    'hub-operator',
    ['Văn bản đi vòng giữa các trung tâm', 'The envelope came back to a hub it had passed'],
    ['Kiểm tra cấu hình tuyến trên của các trung tâm.', 'Check the upstream settings of the hubs.'],
  ),
  'route-too-long': row(
    508,
    'never',
    'hub-operator',
    ['Văn bản qua quá nhiều trung tâm', 'Too many hops'],
    ['Kiểm tra cấu hình tuyến của các trung tâm.', 'Check the routes of the hubs.'],
  ),
  'route-none': row(
    404,
    'never',
    'hub-operator',
    ['Không có đường tới đơn vị nhận', 'No route to the unit'],
    callHub,
  ),

  // Duplicates and states.
  'duplicate-conflict': row(
    409,
    'never',
    'software',
    ['Cùng mã phong bì nhưng nội dung khác', 'Same envelope id with other bytes'],
    [
      'Không gửi lại bằng mã cũ; đây có thể là hai máy dùng chung dữ liệu. Báo cơ quan đầu mối.',
      'Do not reuse the id; two machines may share one store. Tell the hub.',
    ],
  ),
  'idempotency-conflict': row(
    409,
    'never',
    'software',
    ['Khóa chống trùng đã dùng cho nội dung khác', 'The idempotency key was used with another request'],
    ['Dùng khóa mới cho văn bản mới.', 'Use a new key for a new document.'],
  ),
  'document-unknown': row(
    404,
    'never',
    'software',
    ['Không có văn bản này', 'No such document'],
    ['Kiểm tra mã văn bản.', 'Check the id.'],
  ),
  'document-state-refused': row(
    409,
    'never',
    'clerk',
    ['Không làm được ở trạng thái hiện tại', 'Not possible in the present state'],
    ['Xem trạng thái văn bản rồi chọn việc phù hợp.', 'Look at the state of the document.'],
  ),
  'document-recalled': row(
    409,
    'never',
    'clerk',
    ['Văn bản đã bị nơi gửi thu hồi', 'The sender took this document back'],
    [
      'Không xử lý tiếp; nội dung đã được hủy hoặc đang hủy. Hỏi nơi gửi nếu cần.',
      'Do nothing more with it; its content is or will be destroyed. Ask the sender if needed.',
    ],
  ),
  'document-signature-invalid': row(
    409,
    'never',
    'clerk',
    ['Chữ ký số trên văn bản không hợp lệ', 'A digital signature on the document is invalid'],
    [
      'Chọn "Trả lại" với lý do "Chữ ký thiếu hoặc không hợp lệ"; câu trong khối xác thực nói rõ vì sao. Nơi gửi ký lại và gửi bản mới.',
      'Give it back because of its signature; the verification block says why. The sender signs anew and sends again.',
    ],
  ),
  'document-replaced': row(
    409,
    'never',
    'clerk',
    ['Văn bản này đã được thay thế', 'This document was replaced already'],
    [
      'Làm việc này với bản mới nhất (mã nêu ở trên), không làm với bản cũ.',
      'Do it with the newest version (its id is given), not with the old one.',
    ],
  ),
  'document-changed': row(
    409,
    'never',
    'clerk',
    ['Người khác vừa sửa văn bản này', 'Somebody else changed this document just now'],
    [
      'Mở lại văn bản, xem bản vừa sửa rồi làm lại.',
      'Open the document again, look at the change, and do yours again.',
    ],
  ),
  'document-duplicate-suspected': row(
    409,
    'never',
    'clerk',
    [
      'Đã có văn bản khác cùng số, ký hiệu, nơi ban hành trong năm',
      'Another document bears this number and notation of this issuer in the year',
    ],
    [
      'Xem văn bản có mã nêu ở trên. Nếu thật sự khác nhau, xác nhận rồi làm lại (--even-if-duplicate).',
      'Look at the document whose id is given. If they really differ, confirm and do it again (--even-if-duplicate).',
    ],
  ),
  'status-refused': row(
    409,
    'never',
    'clerk',
    ['Trạng thái này không được đi sau trạng thái hiện tại', 'This status may not follow the present one'],
    [
      'Tiếp nhận (03) hoặc trả lại (02) trước; sau khi tiếp nhận mới phân công (04), xử lý (05), hoàn thành (06).',
      'Accept (03) or return (02) first; after acceptance assign (04), process (05), finish (06).',
    ],
  ),
  'status-not-recipient': row(
    403,
    'never',
    'software',
    ['Trạng thái do đơn vị không phải nơi nhận báo', 'A status by one who is not a recipient'],
    [
      'Chỉ nơi nhận của văn bản được báo trạng thái; kiểm tra mã văn bản trong phần mềm.',
      'Only a recipient of the document may report its status; check the document id in the software.',
    ],
  ),
  'status-document-unknown': row(
    404,
    'never',
    'software',
    ['Trạng thái của văn bản chưa biết ở đây', 'A status of a document that is not known here'],
    [
      'Nơi gửi văn bản đang giữ quá nhiều trạng thái chưa rõ của đơn vị này; kiểm tra mã văn bản trong phần mềm.',
      'Too many statuses of this unit wait for documents unknown to their sender; check the document ids in the software.',
    ],
  ),
  'change-malformed': row(
    400,
    'never',
    'software',
    [
      'Trạng thái, thu hồi hoặc cập nhật không nêu đúng văn bản',
      'A status, recall or update that does not name its document',
    ],
    ['Báo đơn vị cung cấp phần mềm kèm mã lỗi này.', 'Give this code to the maker of the sending software.'],
  ),
  'change-not-sender': row(
    403,
    'never',
    'clerk',
    [
      'Chỉ nơi gửi được thu hồi, cập nhật, thay thế văn bản của mình',
      'Only its sender may recall, update or replace a document',
    ],
    ['Đề nghị cơ quan đã gửi văn bản thực hiện.', 'Ask the office that sent the document to do it.'],
  ),
  'replacement-loop': row(
    409,
    'never',
    'software',
    ['Các văn bản thay thế lẫn nhau thành vòng', 'Documents that replace one another in a circle'],
    ['Báo đơn vị cung cấp phần mềm kèm mã lỗi này.', 'Give this code to the maker of the sending software.'],
  ),
  'request-unknown': row(
    404,
    'never',
    'clerk',
    ['Không có yêu cầu này', 'No such request'],
    ['Chép mã từ "lienthong requests".', 'Copy the id from "lienthong requests".'],
  ),
  'request-decided': row(
    409,
    'never',
    'clerk',
    ['Yêu cầu này đã được trả lời', 'This request was answered already'],
    [
      'Không cần làm gì; xem kết quả bằng "lienthong requests --all".',
      'Nothing to do; see the outcome with "lienthong requests --all".',
    ],
  ),
  'recall-refusal-warning': row(
    409,
    'never',
    'clerk',
    [
      'Pháp luật không cho nơi nhận quyền từ chối thu hồi',
      'The law gives a receiver no right to refuse a recall',
    ],
    [
      'Nên đồng ý và hủy văn bản (NĐ 30/2020 Điều 18). Nếu vẫn từ chối, xác nhận (--despite-warning) và chịu trách nhiệm.',
      'Better agree and destroy it (Decree 30/2020, Article 18). To refuse all the same, confirm (--despite-warning) and answer for it.',
    ],
  ),
  'delivery-recalled': row(
    409,
    'never',
    'clerk',
    ['Nơi gửi đã thu hồi trước khi tới nơi nhận', 'Taken back by its sender before delivery'],
    [
      'Không cần làm gì; nơi nhận chưa hề nhận được văn bản.',
      'Nothing to do; the recipient never received it.',
    ],
  ),
  'delivery-unknown': row(404, 'never', 'nobody', ['Không có lượt chuyển này', 'No such delivery'], waits),
  'delivery-lease-lost': row(
    409,
    'later',
    'nobody',
    ['Lượt chuyển đã giao cho phiên khác', 'The lease of this delivery was lost'],
    waits,
  ),
  'delivery-withdrawn': row(
    410,
    'never',
    'nobody',
    ['Lượt chuyển đã kết thúc', 'The delivery has ended'],
    waits,
  ),

  // Content.
  'upload-unknown': row(
    404,
    'later',
    'nobody',
    ['Không có lượt tải lên này', 'No such upload'],
    ['Nút tự bắt đầu tải lại.', 'The node begins again.'],
  ),
  'upload-offset-wrong': row(
    409,
    'later',
    'nobody',
    ['Vị trí tải lên không khớp', 'Upload-Offset does not match'],
    ['Nút hỏi lại vị trí rồi tải tiếp.', 'The node asks for the offset and goes on.'],
  ),
  'upload-complete': row(
    409,
    'later',
    'nobody',
    ['Lượt tải lên đã xong', 'The upload is already complete'],
    waits,
  ),
  'upload-chunk-mismatch': row(
    400,
    'later',
    'nobody',
    ['Một khối dữ liệu hỏng trên đường truyền', 'A chunk does not match its hash'],
    ['Khối hỏng được gửi lại.', 'The chunk is sent again.'],
  ),
  'upload-digest-mismatch': row(
    400,
    'operator',
    'software',
    ['Tệp tải lên không khớp giá trị băm đã khai', 'The finished upload does not match its declared digest'],
    [
      'Tệp đã bị bỏ. Kiểm tra ổ đĩa máy gửi rồi gửi lại.',
      'The upload was dropped. Check the disk of the sender and send again.',
    ],
  ),
  'upload-tree-malformed': row(
    400,
    'never',
    'software',
    ['Danh sách băm khối sai', 'The list of chunk hashes does not give the declared root'],
    callVendor,
  ),
  'uploads-too-many': row(
    429,
    'later',
    'nobody',
    ['Quá nhiều lượt tải lên đang mở', 'Too many open uploads'],
    waits,
  ),
  'append-too-large': row(
    413,
    'never',
    'software',
    ['Một lần tải tiếp quá lớn', 'One append is larger than allowed'],
    ['Chia nhỏ theo Upload-Limit.', 'Split it as Upload-Limit says.'],
  ),
  'range-refused': row(
    416,
    'never',
    'software',
    ['Khoảng dữ liệu yêu cầu không hợp lệ', 'Range not satisfiable'],
    callVendor,
  ),
  'content-gone': row(
    410,
    'operator',
    'hub-operator',
    ['Nội dung không còn ở trung tâm (hết hạn lưu)', 'The content is no longer kept here'],
    ['Đề nghị đơn vị gửi gửi lại.', 'Ask the sender to send again.'],
  ),
  'content-damaged': row(
    500,
    'operator',
    'hub-operator',
    ['Nội dung lưu trữ bị hỏng', 'Stored content is damaged'],
    ['Chạy fsck và khôi phục từ bản sao lưu.', 'Run fsck and restore from backup.'],
  ),

  // Load and space.
  'rate-limited': row(
    429,
    'later',
    'nobody',
    ['Gửi quá nhanh so với mức cho phép', 'Too many requests for this unit'],
    ['Hệ thống tự giãn nhịp và gửi tiếp.', 'The system slows down and goes on.'],
  ),
  'quota-exceeded': row(
    429,
    'later',
    'hub-operator',
    ['Đơn vị đã dùng hết dung lượng được cấp', "The unit's quota is used up"],
    [
      'Chờ văn bản cũ được nhận, hoặc xin tăng hạn mức ở cơ quan đầu mối.',
      'Wait for deliveries, or ask the hub for a larger quota.',
    ],
  ),
  overloaded: row(503, 'later', 'nobody', ['Hệ thống đang bận', 'Too busy at the moment'], waits),
  'disk-nearly-full': row(
    507,
    'later',
    'node-operator',
    ['Ổ đĩa gần đầy nên tạm không nhận việc mới', 'The disk is nearly full; new work is refused for now'],
    [
      'Báo người quản trị máy giải phóng dung lượng; việc đã nhận không mất.',
      'Free some space; nothing accepted is lost.',
    ],
  ),
  'shutting-down': row(503, 'later', 'nobody', ['Hệ thống đang khởi động lại', 'Shutting down'], waits),
  'poll-replaced': row(
    409,
    'later',
    'nobody',
    ['Lượt chờ đã được lượt mới thay thế', 'A newer poll of this node took over'],
    waits,
  ),
  'not-ready': row(
    503,
    'later',
    'hub-operator',
    ['Hệ thống chưa sẵn sàng', 'Not ready yet'],
    ['Xem lý do ở /readyz.', 'See the reasons at /readyz.'],
  ),

  // The line.
  'hub-unreachable': row(
    503,
    'later',
    'node-operator',
    ['Không kết nối được tới trung tâm', 'The hub cannot be reached'],
    [
      'Kiểm tra mạng, tên miền và tường lửa; văn bản được giữ và tự gửi.',
      'Check network, name and firewall; documents are kept and sent later.',
    ],
  ),
  'hub-timeout': row(
    504,
    'later',
    'nobody',
    ['Trung tâm không trả lời kịp', 'The hub did not answer in time'],
    waits,
  ),
  'hub-answer-malformed': row(
    502,
    'later',
    'hub-operator',
    ['Trả lời của trung tâm không đọc được', 'The answer of the hub could not be parsed'],
    callHub,
  ),
  'tls-inspected': row(
    502,
    'operator',
    'node-operator',
    ['Có thiết bị chặn giải mã TLS trên đường truyền', 'A box on the line breaks TLS open'],
    [
      'Đề nghị bộ phận mạng loại trừ địa chỉ trung tâm khỏi kiểm tra TLS.',
      'Ask the network people to exempt the hub from TLS inspection.',
    ],
  ),
  'tls-failed': row(
    502,
    'later',
    'node-operator',
    ['Không thiết lập được kênh bảo mật', 'The TLS connection failed'],
    [
      'Kiểm tra đồng hồ máy; nếu đồng hồ đúng, gọi cơ quan đầu mối kiểm tra chứng thư trung tâm.',
      'Check the clock of this machine; if it is right, call the hub: its certificate must be looked at.',
    ],
  ),
  'proxy-auth-required': row(
    407,
    'operator',
    'node-operator',
    ['Proxy không nhận tài khoản hoặc mật khẩu', 'The proxy does not take the user or password'],
    [
      'Ghi đúng tài khoản và mật khẩu vào các tệp mà mục "proxy" của config.json nêu (userFile, passwordFile), rồi khởi động lại nút.',
      'Put the right user and password into the files that "proxy" in config.json names (userFile, passwordFile), then restart the node.',
    ],
  ),
  'proxy-refused': row(
    502,
    'operator',
    'node-operator',
    ['Proxy từ chối kết nối tới trung tâm', 'The proxy refuses the connection'],
    [
      'Kiểm tra proxy đang chạy và cho phép CONNECT tới địa chỉ và cổng của trung tâm.',
      'Check that the proxy runs and allows CONNECT to the address and port of the hub.',
    ],
  ),

  // Enrolment.
  'invitation-damaged': row(
    400,
    'never',
    'node-operator',
    ['Giấy mời bị cắt hoặc gõ sai', 'The invitation text is damaged'],
    ['Dán lại nguyên văn giấy mời.', 'Paste the whole text again.'],
  ),
  'invitation-unknown': row(
    403,
    'never',
    'node-operator',
    ['Giấy mời không đúng hoặc đã hủy', 'No such invitation'],
    ['Xin giấy mời mới.', 'Ask for a new invitation.'],
  ),
  'invitation-expired': row(
    403,
    'never',
    'node-operator',
    ['Giấy mời đã hết hạn', 'The invitation has expired'],
    ['Xin giấy mời mới.', 'Ask for a new invitation.'],
  ),
  'invitation-used': row(
    403,
    'never',
    'hub-operator',
    ['Giấy mời đã dùng với khóa khác', 'The invitation was used with other keys'],
    ['Nếu không phải anh/chị dùng: báo ngay cơ quan đầu mối.', 'If that was not you, tell the hub at once.'],
  ),
  'root-fingerprint-mismatch': row(
    403,
    'never',
    'node-operator',
    [
      'Trung tâm trình chứng thư gốc khác với giấy mời',
      'The hub shows another root than the invitation names',
    ],
    [
      'Dừng lại: có thể có kẻ đứng giữa hoặc thiết bị giải mã TLS. Gọi cơ quan đầu mối.',
      'Stop: someone may stand in between, or TLS is inspected. Call the hub.',
    ],
  ),
  'enrol-answer-refused': row(
    502,
    'operator',
    'hub-operator',
    ['Trả lời ghi danh của trung tâm không đúng', "The hub's answer to the enrolment does not hold"],
    [
      'Không dùng các chứng thư này. Gọi cơ quan đầu mối kèm mã lỗi.',
      'Do not use these certificates. Call the hub and give this code.',
    ],
  ),
  'csr-invalid': row(
    400,
    'never',
    'software',
    ['Yêu cầu chứng thư không hợp lệ', 'The certificate request is not valid'],
    callVendor,
  ),

  // This machine.
  'config-invalid': row(
    500,
    'operator',
    'node-operator',
    ['Cấu hình sai', 'The configuration is wrong'],
    ['Sửa các mục được nêu rồi khởi động lại.', 'Correct what is named, then start again.'],
  ),
  'dir-missing': row(
    500,
    'operator',
    'node-operator',
    ['Thư mục dữ liệu chưa được tạo', 'The data folder does not exist'],
    [
      'Chạy "lienthong hub init" hoặc "lienthong node init" trước.',
      'Run "lienthong hub init" or "lienthong node init" first.',
    ],
  ),
  'dir-exists': row(
    500,
    'operator',
    'node-operator',
    ['Thư mục đã có, không ghi đè', 'The folder exists already and is not overwritten'],
    [
      'Chọn thư mục khác; nếu muốn chạy dữ liệu đang có, dùng lệnh start.',
      'Choose another folder; to run the data that are there, use start.',
    ],
  ),
  'dir-in-use': row(
    500,
    'operator',
    'node-operator',
    ['Một tiến trình khác đang dùng thư mục này', 'Another process uses this data folder'],
    [
      'Nếu chương trình đang chạy sẵn thì không cần làm gì; nếu không, dừng tiến trình kia trước.',
      'Nothing to do if the program runs already; otherwise stop the other process first.',
    ],
  ),
  'schema-newer': row(
    500,
    'operator',
    'node-operator',
    ['Dữ liệu do phiên bản mới hơn tạo ra', 'The data were written by a newer version'],
    ['Cài phiên bản phần mềm bằng hoặc mới hơn bản đã ghi dữ liệu.', 'Install that version or a newer one.'],
  ),
  'second-person-needed': row(
    409,
    'operator',
    'hub-operator',
    ['Việc này cần người thứ hai đồng ý', 'This act needs the agreement of a second person'],
    [
      'Người vận hành khác chạy "lienthong hub approvals approve SỐ --operator TÊN" trước khi hết hạn.',
      'Another operator runs "lienthong hub approvals approve NUMBER --operator NAME" before it expires.',
    ],
  ),
  'proposal-closed': row(
    409,
    'never',
    'hub-operator',
    ['Đề nghị này đã xong, bị từ chối hoặc quá hạn', 'The proposal is done, refused or expired'],
    [
      'Nếu vẫn cần, đề nghị lại bằng đúng lệnh ban đầu.',
      'If it is still wanted, propose it again with the first command.',
    ],
  ),
  'operator-needed': row(
    403,
    'operator',
    'hub-operator',
    ['Cần tên người vận hành và mật khẩu', 'The name of an operator and the passphrase are needed'],
    [
      'Thêm "--operator TÊN"; người vận hành được lập bằng "lienthong hub operator add".',
      'Add "--operator NAME"; operators are made with "lienthong hub operator add".',
    ],
  ),
  'operator-refused': row(
    403,
    'never',
    'hub-operator',
    ['Sai tên người vận hành hoặc mật khẩu', 'Wrong operator name or passphrase'],
    [
      'Nhập lại. Nếu quên, người khác chạy "lienthong hub operator remove" rồi "operator add".',
      'Try again. If it is forgotten, another operator runs "lienthong hub operator remove", then "operator add".',
    ],
  ),
  'key-file-loose': row(
    500,
    'operator',
    'node-operator',
    ['Tệp khóa cho người khác đọc được', 'A key file can be read by others'],
    [
      'Chạy "chmod 600" cho tệp được nêu, với đúng chủ sở hữu.',
      'Run "chmod 600" on the named file; it must belong to the account of the program.',
    ],
  ),
  'key-file-locked': row(
    500,
    'operator',
    'node-operator',
    ['Tệp khóa được mã hóa, chưa có mật khẩu', 'The key file is encrypted and no passphrase was given'],
    [
      'Đặt LIENTHONG_KEY_PASSPHRASE_FILE, hoặc LoadCredential=lienthong-keys trong systemd; tệp mật khẩu để 600.',
      'Set LIENTHONG_KEY_PASSPHRASE_FILE, or LoadCredential=lienthong-keys in systemd; the file of mode 600.',
    ],
  ),
  'key-passphrase-wrong': row(
    500,
    'operator',
    'node-operator',
    ['Mật khẩu không mở được khóa', 'The passphrase does not open the key'],
    [
      'Dùng đúng mật khẩu. Nếu lần đổi mật khẩu bị dở, chạy lại "lienthong keys encrypt" với cả hai.',
      'Use the right one. If a change was cut off, run "lienthong keys encrypt" again with both.',
    ],
  ),
  'token-failed': row(
    503,
    'operator',
    'node-operator',
    ['Thiết bị giữ khóa con dấu không ký được', 'The token that holds the seal key does not sign'],
    [
      'Cắm thiết bị, kiểm tra "lienthong node seal-token check"; văn bản được giữ và gửi lại.',
      'Plug it in and run "lienthong node seal-token check"; documents wait and go out afterwards.',
    ],
  ),
  'token-pin-refused': row(
    503,
    'operator',
    'node-operator',
    ['Thiết bị giữ khóa từ chối mã PIN', 'The token refuses the PIN'],
    [
      'Không thử lại để khỏi khóa thiết bị. Sửa tệp PIN, kiểm tra "lienthong node seal-token check", rồi khởi động lại nút.',
      'It is not tried again, so that the token does not lock. Correct the PIN file, run "lienthong node seal-token check", restart the node.',
    ],
  ),
  'p12-refused': row(
    400,
    'never',
    'node-operator',
    ['Không mở được tệp PKCS#12', 'The PKCS#12 file cannot be opened'],
    [
      'Kiểm tra mật khẩu và tệp. Tệp của công cụ ký cũ: thêm --legacy.',
      'Check password and file. For a file of an older signing tool add --legacy.',
    ],
  ),
  'key-file-missing': row(
    500,
    'operator',
    'node-operator',
    ['Thiếu tệp khóa', 'A key file is missing'],
    [
      'Khôi phục thư mục khóa từ bản sao lưu, hoặc ghi danh lại.',
      'Restore the folder of keys from a backup, or enrol again.',
    ],
  ),
  'at-rest-key-missing': row(
    500,
    'operator',
    'node-operator',
    ['Thiếu khóa mở dữ liệu đã mã hóa', 'The key of the encrypted data is not here'],
    [
      'Chạy "lienthong at-rest recover" với khóa khôi phục đã cất trong két, hoặc chép keys/at-rest.key từ máy cũ; ở chế độ mật khẩu thì khởi động lại và nhập mật khẩu.',
      'Run "lienthong at-rest recover" with the recovery key from the safe, or copy keys/at-rest.key from the old machine; in passphrase mode start again and type it.',
    ],
  ),
  'dir-of-another-account': row(
    500,
    'operator',
    'node-operator',
    ['Thư mục dữ liệu do tài khoản khác dùng', 'Another account uses this data folder'],
    [
      'Chạy lệnh bằng tài khoản đó (xem lệnh sudo nêu trên). Muốn đổi tài khoản: dừng chương trình, chown -R cả thư mục, rồi chạy lại.',
      'Run the command as that account (see the sudo above). To change the account: stop the program, chown -R the whole folder, then start again.',
    ],
  ),
  'recovery-key-wrong': row(
    500,
    'operator',
    'node-operator',
    ['Khóa khôi phục không đúng', 'This is not the recovery key of the folder'],
    [
      'So lại từng nhóm bốn chữ với tờ giấy trong két; mỗi thư mục dữ liệu có một khóa riêng, hiện khi init hoặc at-rest enable.',
      'Compare each group of four letters with the paper in the safe; every data folder has a key of its own, shown by init or at-rest enable.',
    ],
  ),
  'key-file-invalid': row(
    500,
    'operator',
    'node-operator',
    ['Tệp khóa không dùng được', 'A key file cannot be used'],
    [
      'Khôi phục tệp khóa (P-256, PKCS#8) từ bản sao lưu, hoặc ghi danh lại.',
      'Restore the key file (P-256, PKCS#8) from a backup, or enrol again.',
    ],
  ),
  'store-damaged': row(
    500,
    'operator',
    'node-operator',
    ['Dữ liệu lưu trữ bị hỏng', 'The store is damaged'],
    ['Chạy fsck, khôi phục từ bản sao lưu.', 'Run fsck, restore from a backup.'],
  ),
  'disk-failed': row(
    500,
    'operator',
    'node-operator',
    ['Ổ đĩa không ghi được', 'The disk failed to write'],
    [
      'Tiến trình dừng để không mất dữ liệu. Kiểm tra ổ đĩa rồi khởi động lại.',
      'The process stops so that nothing is lost. Check the disk and start again.',
    ],
  ),
  'backup-invalid': row(
    500,
    'operator',
    'node-operator',
    ['Bản sao lưu không dùng được', 'The backup does not verify'],
    ['Dùng bản sao lưu khác.', 'Use another backup.'],
  ),
  'store-recovering': row(
    503,
    'later',
    'nobody',
    [
      'Nút vừa khôi phục, đang đối chiếu với trung tâm',
      'The node was restored and is comparing with the hub',
    ],
    ['Chờ nút liên lạc được với trung tâm.', 'Wait until the node has reached the hub.'],
  ),
  'not-running': row(
    503,
    'operator',
    'node-operator',
    ['Chương trình chưa chạy', 'The program is not running'],
    ['Khởi động bằng lệnh start.', 'Start it with the start command.'],
  ),

  // Local API.
  'request-malformed': row(
    400,
    'never',
    'software',
    ['Yêu cầu sai cấu trúc', 'The request is not well formed'],
    ['Sửa các trường được nêu.', 'Correct the named fields.'],
  ),
  'token-missing': row(
    401,
    'never',
    'software',
    ['Thiếu mã truy cập API', 'The API token is missing or unknown'],
    ['Tạo mã bằng "lienthong node token add".', 'Make a token with "lienthong node token add".'],
  ),
  // People of a unit and their sessions (the clerk's console).
  'sign-in-refused': row(
    401,
    'never',
    'clerk',
    ['Địa chỉ e-mail hoặc mật khẩu không đúng', 'The e-mail address or the password is wrong'],
    [
      'Gõ lại (chú ý phím Caps Lock và bộ gõ tiếng Việt). Quên mật khẩu: nhờ người quản trị của đơn vị cấp mã một lần.',
      'Type them again (Caps Lock, input method). Forgotten: the administrator of your unit gives you a one-time code.',
    ],
  ),
  'second-factor-needed': row(
    401,
    'never',
    'clerk',
    ['Cần mã xác thực 6 số', 'The 6-digit code is needed'],
    [
      'Mở ứng dụng xác thực trên điện thoại và nhập mã 6 số đang hiện; mỗi mã dùng một lần.',
      'Open the authenticator app and enter the code that it shows; each code counts once.',
    ],
  ),
  'code-refused': row(
    401,
    'never',
    'clerk',
    ['Mã một lần không đúng, đã dùng hoặc đã hết hạn', 'The one-time code is wrong, used or expired'],
    [
      'Nhờ người quản trị của đơn vị cấp mã mới; lần đầu: "lienthong node user code E-MAIL" trên máy của nút.',
      'Ask the administrator of your unit for a new one; at first: "lienthong node user code E-MAIL" on the machine.',
    ],
  ),
  'session-ended': row(
    401,
    'never',
    'clerk',
    ['Phiên làm việc đã kết thúc', 'The session has ended'],
    ['Đăng nhập lại; dự thảo đã được giữ.', 'Sign in again; drafts were kept.'],
  ),
  'right-missing': row(
    403,
    'never',
    'clerk',
    ['Vai trò của bạn không được làm việc này', 'Your role may not do this'],
    [
      'Nhờ người có vai trò phù hợp, hoặc nhờ người quản trị của đơn vị giao vai trò.',
      'Ask somebody who has the role, or the administrator of your unit to give it to you.',
    ],
  ),
  'request-forged': row(
    403,
    'never',
    'clerk',
    ['Yêu cầu không đến từ trang này', 'The request does not come from this page'],
    [
      'Mở lại trang của nút từ địa chỉ chính thức rồi thử lại.',
      'Open the console by its official address and try again.',
    ],
  ),
  'sign-in-outside-failed': row(
    502,
    'later',
    'node-operator',
    [
      'Đăng nhập qua hệ thống xác thực chung không thành công',
      'Signing in through the shared authentication failed',
    ],
    [
      'Thử lại; nếu vẫn lỗi, dùng tài khoản khẩn cấp và báo người quản trị.',
      'Try again; if it fails, use the emergency account and tell the administrator.',
    ],
  ),
  'draft-unknown': row(
    404,
    'never',
    'clerk',
    ['Không có dự thảo này', 'There is no such draft'],
    ['Mở lại danh sách Dự thảo.', 'Open the list of drafts again.'],
  ),
  'draft-changed': row(
    409,
    'never',
    'clerk',
    ['Dự thảo đã được sửa hoặc gửi ở cửa sổ khác', 'The draft was changed or sent in another window'],
    ['Tải lại trang để thấy bản mới nhất.', 'Load the page again to see the newest one.'],
  ),
  'draft-incomplete': row(
    400,
    'never',
    'clerk',
    ['Dự thảo chưa gửi được', 'The draft cannot be sent yet'],
    ['Bổ sung chỗ được nêu rồi gửi lại.', 'Complete what is named and send again.'],
  ),
  'undo-too-late': row(
    409,
    'never',
    'clerk',
    ['Đã quá thời gian hoàn tác', 'It is too late to undo'],
    [
      'Văn bản đã được gửi đi; dùng "Thu hồi" nếu cần lấy lại.',
      'The document is on its way; recall it if it must come back.',
    ],
  ),
  'flash-unseen': row(
    409,
    'operator',
    'clerk',
    ['Văn bản hỏa tốc chưa ai mở', 'Nobody has opened a flash document'],
    ['Mở "Văn bản đến", xem và tiếp nhận ngay.', 'Open "Văn bản đến" and take it at once.'],
  ),
  'flash-undelivered': row(
    409,
    'operator',
    'clerk',
    ['Văn bản hỏa tốc gửi đi chưa tới nơi nhận', 'A flash document has not reached its recipient'],
    [
      'Gọi điện cho nơi nhận; hệ thống vẫn tự gửi tiếp.',
      'Call the recipient by telephone; the system goes on trying.',
    ],
  ),
  'page-unreadable': row(
    422,
    'never',
    'clerk',
    ['Không hiển thị được trang của tệp này', 'The pages of this file cannot be shown'],
    [
      'Tải tệp về và mở bằng phần mềm đọc PDF; tệp có mật khẩu hoặc hỏng thì trả lại nơi gửi.',
      'Download the file and open it with a PDF reader; return a locked or damaged one to its sender.',
    ],
  ),
  'console-not-built': row(
    500,
    'operator',
    'node-operator',
    ['Chưa dựng được trang của nút', 'The pages of the console could not be built'],
    [
      'Chạy "npm ci" trong thư mục chương trình và cho phép ghi vào thư mục .built, rồi khởi động lại.',
      'Run "npm ci" in the folder of the program, let it write to .built, and start again.',
    ],
  ),
  'password-weak': row(
    400,
    'never',
    'clerk',
    ['Mật khẩu chưa đủ mạnh', 'The password is too weak'],
    [
      'Chọn mật khẩu dài hơn, ví dụ một câu dễ nhớ có ít nhất 10 ký tự.',
      'Choose a longer one, such as a sentence of at least 10 characters.',
    ],
  ),
  'person-unknown': row(
    404,
    'never',
    'clerk',
    ['Đơn vị không có người này', 'The unit has no such person'],
    ['Kiểm tra địa chỉ e-mail công vụ.', 'Check the official e-mail address.'],
  ),
  'person-known': row(
    409,
    'never',
    'clerk',
    ['Người này đã có trong đơn vị', 'The person is in the unit already'],
    ['Sửa vai trò của tài khoản có sẵn.', 'Change the roles of the account that exists.'],
  ),
  'person-last-admin': row(
    409,
    'never',
    'clerk',
    ['Đây là người quản trị cuối cùng của đơn vị', 'This is the last administrator of the unit'],
    ['Giao vai trò quản trị cho người khác trước.', 'Give the role to somebody else first.'],
  ),
  'passkey-refused': row(
    403,
    'never',
    'clerk',
    ['Khóa đăng nhập không được chấp nhận', 'The passkey was not accepted'],
    [
      'Thử lại; nếu vẫn không được, dùng mã 6 số, hoặc xin người quản trị cấp mã một lần.',
      'Try again; else use the six digits, or ask the administrator for a one-time code.',
    ],
  ),
  'nudge-too-soon': row(
    409,
    'never',
    'clerk',
    ['Người này vừa được nhắc trong vòng một giờ', 'This person was reminded within the hour'],
    ['Chờ trả lời, hoặc gọi trực tiếp.', 'Wait for an answer, or call.'],
  ),
  'reminder-too-soon': row(
    409,
    'never',
    'clerk',
    ['Nơi này đã được nhắc trong ngày làm việc này', 'This office was reminded on this working day'],
    [
      'Chờ trả lời, gọi điện, hoặc nhắc lại vào ngày làm việc sau.',
      'Wait for an answer, call, or remind again on the next working day.',
    ],
  ),
  'not-found': row(
    404,
    'never',
    'software',
    ['Không tìm thấy', 'Not found'],
    [
      'Kiểm tra lại số, mã hoặc tên vừa gõ; nếu do phần mềm gọi thì báo đơn vị cung cấp kèm mã lỗi này.',
      'Check the number, code or name that was given; if software asked, give this code to its maker.',
    ],
  ),
  'method-refused': row(
    405,
    'never',
    'software',
    ['Không dùng được phương thức này', 'Method not allowed here'],
    callVendor,
  ),
  'media-type-refused': row(
    415,
    'never',
    'software',
    ['Kiểu nội dung không được hỗ trợ', 'Media type not supported'],
    callVendor,
  ),
  'request-timeout': row(
    408,
    'later',
    'nobody',
    ['Yêu cầu gửi quá chậm', 'The request was sent too slowly'],
    waits,
  ),
  'proof-invalid': row(
    400,
    'never',
    'clerk',
    ['Tệp bằng chứng không hợp lệ', 'The proof file does not verify'],
    ['Xin lại tệp bằng chứng từ đơn vị gửi hoặc trung tâm.', 'Ask the sender or the hub for the file again.'],
  ),

  // Borders: what concerns another system (the national axis) and our gateway to it.
  'border-unknown': row(
    404,
    'never',
    'hub-operator',
    ['Không có cổng liên thông này', 'No such border'],
    ['Xem danh sách bằng "lienthong hub upstream list".', 'See "lienthong hub upstream list".'],
  ),
  'border-credentials-missing': row(
    500,
    'operator',
    'hub-operator',
    ['Chưa có mật khẩu của cổng liên thông', 'The credentials of the border are not there'],
    [
      'Chạy "lienthong hub upstream secret TÊN --secret-file TỆP".',
      'Run "lienthong hub upstream secret NAME --secret-file FILE".',
    ],
  ),
  'border-message-conflict': row(
    409,
    'operator',
    'hub-operator',
    ['Hai thông điệp khác nhau dưới cùng một mã', 'Two different messages under one id'],
    [
      'So hai thông điệp bằng "lienthong hub border show"; hỏi nơi gửi bản nào đúng.',
      'Compare both with "lienthong hub border show"; ask the sender which one is right.',
    ],
  ),
  'border-agency-conflict': row(
    409,
    'operator',
    'hub-operator',
    [
      'Danh bạ của trục mâu thuẫn với danh bạ ở đây',
      'The list of offices of the axis contradicts the directory here',
    ],
    [
      'Kiểm tra mã định danh với đơn vị đó và với đơn vị vận hành trục.',
      'Check the code with that office and with the operator of the axis.',
    ],
  ),
  'border-not-the-sender': row(
    403,
    'never',
    'software',
    [
      'Cơ quan này không phải nơi phát hành văn bản được nêu',
      'This office did not issue the document that is named',
    ],
    [
      'Chỉ nơi phát hành được thu hồi, cập nhật hoặc thay thế văn bản.',
      'Only the issuer may recall, update or replace a document.',
    ],
  ),
  'axis-unreachable': row(
    503,
    'later',
    'nobody',
    ['Chưa liên lạc được với trục liên thông', 'The axis cannot be reached'],
    waits,
  ),
  'axis-busy': row(
    503,
    'later',
    'nobody',
    ['Trục liên thông đang lỗi hoặc quá tải', 'The axis fails or is overloaded'],
    waits,
  ),
  'axis-answer-malformed': row(
    502,
    'later',
    'hub-operator',
    ['Không đọc được câu trả lời của trục', 'The answer of the axis could not be read'],
    [
      'Hệ thống tự thử lại; nếu kéo dài thì báo đơn vị vận hành trục.',
      'It is tried again; if it lasts tell the operator of the axis.',
    ],
  ),
  'axis-credentials-refused': row(
    401,
    'operator',
    'hub-operator',
    ['Trục không chấp nhận mã hệ thống hoặc mật khẩu', 'The axis refuses the system id or the secret'],
    [
      'Kiểm tra với đơn vị vận hành trục, rồi "lienthong hub upstream secret".',
      'Check with the operator of the axis, then "lienthong hub upstream secret".',
    ],
  ),
  'axis-sender-unknown': row(
    403,
    'operator',
    'hub-operator',
    ['Cơ quan gửi chưa đăng ký trên trục', 'The sending office is not registered on the axis'],
    [
      'Đăng ký: "lienthong hub upstream register TÊN MÃ".',
      'Register it: "lienthong hub upstream register NAME CODE".',
    ],
  ),
  'axis-recipient-unknown': row(
    404,
    'never',
    'clerk',
    ['Trục không biết nơi nhận này', 'The axis does not know this recipient'],
    [
      'Kiểm tra mã định danh của nơi nhận; gửi bản giấy nếu họ chưa liên thông.',
      'Check the code of the recipient; send paper if it is not connected.',
    ],
  ),
  'axis-recipient-locked': row(
    423,
    'never',
    'clerk',
    ['Nơi nhận đang bị khóa trên trục', 'The recipient is locked on the axis'],
    [
      'Hỏi nơi nhận (có thể đã sáp nhập) rồi gửi tới mã mới.',
      'Ask the recipient (it may have been merged) and send to its new code.',
    ],
  ),
  'axis-message-refused': row(
    400,
    'never',
    'software',
    ['Trục không nhận thông điệp này', 'The axis refuses this message'],
    callVendor,
  ),
  'axis-refused': row(
    409,
    'operator',
    'hub-operator',
    ['Trục trả lời bằng một lỗi chưa biết', 'The axis answers with an error that is not known'],
    [
      'Đọc lời của trục; sửa rồi "lienthong hub redrive", hoặc "hub cancel".',
      'Read the words of the axis; mend it and "lienthong hub redrive", or "hub cancel".',
    ],
  ),
  // edXML (QCVN 102): what arrives from, or leaves for, the national axis.
  'edxml-malformed': row(
    400,
    'never',
    'software',
    ['Tệp edXML sai cấu trúc XML', 'The edXML file is not well-formed XML'],
    callVendor,
  ),
  'edxml-charset-refused': row(
    400,
    'never',
    'software',
    ['Bảng mã của tệp edXML không dùng được', 'The character set of the edXML file is not usable'],
    ['Xuất lại tệp bằng UTF-8 (TCVN 6909).', 'Export the file again as UTF-8 (TCVN 6909).'],
  ),
  'edxml-dtd-refused': row(
    400,
    'never',
    'software',
    ['Tệp edXML chứa DTD hoặc thực thể', 'The edXML file contains a DTD or an entity'],
    [
      'Từ chối vì an toàn; nơi gửi phải bỏ khai báo DOCTYPE.',
      'Refused for safety; the sender must remove the DOCTYPE.',
    ],
  ),
  'edxml-too-large': row(
    413,
    'never',
    'software',
    ['Tệp edXML vượt giới hạn', 'The edXML file exceeds a limit'],
    callVendor,
  ),
  'edxml-root-unknown': row(
    400,
    'never',
    'software',
    ['Không phải thông điệp edXML (QCVN 102)', 'Not an edXML message (QCVN 102)'],
    ['Kiểm tra lại tệp đã chọn.', 'Check that the right file was chosen.'],
  ),
  'edxml-generation-2803': row(
    400,
    'never',
    'software',
    [
      'Thông điệp thuộc thế hệ cũ (edXML 2803), không còn được nhận',
      'A message of the older generation (edXML 2803), which is not taken',
    ],
    ['Nơi gửi phải nâng cấp lên QCVN 102:2016/BTTTT.', 'The sender must move to QCVN 102:2016/BTTTT.'],
  ),
  'edxml-field-missing': row(
    400,
    'never',
    'software',
    ['Thông điệp edXML thiếu trường bắt buộc', 'The edXML message lacks a required field'],
    callVendor,
  ),
  'edxml-field-repeated': row(
    400,
    'never',
    'software',
    ['Trường chỉ được có một lần lại xuất hiện nhiều lần', 'A field that may occur once occurs again'],
    callVendor,
  ),
  'edxml-field-refused': row(
    400,
    'never',
    'clerk',
    ['Giá trị không ghi được theo QCVN 102', 'A value cannot be written in QCVN 102'],
    ['Sửa trường được nêu rồi gửi lại.', 'Correct the named field and send again.'],
  ),
  'edxml-not-carried': row(
    400,
    'never',
    'clerk',
    ['Nội dung này không có chỗ trong định dạng edXML', 'The edXML format has no place for this'],
    [
      'Bỏ phần được nêu, hoặc gửi trong mạng của hệ thống.',
      'Leave out what is named, or send inside this exchange only.',
    ],
  ),
  'edxml-attachment-missing': row(
    400,
    'never',
    'software',
    ['Thiếu tệp kèm theo của thông điệp edXML', 'An attachment of the edXML message is missing'],
    ['Nơi gửi phải gửi lại đủ tệp.', 'The sender must send again with all files.'],
  ),
  'edxml-attachment-repeated': row(
    400,
    'never',
    'software',
    ['Hai tệp kèm theo có cùng mã', 'Two attachments have the same id'],
    callVendor,
  ),
  'edxml-attachment-damaged': row(
    400,
    'never',
    'software',
    ['Tệp kèm theo bị hỏng', 'An attachment is damaged'],
    [
      'Nơi gửi phải gửi lại tệp gốc; kiểm tra phần mềm có xử lý tệp như văn bản hay không.',
      'The sender must send the original file again; check whether its software treats files as text.',
    ],
  ),
  'edxml-zip-refused': row(
    400,
    'never',
    'software',
    ['Gói ZIP của tệp kèm theo không được chấp nhận', 'The ZIP of an attachment is not acceptable'],
    callVendor,
  ),
  'edxml-digest-mismatch': row(
    400,
    'never',
    'software',
    ['Giá trị băm của tệp không khớp', 'The file does not match its stated digest'],
    ['Nơi gửi phải gửi lại.', 'The sender must send again.'],
  ),
  'edxml-document-unknown': row(
    404,
    'never',
    'hub-operator',
    ['Trạng thái về một văn bản không có ở đây', 'A status of a document that is not known here'],
    [
      'Tra sổ văn bản đi theo số, ký hiệu và ngày; nếu không có thì báo nơi gửi trạng thái.',
      'Look in the outgoing register by number, notation and date; if it is not there tell who sent the status.',
    ],
  ),
  // Tables that people bring: CSV and XLSX.
  'spreadsheet-malformed': row(
    400,
    'never',
    'clerk',
    ['Bảng tính không đọc được', 'The spreadsheet could not be read'],
    [
      'Mở tệp bằng Excel hoặc LibreOffice, lưu lại dạng XLSX (không mật khẩu) hoặc CSV UTF-8, giữ nguyên dòng tiêu đề cột.',
      'Open the file in a spreadsheet program and save it as XLSX without a password or as CSV UTF-8; keep the row of column names.',
    ],
  ),
  'spreadsheet-too-large': row(
    413,
    'never',
    'clerk',
    ['Bảng tính quá lớn', 'The spreadsheet is too large'],
    [
      'Chia thành nhiều tệp: mỗi tệp tối đa 200.000 dòng, 64 cột, 64 MB.',
      'Split it: at most 200,000 rows, 64 columns and 64 MB in a file.',
    ],
  ),
  internal: row(
    500,
    'later',
    'hub-operator',
    ['Lỗi nội bộ', 'Internal error'],
    [
      'Thử lại; nếu lặp lại gửi mã yêu cầu cho người quản trị.',
      'Try again; if it repeats give the request id to the administrator.',
    ],
  ),
} as const satisfies Record<string, CatalogueRow>;

export type ErrorCode = keyof typeof catalogue;

/** True for every code of the table; a peer of a later version may send others. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(catalogue, text);
}

/** One thing that is wrong with a request: JSON pointer of the field, what is wrong with its remedy. protocol/document/violations.ts. */
export type Violation = { readonly field: string; readonly vi: string; readonly en: string };

export type ExchangeErrorOptions = {
  readonly cause?: unknown;
  readonly retryAfterMs?: number;
  readonly violations?: readonly Violation[];
};

/**
 * The only failure that crosses a boundary. `detail` may name fields, sizes and ids; never content, keys, names of persons or secrets,
 * since peers see it.
 */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryAfterMs: number | undefined;
  /** Everything that is wrong with a request, for people; empty for other failures. */
  readonly violations: readonly Violation[];
  constructor(code: ErrorCode, detail = '', options: ExchangeErrorOptions = {}) {
    super(
      detail ? `${code}: ${detail}` : code,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.detail = detail;
    this.retryAfterMs = options.retryAfterMs;
    this.violations = options.violations ?? [];
  }
  get row(): CatalogueRow {
    return catalogue[this.code];
  }
}

/** Narrowing by code; with no codes, any ExchangeError. */
export function isExchangeError(error: unknown, ...codes: readonly ErrorCode[]): error is ExchangeError {
  return error instanceof ExchangeError && (codes.length === 0 || codes.includes(error.code));
}

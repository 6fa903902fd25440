// Words of the lists of documents, arriving and leaving. Official terms of Decree 30/2020 where there is one; part of words.ts.

export const urgency = ['Thường', 'Khẩn', 'Thượng khẩn', 'Hỏa tốc', 'Hỏa tốc hẹn giờ'] as readonly string[];

export const urgencyNames = {
  normal: 'Thường',
  urgent: 'Khẩn',
  veryUrgent: 'Thượng khẩn',
  flash: 'Hỏa tốc',
  flashTimed: 'Hỏa tốc hẹn giờ',
} as Readonly<Record<string, string>>;

export const kinds = { 1: '', 2: 'Cập nhật', 3: 'Thay thế', 4: 'Thu hồi', 5: 'Trạng thái' } as Readonly<
  Record<number, string>
>;

export const sendState = {
  queued: 'Chờ gửi',
  accepted: 'Đã tới trung tâm',
  relayed: 'Đã chuyển tuyến trên',
  delivered: 'Đã đến',
  refused: 'Bị từ chối',
  undeliverable: 'Không chuyển được',
  expired: 'Quá hạn gửi',
  cancelled: 'Đã dừng gửi',
  received: 'Đã nhận',
} as Readonly<Record<string, string>>;

export const list = {
  search: 'Tìm trong danh sách',
  searchHint: 'Số, ký hiệu hoặc trích yếu (phím /)',
  more: 'Xem thêm',
  count: (n: number) => `${n} văn bản`,
  urgency: 'Độ khẩn',
  document: 'Văn bản',
  name: 'Số, ký hiệu',
  subject: 'Trích yếu',
  sender: 'Nơi gửi',
  arrived: 'Thời điểm đến',
  due: 'Hạn xử lý',
  late: 'quá hạn',
  dueBy: 'Hạn',
  type: 'Loại văn bản',
  dueChoices: [
    ['', 'Tất cả'],
    ['running', 'Còn hạn'],
    ['late', 'Quá hạn'],
  ] as readonly (readonly [string, string])[],
  parts: (n: number) => `${n} tệp`,
  urgencyFrom: [
    ['', 'Mọi độ khẩn'],
    ['1', 'Khẩn trở lên'],
    ['2', 'Thượng khẩn trở lên'],
    ['3', 'Hỏa tốc'],
  ] as readonly (readonly [string, string])[],
  state: 'Trạng thái',
  sent: 'Thời điểm gửi',
  recipients: 'Nơi nhận',
  noSubject: '(không có trích yếu)',
  noNumber: '(không số)',
  erased: (sender: string) => `Văn bản ${sender} đã thu hồi`,
  unread: 'chưa mở',
  all: 'Tất cả',
  days: 'Khoảng ngày',
  narrow: 'Lọc thêm',
  keepView: 'Lưu cách lọc này',
  viewName: 'Tên để nhớ',
  dropView: (name: string) => `Bỏ danh sách đã lưu ${name}`,
  from: 'Từ ngày',
  to: 'Đến hết ngày',
  filling:
    'Máy vừa khởi động và còn đang lập chỉ mục tìm kiếm: văn bản cũ sẽ hiện ra dần, danh sách tự cập nhật.',
  nothing: 'Không có văn bản nào khớp.',
  nothingHow: 'Bỏ bớt từ tìm kiếm hoặc chọn "Tất cả".',
} as const;

export const inbox = {
  title: 'Văn bản đến',
  empty: 'Chưa có văn bản nào đến.',
  emptyHow: 'Văn bản các nơi gửi tới đơn vị sẽ hiện ở đây ngay khi đến.',
  noneWaiting: 'Chưa có văn bản chờ tiếp nhận.',
  noneWaitingHow: 'Mọi văn bản đã đến đều được tiếp nhận hoặc trả lại.',
  lineGood: 'Kết nối với trung tâm đang tốt. Đang chờ một văn bản mà chưa thấy? Hãy kiểm tra đường truyền.',
  silent: (ago: string | undefined): string =>
    `Chưa liên lạc được với trung tâm${ago ? `, lần cuối ${ago}` : ''}: văn bản mới có thể chưa về. Hãy kiểm tra đường truyền.`,
  testLine: 'Kiểm tra kết nối',
  arrivedLive: 'Có văn bản mới đến.',
  arrivedFlash: 'Có văn bản HỎA TỐC mới đến.',
} as const;

export const standing = {
  '01': 'Chờ tiếp nhận',
  '02': 'Đã trả lại',
  '03': 'Đã tiếp nhận',
  '04': 'Đã phân công',
  '05': 'Đang xử lý',
  '06': 'Hoàn thành',
  destroyed: 'Đã hủy theo thu hồi',
  'recall-asked': 'Đang thu hồi',
  recalled: 'Đã thu hồi',
} as Readonly<Record<string, string>>;

export const standingFilters = {
  '': 'Tất cả',
  waiting: 'Chờ tiếp nhận',
  accepted: 'Đã tiếp nhận',
  finished: 'Hoàn thành',
  returned: 'Đã trả lại',
  recalled: 'Bị thu hồi',
  asked: 'Có yêu cầu',
  reminded: 'Nơi gửi nhắc',
} as Readonly<Record<string, string>>;

export const outbox = {
  title: 'Văn bản đi',
  empty: 'Chưa gửi văn bản nào.',
  emptyHow: 'Bấm "Soạn văn bản" (Alt+N), thả tệp PDF đã ký, chọn nơi nhận rồi gửi.',
  leaving: (name: string, subject: string) =>
    `${name} – ${subject || '(không có trích yếu)'}: sẽ rời máy trong ít giây, còn hoàn tác được.`,
  leavingMore: (name: string, subject: string, places: number): string =>
    `${name} – ${subject || '(không có trích yếu)'}: sẽ gửi thêm ${places} nơi nhận trong ít giây, còn hoàn tác được.`,
  leavingOnly: 'Chưa có văn bản nào rời máy.',
  leavingOnlyHow: 'Văn bản vừa bấm gửi hiện trong danh sách này sau 30 giây.',
  seeLeaving: 'Xem hoặc hoàn tác',
  fold: 'Xem từng nơi nhận',
  unsent: 'Hộp gửi',
  unsentHow:
    'Văn bản chờ rời máy, hoặc có nơi không nhận được. Hệ thống tự gửi lại (bấm "Gửi ngay" nếu không muốn chờ); mở văn bản để xem lý do, gửi lại, dừng gửi hoặc bỏ khỏi hộp.',
  unsentEmpty: 'Không còn văn bản nào chờ gửi.',
  unsentEmptyHow: 'Mọi văn bản đã rời máy và không nơi nào báo lỗi.',
  filters: {
    '': 'Tất cả',
    queued: 'Chờ gửi',
    accepted: 'Ở trung tâm',
    delivered: 'Đã đến',
    failed: 'Không tới được',
    returned: 'Bị trả lại',
    unanswered: 'Chưa xác nhận',
    recalled: 'Đã thu hồi',
  } as Readonly<Record<string, string>>,
} as const;

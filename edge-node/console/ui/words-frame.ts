// Words around every screen: sign-in, the line to the hub, the first screen, help, problems. Official terms of Decree 30/2020 where there is one; part of words.ts.

export const signIn = {
  title: 'Đăng nhập',
  email: 'E-mail công vụ',
  password: 'Mật khẩu',
  enter: 'Đăng nhập',
  firstTime: 'Lần đầu vào, hoặc quên mật khẩu?',
  haveCode: 'Tôi có mã một lần',
  havePassword: 'Tôi đã có mật khẩu',
  code: 'Mã một lần',
  codeHint: 'Dạng XXXX-XXXX-XXXX-XXXX, do người quản trị của đơn vị cấp.',
  newPassword: 'Mật khẩu mới',
  newPasswordHint: 'Ít nhất 10 ký tự. Một câu dễ nhớ là tốt nhất.',
  repeat: 'Gõ lại mật khẩu mới',
  different: 'Hai lần gõ không giống nhau.',
  setPassword: 'Đặt mật khẩu và vào',
  factor: 'Mã xác thực 6 số',
  factorHint: 'Mở ứng dụng xác thực trên điện thoại.',
  outside: 'Đăng nhập bằng tài khoản dùng chung của tỉnh',
  or: 'hoặc dùng tài khoản của đơn vị',
  nobody: 'Đơn vị chưa có tài khoản nào.',
  nobodyHow:
    'Trên máy chạy nút, người quản trị chạy lệnh: lienthong node user add E-MAIL --name "HỌ TÊN" --dir THƯ-MỤC. Lệnh in ra mã một lần; bấm "Tôi có mã một lần" để đặt mật khẩu.',
  ended: 'Phiên làm việc đã kết thúc. Đăng nhập lại để tiếp tục; những gì đang soạn vẫn còn trên trang này.',
  failures: (n: number) => `Có ${n} lần đăng nhập sai kể từ lần trước. Nếu không phải bạn, hãy đổi mật khẩu.`,
  newBrowser: 'Lần đầu đăng nhập từ trình duyệt này.',
  warning: 'Không gửi, nhận văn bản có nội dung bí mật nhà nước qua hệ thống này.',
} as const;

export const link = {
  connected: 'Đã kết nối trung tâm',
  starting: 'Đang kết nối trung tâm…',
  unreachable: 'Mất kết nối – văn bản vẫn được lưu và sẽ tự gửi khi có mạng',
  superseded: 'Đã dừng: một máy khác đang chạy cùng nút này',
  stopped: 'Nút đã dừng',
} as Readonly<Record<string, string>>;

export const overview = {
  title: 'Việc hôm nay',
  waiting: 'Văn bản chờ tiếp nhận',
  waitingHow: 'Tiếp nhận hoặc trả lại trong ngày.',
  requests: 'Nơi gửi xin lấy lại, cập nhật',
  requestsHow: 'Cần trả lời đồng ý hoặc từ chối.',
  reminded: 'Nơi gửi nhắc',
  remindedHow: 'Nơi gửi chờ tiếp nhận hoặc trả lời.',
  tasks: 'Việc được giao cho tôi',
  tasksHow: 'Cập nhật tiến độ hoặc báo hoàn thành.',
  late: 'Quá hạn',
  lateHow: 'Xem danh sách theo dõi.',
  near: 'Sắp đến hạn',
  nearHow: 'Xem danh sách theo dõi.',
  held: 'Văn bản bị giữ lại để xét',
  heldHow: 'Cần người thứ hai xem và quyết định.',
  empty: 'Không có việc cần xử lý.',
  emptyHow: 'Văn bản mới sẽ hiện tại đây ngay khi đến. Để gửi văn bản, bấm "Soạn văn bản" (Alt+N).',
  unread: 'Văn bản đến chưa mở',
  oldest: (ago: string) => `Cũ nhất: ${ago}.`,
  urgent: (n: number) => `${n} văn bản khẩn.`,
  unsent: 'Văn bản chưa gửi được',
  unsentHow: 'Hệ thống tự gửi lại khi có kết nối.',
  failed: 'Văn bản gửi không thành công',
  failedHow: 'Mở để xem lý do và gửi lại.',
  returned: 'Văn bản bị trả lại',
  returnedHow: 'Trong 7 ngày qua. Mở để xem lý do, rồi gửi bản thay thế hoặc thu hồi.',
  unanswered: 'Nơi nhận chưa xác nhận',
  unansweredHow:
    'Đã tới nơi nhận từ ngày làm việc trước mà chưa tiếp nhận hoặc trả lại. Hãy liên hệ nơi nhận.',
  drafts: 'Dự thảo đang soạn',
  draftsHow: 'Chưa gửi đi nơi nào.',
  alarms: 'Cảnh báo của hệ thống',
  alarmsHow: 'Cần một người xem.',
  today: 'Hôm nay',
  arrivedToday: (n: number) => `${n} văn bản đến`,
  sentToday: (n: number) => `${n} văn bản đi`,
  presence: 'Kiểm tra văn bản trong ngày (4 lần)',
  slot: {
    done: 'đã kiểm tra',
    missed: 'đã lỡ',
    open: 'đang mở',
    later: 'chưa đến giờ',
    free: 'không tính',
  } as Readonly<Record<string, string>>,
  free: 'Tính từ lần đầu bạn đăng nhập, vào ngày làm việc.',
} as const;

export const help = {
  title: 'Trợ giúp',
  keys: 'Phím tắt',
  rows: [
    ['/', 'Tìm trong danh sách'],
    ['↑ ↓', 'Chuyển dòng'],
    ['Enter', 'Mở văn bản'],
    ['Esc', 'Về danh sách, đúng chỗ cũ'],
    ['Ctrl + Enter', 'Việc chính của màn hình'],
    ['Alt + N', 'Soạn văn bản'],
    ['Alt + Y', 'Khi soạn: điền theo gợi ý từ tệp'],
    ['Alt + 1 … 5', 'Các mục của danh mục'],
    ['?', 'Trang này'],
  ] as readonly (readonly [string, string])[],
  first: 'Hai việc chính',
  send: 'Gửi văn bản: bấm "Soạn văn bản", thả tệp PDF đã ký, ghi trích yếu, chọn nơi nhận, bấm "Gửi…", đọc lại danh sách rồi bấm "Gửi".',
  receive:
    'Nhận văn bản: mở "Văn bản đến", chọn văn bản, đọc khối Kiểm tra và nội dung, bấm "Tiếp nhận và vào sổ"; văn bản không đúng thì bấm "Trả lại" và nêu lý do.',
  contact: 'Khi có lỗi',
  contactHow:
    'Mỗi lỗi nêu điều đã xảy ra, hệ thống làm gì tiếp, bạn làm được gì, và một mã trong ngoặc. Đọc mã đó cho người quản trị hoặc cơ quan đầu mối.',
} as const;

export const problem = {
  never: 'Hệ thống không tự thử lại.',
  later: 'Không mất gì; hệ thống tự thử lại hoặc bạn bấm lại sau.',
  operator: 'Hệ thống chờ người xử lý; dữ liệu giữ nguyên.',
  code: (code: string, technical?: string) => `(mã ${code}${technical ? `; ${technical}` : ''})`,
  again: 'Thử lại',
  wait: (seconds: number) => `Thử lại sau ${seconds} giây.`,
} as const;

export const notFound = {
  title: 'Không có trang này',
  how: 'Địa chỉ có thể gõ sai. Chọn một mục ở danh mục bên trái.',
} as const;

// Words and sample documents of the practice space. The samples are invented; no office, person or number in them is real.

export type Sample = {
  readonly id: string;
  readonly urgency: number;
  readonly number: string;
  readonly notation: string;
  readonly type: string;
  readonly subject: string;
  readonly sender: string;
  readonly good: boolean;
  readonly verdict: string;
  readonly text: string;
};

export const samples: readonly Sample[] = [
  {
    id: 'mau-1',
    urgency: 3,
    number: '112',
    notation: 'CĐ-UBND',
    type: 'Công điện',
    subject: 'Về việc chủ động ứng phó mưa lớn (văn bản mẫu)',
    sender: 'UBND xã Mẫu Một',
    good: true,
    verdict: 'Chữ ký số hợp lệ – UBND xã Mẫu Một.',
    text: 'Yêu cầu các đơn vị trực 24/24 giờ và báo cáo trước 16 giờ hằng ngày.',
  },
  {
    id: 'mau-2',
    urgency: 0,
    number: '45',
    notation: 'BC-VP',
    type: 'Báo cáo',
    subject: 'Kết quả kiểm kê tài sản của xã Mẫu Hai (văn bản mẫu)',
    sender: 'UBND xã Mẫu Hai',
    good: true,
    verdict: 'Chữ ký số hợp lệ. Nơi nhận ghi trong văn bản là Phòng Mẫu Ba, không phải đơn vị của bạn.',
    text: 'Kính gửi: Phòng Mẫu Ba. Báo cáo kết quả kiểm kê tài sản năm nay.',
  },
  {
    id: 'mau-3',
    urgency: 1,
    number: '9',
    notation: 'TB-UBND',
    type: 'Thông báo',
    subject: 'Kết luận cuộc họp giao ban (văn bản mẫu)',
    sender: 'UBND xã Mẫu Một',
    good: false,
    verdict: 'Chữ ký KHÔNG hợp lệ – nội dung đã bị thay đổi sau khi ký. Không tiếp nhận; hãy trả lại.',
    text: 'Thông báo kết luận của Chủ tịch tại cuộc họp giao ban.',
  },
];

export const practiceWords = {
  title: 'Thực hành',
  banner:
    'CHẾ ĐỘ THỰC HÀNH: mọi văn bản ở đây là mẫu. Không có gì được gửi đi, vào sổ hay lưu lại; rời trang là xóa hết.',
  how: 'Bốn việc hằng ngày của văn thư. Làm lần lượt, sai cũng không sao.',
  link: 'Tập làm với văn bản mẫu',
  linkHow: 'Thử tiếp nhận, trả lại và gửi văn bản mà không có gì rời khỏi trang.',
  tasks: [
    'Tiếp nhận và vào sổ công điện hỏa tốc.',
    'Trả lại văn bản gửi nhầm nơi nhận, nêu lý do.',
    'Trả lại văn bản có chữ ký không hợp lệ.',
    'Gửi một công văn tới hai nơi.',
  ],
  done: 'đã làm',
  todo: 'chưa làm',
  allDone: 'Bạn đã làm xong cả bốn việc. Công việc thật có cùng các nút này.',
  again: 'Làm lại từ đầu',
  inbox: 'Văn bản đến (mẫu)',
  compose: 'Soạn văn bản (mẫu)',
  sentTo: (name: string, places: string) => `Đã "gửi" ${name} tới ${places} – chỉ trong thực hành.`,
  accept: 'Tiếp nhận và vào sổ',
  return: 'Trả lại',
  reason: 'Lý do',
  choose: 'Chọn lý do',
  reasons: ['Sai nơi nhận', 'Chữ ký số không hợp lệ', 'Sai thể thức', 'Khác'],
  back: 'Về danh sách',
  places: ['UBND xã Mẫu Một', 'UBND xã Mẫu Hai', 'Phòng Mẫu Ba'],
  placesTitle: 'Nơi nhận',
  number: 'Số',
  notation: 'Ký hiệu',
  subject: 'Trích yếu nội dung',
  send: 'Gửi…',
  sendNow: 'Gửi',
  confirm: (name: string, n: number) => `Gửi ${name} tới ${n} đơn vị?`,
  cancel: 'Thôi',
  missing: 'Cần số, ký hiệu, trích yếu và ít nhất hai nơi nhận.',
  registered: (n: number) => `Đã tiếp nhận, số đến ${n} (mẫu)`,
  returned: (reason: string) => `Đã trả lại: ${reason} (mẫu)`,
  mistake: 'Ở đây nên trả lại: đọc lại khối Kiểm tra.',
  kept: 'Văn bản này đúng và gửi cho bạn: nên tiếp nhận.',
} as const;

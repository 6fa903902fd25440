// How long exchange goes on without something, when it warns, what stops, how it heals: the one table. Programs take their times from it,
// docs/OPERATIONS.md repeats it and a test compares the two. A row is added by whoever adds something that can be missing (a scanner, a
// time stamp). Must never hold a time that no program uses. Pure.

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

type Words = { readonly vi: string; readonly en: string };
export type GraceRow = {
  readonly missing: Words;
  /** How long exchange goes on; undefined: without end. The default where it is a setting. */
  readonly goesOnMs: number | undefined;
  /** From when the health checks of the program warn. */
  readonly warnsMs: number;
  /** From when a person is told by an alarm. */
  readonly alarmsMs: number;
  readonly stops: Words;
  readonly heals: Words;
};

export const grace = {
  hub: {
    missing: { vi: 'trung tâm, đối với một nút', en: 'the hub, for a node' },
    goesOnMs: undefined,
    warnsMs: 0,
    alarmsMs: DAY_MS,
    stops: {
      vi: 'chỉ việc chuyển; văn bản vẫn được nhận vào, niêm phong sau',
      en: 'delivery alone: documents are taken in, sealed when the line is back',
    },
    heals: {
      vi: 'tự động: thử lại dần tới 15 phút một lần',
      en: 'by itself: back-off up to 15 min, slow start',
    },
  },
  province: {
    missing: { vi: 'trung tâm cấp trên, đối với một trung tâm', en: 'the next hub, for a hub' },
    goesOnMs: undefined,
    warnsMs: 0,
    alarmsMs: DAY_MS,
    stops: {
      vi: 'trong huyện không đổi; văn bản lên trên chờ tới hạn chuyển (mặc định 30 ngày)',
      en: 'nothing in the district; what goes up waits until its deadline (30 days by default)',
    },
    heals: { vi: 'tự động', en: 'by itself' },
  },
  directory: {
    missing: { vi: 'danh bạ mới hơn (danh bạ có hạn dùng)', en: 'a newer directory than the one held' },
    goesOnMs: 30 * DAY_MS,
    warnsMs: 7 * DAY_MS,
    alarmsMs: 7 * DAY_MS,
    stops: {
      vi: 'văn bản của các đơn vị thuộc danh bạ hết hạn phải chờ, không bị từ chối',
      en: 'arrivals sealed by units of the part that ended: they wait and are not refused',
    },
    heals: { vi: 'ở lần hỏi kế tiếp', en: 'with the next poll' },
  },
  revocations: {
    missing: { vi: 'danh sách thu hồi mới hơn', en: 'a newer revocation list' },
    goesOnMs: 30 * DAY_MS,
    warnsMs: 7 * DAY_MS,
    alarmsMs: 7 * DAY_MS,
    stops: {
      vi: 'như danh bạ, vì đi cùng danh bạ; khi nối mạng, mọi nút biết trong 60 giây',
      en: 'as the directory, in which it travels; on line every node knows within 60 s',
    },
    heals: { vi: 'ở lần hỏi kế tiếp', en: 'with the next poll' },
  },
  nodeClock: {
    missing: { vi: 'giờ đúng trên một nút', en: 'the right time on a node' },
    goesOnMs: undefined,
    warnsMs: 0,
    alarmsMs: 0,
    stops: {
      vi: 'nhanh hơn 5 phút: văn bản gửi đi phải chờ; sai hàng tháng (hết pin CMOS): không nối được, có nêu rõ lý do',
      en: 'more than 5 min ahead: what is sent waits; months off (a dead CMOS battery): no connection, and the cause is said in words',
    },
    heals: { vi: 'sau khi chỉnh giờ (chrony/NTP)', en: 'after the clock is set (chrony/NTP)' },
  },
  hubClock: {
    missing: { vi: 'giờ đúng trên trung tâm', en: 'the right time on the hub' },
    goesOnMs: undefined,
    warnsMs: 0,
    alarmsMs: 0,
    stops: {
      vi: 'không nút nào bị chặn; việc hết hạn và xóa theo hạn tạm dừng; sai hàng tháng: theo giờ mà các nút đã thống nhất',
      en: 'nobody: deadlines and retention wait while most peers disagree; months off: the hub goes by the time on which its peers agree',
    },
    heals: { vi: 'sau khi chỉnh giờ', en: 'after the clock is set' },
  },
  ownCertificate: {
    missing: { vi: 'gia hạn chứng thư của nút', en: 'renewal of a node’s certificate' },
    goesOnMs: undefined,
    warnsMs: 0,
    alarmsMs: 0,
    stops: {
      vi: 'hết hạn: kết nối (1 năm) hoặc niêm phong (2 năm); dữ liệu giữ nguyên',
      en: 'at its end: the connection (1 year) or sealing (2 years); all data stay',
    },
    heals: {
      vi: 'tự thử lại trong một phần ba cuối; quá hạn thì dùng giấy mời mới',
      en: 'asked for again all through the last third; after the end a fresh invitation',
    },
  },
  issuingCa: {
    missing: { vi: 'CA cấp chứng thư kế tiếp của trung tâm', en: 'the hub’s next issuing CA' },
    goesOnMs: undefined,
    warnsMs: 0,
    alarmsMs: 0,
    stops: {
      vi: 'chứng thư mới ngắn dần theo hạn của CA; hết hạn thì mọi thứ dưới nó hết',
      en: 'new certificates get shorter with it; at its end everything under it ends',
    },
    heals: {
      vi: '"hub ca request/sign/install", không phải dừng',
      en: '"hub ca request/sign/install", without a stop',
    },
  },
} as const satisfies Record<string, GraceRow>;

/** Bounds of clocks; each end measures the other with every poll. */
export const clockBounds = {
  /** A node's offset from which it is shown as a warning. Less is a slow line. */
  nodeWarnMs: 5_000,
  /** From which a node's operator gets an alarm. */
  nodeAlarmMs: MINUTE_MS,
  /** What certificates are backdated by and what a hub takes ahead of its clock: beyond it things wait or fail. */
  nodeFailMs: 5 * MINUTE_MS,
  /** The median of peers against the hub. */
  hubOffMs: MINUTE_MS,
  /** A hub's machine before what its peers last agreed on by this is wrong for certain: the hub goes on from the agreed time. */
  hubBackMs: DAY_MS,
  /** After it by this it is wrong, or was off for long: the hub asks its peers first. */
  hubAheadMs: 30 * DAY_MS,
  /** How long it waits for enough of them; then it takes documents again. */
  hubPresumedMs: 15 * MINUTE_MS,
} as const;

/** A part of another hub is signed anew after a third of its life; with so much of it gone something is wrong there. */
export const partOverdueShare = 2 / 3;

const days = (ms: number): string => (ms % DAY_MS === 0 ? `${ms / DAY_MS} d` : `${ms / MINUTE_MS} min`);
/** The table as docs/OPERATIONS.md has it. */
export function graceTable(): string {
  const lines = Object.values<GraceRow>(grace).map(
    ({ missing, goesOnMs, warnsMs, alarmsMs, stops, heals }) =>
      `| ${missing.en} | ${goesOnMs === undefined ? 'without end' : days(goesOnMs)} | ${warnsMs === 0 ? 'at once' : days(warnsMs)} | ${
        alarmsMs === 0 ? 'at once' : days(alarmsMs)
      } | ${stops.en} | ${heals.en} |`,
  );
  return [
    '| missing | goes on | warns | alarm | stops | heals |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

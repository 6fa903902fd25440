// Words for people about events and the line, in Vietnamese and English. Programs decide on names and codes, never on these.
import { catalogue, isErrorCode } from '../protocol/errors.ts';
import type { LinkState } from './core.ts';

type Words = { readonly vi: string; readonly en: string };

const events: Readonly<Record<string, Words>> = {
  Queued: { vi: 'Đã lưu tại đơn vị, chờ gửi', en: 'Taken by this node, waiting to be sent' },
  Sealed: { vi: 'Đã ký niêm phong', en: 'Sealed' },
  Cancelled: { vi: 'Đã hủy trước khi gửi', en: 'Cancelled before it was sent' },
  Refused: { vi: 'Trung tâm từ chối', en: 'Refused by the hub' },
  SubmissionAcceptance: { vi: 'Trung tâm đã nhận', en: 'Accepted by the hub' },
  SubmissionRejection: { vi: 'Trung tâm từ chối', en: 'Refused by the hub' },
  RelayAcceptance: { vi: 'Trung tâm kế tiếp đã nhận', en: 'Accepted by the next hub' },
  RelayRejection: { vi: 'Trung tâm kế tiếp từ chối', en: 'Refused by the next hub' },
  RelayFailure: { vi: 'Không chuyển được tới trung tâm kế tiếp', en: 'Could not be passed to the next hub' },
  ContentHandover: { vi: 'Đã tới nơi nhận', en: 'Delivered' },
  ContentHandoverFailure: { vi: 'Không chuyển được tới nơi nhận', en: 'Could not be delivered' },
  AcceptanceRejectionExpiry: { vi: 'Hết hạn chuyển', en: 'Expired before delivery' },
  ConsignmentRejection: { vi: 'Nơi nhận từ chối', en: 'Refused by the recipient' },
  RelayToNonERDS: { vi: 'Đã chuyển sang hệ thống khác', en: 'Handed to another system' },
  RelayToNonERDSFailure: { vi: 'Hệ thống khác không nhận', en: 'Not taken by the other system' },
};
const outcomes: Readonly<Record<string, Words>> = {
  forwarded: { vi: 'chuyển cho đơn vị kế thừa', en: 'forwarded to the successor' },
  refused: { vi: 'từ chối', en: 'refused' },
  expired: { vi: 'hết hạn', en: 'expired' },
  undeliverable: { vi: 'không chuyển được', en: 'undeliverable' },
  relayed: { vi: 'đã chuyển tiếp', en: 'passed on' },
  cancelled: { vi: 'đã hủy', en: 'cancelled' },
  reported: {
    vi: 'hệ thống đó báo nơi nhận đã có (không có chữ ký của nơi nhận)',
    en: 'that system says that the recipient has it (the recipient signed nothing)',
  },
};

/** `said`: words of another system, as it gave them. */
export function eventWords(event: string, outcome: string, code: string, said = ''): Words {
  const what = events[event] ?? { vi: event, en: event };
  const how = outcomes[outcome];
  const why = isErrorCode(code) ? catalogue[code].title : code ? { vi: code, en: code } : undefined;
  const join = (language: keyof Words) =>
    [what[language], how?.[language], why?.[language], said === '' ? undefined : `“${said}”`]
      .filter((text) => text !== undefined)
      .join('; ');
  return { vi: join('vi'), en: join('en') };
}

const states: Readonly<Record<LinkState, Words>> = {
  starting: { vi: 'Đang kết nối trung tâm', en: 'Connecting to the hub' },
  connected: { vi: 'Đang kết nối với trung tâm', en: 'Connected to the hub' },
  unreachable: { vi: 'Chưa kết nối được trung tâm', en: 'The hub cannot be reached' },
  superseded: {
    vi: 'Đã dừng: một máy khác đang chạy cùng nút này',
    en: 'Stopped: another machine runs this node',
  },
  stopped: { vi: 'Đã dừng', en: 'Stopped' },
};

const refusing: Words = { vi: 'Trung tâm chưa cho nút này kết nối', en: 'The hub does not let this node in' };

/** True for the hub's own word about this node, as against trouble of the line or of a document. */
export const isAboutPeer = (code: string): boolean =>
  /^(peer-(?!not-)|certificate-|node-instance-)/.test(code);

/** The state, the cause and the remedy in one sentence each. */
export function linkWords(state: LinkState, code: string | undefined): Words {
  if (code === undefined || !isErrorCode(code)) return states[state];
  const { title, remedy } = catalogue[code];
  const what = state === 'unreachable' && isAboutPeer(code) ? refusing : states[state];
  // Said once: the state and the cause are the same.
  if (code === 'hub-unreachable' && state === 'unreachable')
    return { vi: `${what.vi}. ${remedy.vi}`, en: `${what.en}. ${remedy.en}` };
  return { vi: `${what.vi}: ${title.vi}. ${remedy.vi}`, en: `${what.en}: ${title.en}. ${remedy.en}` };
}

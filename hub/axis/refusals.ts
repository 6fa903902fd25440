// What another system's error answers mean for us: try again, give up, or ask a person. One table per protocol. VXP publishes no list of
// codes (VN-DOMAIN §2.2), so its words are read; what no line of the table knows goes to a person, never to a guess.
import { type ErrorCode, ExchangeError } from '../../protocol/errors.ts';

/**
 * Codes of the provincial wrapper (VN-DOMAIN §2.3); what each means for us is the catalogue's `retry`: later, never (the sender is told in its words),
 * operator. 20 and 21 are troubles of the wrapper itself. A code that is not here asks a person. docs/AXIS.md has the table for people.
 */
export const lgspCodes: Readonly<Record<string, ErrorCode>> = {
  '10': 'axis-message-refused',
  '15': 'axis-credentials-refused',
  '18': 'axis-recipient-unknown',
  '19': 'axis-sender-unknown',
  '20': 'axis-busy',
  '21': 'axis-busy',
  '22': 'axis-message-refused',
  '23': 'axis-recipient-locked',
};

/** First match counts: who is meant before what is wrong. */
const vxpWords: readonly (readonly [RegExp, ErrorCode])[] = [
  [
    /timestamp|hash-?header|sign-?header|secret|system ?id|unauthori[sz]ed|xác thực|chữ ký header/i,
    'axis-credentials-refused',
  ],
  [/hash-?file|checksum|mã băm/i, 'axis-busy'],
  [/lock|khóa|khoá|suspended|tạm dừng|ngừng hoạt động/i, 'axis-recipient-locked'],
  [
    /(sender|from|gửi).*(not exist|not found|unknown|not regist|không tồn tại|chưa đăng ký)/i,
    'axis-sender-unknown',
  ],
  [
    /(receiver|recipient|\bto\b|nhận|agency|organ|đơn vị).*(not exist|not found|unknown|not regist|không tồn tại|chưa đăng ký)/i,
    'axis-recipient-unknown',
  ],
  [/edxml|xml|format|invalid file|định dạng|không đúng cấu trúc/i, 'axis-message-refused'],
  [/time ?out|busy|overload|try again|quá tải|thử lại|internal|exception/i, 'axis-busy'],
];

export function vxpRefusal(code: string, words: string): ExchangeError {
  const said = `${code} ${words}`.trim();
  const found = vxpWords.find(([pattern]) => pattern.test(words))?.[1];
  return new ExchangeError(found ?? 'axis-refused', said.slice(0, 300));
}

export function lgspRefusal(code: string, words: string): ExchangeError {
  return new ExchangeError(lgspCodes[code] ?? 'axis-refused', `${code} ${words}`.trim().slice(0, 300));
}

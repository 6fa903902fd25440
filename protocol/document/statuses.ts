// What a receiving office says of a document (VN-DOMAIN 1.7): the codes of the national standard with their words, which may follow which,
// and the eight reasons of a refusal. Three axes are never mixed: transport (protocol/states.ts), this one, and requests to change what
// was sent (13, 15, 16). A code of a later version is carried and shown, and moves nothing. Pure.

export type Words = { readonly vi: string; readonly en: string };

/** QĐ 28/2018 Điều 10.2h and the national SDK. */
export const statusNames: Readonly<Record<string, Words>> = {
  '01': { vi: 'Đã đến', en: 'arrived' },
  '02': { vi: 'Từ chối tiếp nhận', en: 'refused' },
  '03': { vi: 'Đã tiếp nhận', en: 'accepted' },
  '04': { vi: 'Phân công', en: 'assigned' },
  '05': { vi: 'Đang xử lý', en: 'in process' },
  '06': { vi: 'Hoàn thành', en: 'finished' },
  '13': { vi: 'Lấy lại (thu hồi)', en: 'asked back' },
  '15': { vi: 'Đồng ý cập nhật, lấy lại', en: 'update or recall agreed' },
  '16': { vi: 'Từ chối cập nhật, lấy lại', en: 'update or recall refused' },
};
export const statusName = (code: string): Words => statusNames[code] ?? { vi: 'mã khác', en: 'another code' };

/** Said by a document's sender to one recipient: please look at it (PROTOCOL.md 5.8). No code of the national standard; it moves nothing. */
export const reminderCode = 'NHAC';
export const reminderWords: Words = { vi: 'Nơi gửi nhắc', en: 'The sender reminds' };

/** Codes of the third axis: a request of the sender and the two answers. They never change the business status. */
export const changeCodes = { asked: '13', agreed: '15', refused: '16' } as const;
export const isChangeCode = (code: string): boolean =>
  code === changeCodes.asked || code === changeCodes.agreed || code === changeCodes.refused;

/**
 * The business axis at the receiver: what may follow what. 01 is never set, it is the delivery receipt. A document that was not
 * registered (03) makes no duty to act on it (NĐ30 Đ16.2b), so nothing but 02 and 03 follows 01. 02 is the end of this delivery.
 * A finished document may be taken up again.
 */
export const statusMoves = {
  '01': ['02', '03'],
  '02': [],
  '03': ['04', '05', '06'],
  '04': ['04', '05', '06'],
  '05': ['04', '05', '06'],
  '06': ['04', '05'],
} as const satisfies Record<string, readonly string[]>;
export type OwnStatus = keyof typeof statusMoves;
export const isOwnStatus = (code: string): code is OwnStatus => Object.hasOwn(statusMoves, code);

export function mayFollow(from: OwnStatus, to: string): boolean {
  const next: readonly string[] = statusMoves[from];
  return next.includes(to);
}

/** Why a document goes back (02). Numbers travel; the laws give no list (VN-DOMAIN 4.2). 0 is not said, others are shown as they are. */
export const refusalReasons: Readonly<Record<number, Words & { readonly name: string }>> = {
  1: { name: 'signature', vi: 'Chữ ký thiếu hoặc không hợp lệ', en: 'signature missing or invalid' },
  2: { name: 'unreadable', vi: 'Tệp hỏng hoặc không đọc được', en: 'file damaged or unreadable' },
  3: { name: 'enclosure', vi: 'Thiếu tài liệu kèm theo', en: 'an enclosure is missing' },
  4: { name: 'wrong-recipient', vi: 'Gửi không đúng nơi nhận', en: 'wrong recipient' },
  5: { name: 'metadata', vi: 'Thông tin mô tả không khớp với tệp', en: 'metadata contradicts the file' },
  6: { name: 'duplicate', vi: 'Văn bản trùng', en: 'duplicate' },
  7: { name: 'secret', vi: 'Có nội dung mật', en: 'contains secret content' },
  8: { name: 'form', vi: 'Sai thể thức, định dạng', en: 'wrong form or format' },
};
export const refusalReasonsMax = 8;

/** By number or by name; undefined if it is none of the eight. */
export function refusalReason(text: string): number | undefined {
  const found = Object.entries(refusalReasons).find(([number, { name }]) => number === text || name === text);
  return found && Number(found[0]);
}

export function reasonWords(reason: number): Words {
  return refusalReasons[reason] ?? { vi: `lý do ${reason}`, en: `reason ${reason}` };
}

// Words for people about statuses and requests, in Vietnamese and English. Programs decide on codes and states, never on these.
import { changeCodes, reasonWords, statusName, type Words } from '../../protocol/document/statuses.ts';
import type { ChangeState, StatusView } from './core.ts';
import type { RequestKind } from './request-ops.ts';

type Said = Omit<StatusView, 'words' | 'reasonWords'>;

const answers: Readonly<Record<RequestKind, Readonly<Record<string, Words>>>> = {
  recall: {
    [changeCodes.agreed]: { vi: 'Đã hủy văn bản theo yêu cầu thu hồi', en: 'Destroyed as the recall asks' },
    [changeCodes.refused]: { vi: 'Từ chối thu hồi', en: 'Refused the recall' },
  },
  update: {
    [changeCodes.agreed]: { vi: 'Đồng ý cập nhật', en: 'Agreed to the update' },
    [changeCodes.refused]: { vi: 'Từ chối cập nhật', en: 'Refused the update' },
  },
};

/** One sentence: what, why, under which number, by whom. `answered`: what a 15 or 16 answers. */
export function statusWords(s: Said, answered: RequestKind | undefined): Words {
  const name = (answered && answers[answered][s.code]) ?? statusName(s.code);
  const other = name.vi === 'mã khác' ? ` ${s.code}` : '';
  const reason = s.reason > 0 ? reasonWords(s.reason) : undefined;
  const line = (language: 'vi' | 'en') =>
    [
      `${name[language]}${other}`,
      reason?.[language],
      s.registeredNumber && `${language === 'vi' ? 'số đến' : 'registered as'} ${s.registeredNumber}`,
      s.person,
      s.text,
    ]
      .filter(Boolean)
      .join('; ');
  return { vi: line('vi'), en: line('en') };
}

const changes: Readonly<Record<RequestKind, Readonly<Record<ChangeState, Words>>>> = {
  recall: {
    asked: { vi: 'Đã yêu cầu thu hồi, chờ nơi nhận', en: 'Recall asked, no answer yet' },
    agreed: {
      vi: 'Đã thu hồi: nơi nhận xác nhận đã hủy',
      en: 'Recalled: the recipient says it is destroyed',
    },
    refused: { vi: 'Nơi nhận từ chối thu hồi', en: 'The recipient refused the recall' },
    'taken-back': { vi: 'Đã thu hồi trước khi tới nơi nhận', en: 'Taken back before it was delivered' },
    'not-sent': { vi: 'Đã hủy trước khi gửi', en: 'Cancelled before it was sent' },
    undelivered: { vi: 'Yêu cầu thu hồi không tới được nơi nhận', en: 'The recall could not be delivered' },
  },
  update: {
    asked: { vi: 'Đã gửi cập nhật, chờ nơi nhận', en: 'Update sent, no answer yet' },
    agreed: { vi: 'Nơi nhận đồng ý cập nhật', en: 'The recipient agreed to the update' },
    refused: { vi: 'Nơi nhận từ chối cập nhật', en: 'The recipient refused the update' },
    'taken-back': { vi: 'Đã thu hồi', en: 'Taken back' },
    'not-sent': { vi: 'Cập nhật đã hủy trước khi gửi', en: 'Update cancelled before it was sent' },
    undelivered: { vi: 'Cập nhật không tới được nơi nhận', en: 'The update could not be delivered' },
  },
};
export const changeWords = (kind: RequestKind, state: ChangeState): Words => changes[kind][state];

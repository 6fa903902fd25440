// Until when an office must have done what with a document, each rule with its clause. Derived from facts and the calendar, never stored. Pure.
// A rule answers a moment (UTC ms); whether it is late is asked with the clock that comes in.
import { type Calendar, dayOf, momentOf } from './working-days.ts';

export type DeadlineRule = 'send' | 'confirm' | 'present' | 'reply' | 'answer' | 'task';
type Words = { readonly vi: string; readonly en: string };
export const ruleWords: Readonly<Record<DeadlineRule, Words & { readonly clause: string }>> = {
  send: {
    vi: 'Gửi trong ngày ký, chậm nhất trong buổi sáng ngày làm việc tiếp theo; văn bản khẩn gửi ngay',
    en: 'sent on the day of signing, at the latest by noon of the next working day; urgent ones at once',
    clause: 'QĐ 28/2018/QĐ-TTg Điều 6.2; NĐ 30/2020/NĐ-CP Điều 18.1',
  },
  confirm: {
    vi: 'Tiếp nhận hoặc trả lại trong ngày',
    en: 'accepted or given back on the day of arrival',
    clause: 'NĐ 30/2020/NĐ-CP Điều 21.2c',
  },
  present: {
    vi: 'Trình, chuyển giao trong ngày, chậm nhất trong ngày làm việc tiếp theo; văn bản khẩn ngay',
    en: 'presented and forwarded on the day, at the latest on the next working day; urgent ones at once',
    clause: 'NĐ 30/2020/NĐ-CP Điều 23.1',
  },
  reply: {
    vi: 'Trả lời đúng hạn mà nơi gửi yêu cầu',
    en: 'answered by the time that the sender asks for',
    clause: 'NĐ 30/2020/NĐ-CP Điều 24.2, Phụ lục VI',
  },
  answer: {
    vi: 'Nơi nhận trả lời đúng hạn đã yêu cầu',
    en: 'the receivers answer by the time that was asked for',
    clause: 'NĐ 30/2020/NĐ-CP Điều 24.2, Phụ lục VI',
  },
  task: {
    vi: 'Hoàn thành đúng hạn được giao',
    en: 'finished by the time given by the head',
    clause: 'QĐ 2317/QĐ-UBND Điều 13, 15; NĐ 30/2020/NĐ-CP Điều 24',
  },
};

/** After this a working day no longer counts for what arrives: it arrives on the next one. */
const officeCloses = '17:00';
const morningEnds = '12:00';
/** "At once", in measurable form. */
export const atOnceMs = 3_600_000;
/** Urgency from khẩn on. */
const isUrgent = (urgency: number): boolean => urgency > 0;

/** O6, O7, O8. `signedMs`: when it was signed; of a date without a time its day counts, with `signedDay`. */
export function sendBy(
  calendar: Calendar,
  {
    signedDay,
    handedInMs,
    urgency,
  }: { readonly signedDay: string; readonly handedInMs: number; readonly urgency: number },
): number {
  // Only its day is written on a document: "at once" runs from when it was handed in, and not beyond what the others have.
  const ordinary = momentOf(calendar.nextWorkingDay(signedDay), morningEnds);
  return isUrgent(urgency) ? Math.min(ordinary, handedInMs + atOnceMs) : ordinary;
}

/** The working day to which an arrival belongs. */
export function arrivalDay(calendar: Calendar, receivedMs: number): string {
  const day = dayOf(receivedMs);
  return receivedMs < momentOf(day, officeCloses)
    ? calendar.workingDayFrom(day)
    : calendar.nextWorkingDay(day);
}

/** O15. */
export const confirmBy = (calendar: Calendar, receivedMs: number): number =>
  momentOf(arrivalDay(calendar, receivedMs), '24:00');

/** What arrived before this had to be confirmed by now: the close of the last working day that is over. */
export function confirmDueBefore(calendar: Calendar, nowMs: number): number {
  const dayMs = 86_400_000;
  let atMs = nowMs - dayMs;
  for (let days = 0; days < 60 && !calendar.isWorkingDay(dayOf(atMs)); days++) atMs -= dayMs;
  return momentOf(dayOf(atMs), officeCloses);
}

/** O33, O8. */
export function presentBy(calendar: Calendar, receivedMs: number, urgency: number): number {
  if (!isUrgent(urgency)) return momentOf(calendar.nextWorkingDay(arrivalDay(calendar, receivedMs)), '24:00');
  const day = arrivalDay(calendar, receivedMs);
  return Math.max(receivedMs, momentOf(day, '08:00')) + atOnceMs;
}

export type DueState = 'late' | 'soon' | 'open';
/** Before this much of working time is left it is about to be late. */
const soonMs: Readonly<Record<DeadlineRule, number>> = {
  send: 4 * 3_600_000,
  confirm: 12 * 3_600_000,
  present: 12 * 3_600_000,
  reply: 0,
  answer: 0,
  task: 0,
};

/** Long deadlines are near from the morning of the working day before their last one. */
export function dueState(calendar: Calendar, rule: DeadlineRule, dueMs: number, nowMs: number): DueState {
  if (nowMs > dueMs) return 'late';
  if (soonMs[rule] > 0) return dueMs - nowMs <= soonMs[rule] ? 'soon' : 'open';
  const lastDay = dayOf(dueMs - 1);
  const today = dayOf(nowMs);
  return today >= lastDay || calendar.nextWorkingDay(today) >= lastDay ? 'soon' : 'open';
}

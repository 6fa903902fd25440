// The one table of who may do what in the console. What is not named here is refused; nothing else in the node decides on roles.
// The administrator keeps the people and the machine and does not read documents; the overseer reads and changes nothing.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Role } from './person.ts';

const readers: readonly Role[] = ['clerk', 'leader', 'officer', 'overseer'];
const everybody: readonly Role[] = ['clerk', 'leader', 'officer', 'admin', 'overseer'];

export const rights = {
  /** Lists, one document, its files, its proof. */
  'document.read': readers,
  /** Write and keep drafts. */
  'document.draft': ['clerk', 'leader', 'officer'],
  /** Issue: what leaves the unit leaves under its seal, by the hand of its clerk. */
  'document.send': ['clerk'],
  /** Tiếp nhận, trả lại, answer a request to take back. */
  'document.receive': ['clerk'],
  /** Thu hồi, thay thế, gửi lại, dừng gửi. */
  'document.recall': ['clerk'],
  /** Give to a person with a term. */
  'document.assign': ['clerk', 'leader'],
  /** Let go, or keep out, what a check held: the second person. */
  'document.judge': ['clerk', 'leader'],
  /** Report progress on what one was given. */
  'document.progress': ['clerk', 'leader', 'officer'],
  /** Báo cáo văn bản có nội dung mật: whoever sees it. */
  'document.report': readers,
  'register.read': ['clerk', 'leader', 'overseer'],
  'register.write': ['clerk'],
  'directory.read': everybody,
  'statistics.read': ['clerk', 'leader', 'overseer'],
  'person.read': everybody,
  'person.manage': ['admin'],
  /** Give one's own roles to another for a time. */
  'delegation.give': ['clerk', 'leader', 'officer', 'admin'],
  /** Remind a person of what is open. */
  'person.nudge': ['clerk', 'leader'],
  'node.read': everybody,
  /** Try the line, tests, support bundle, alarms seen. */
  'node.operate': ['clerk', 'admin'],
  /** Keys of the REST API. */
  'key.manage': ['admin'],
  'audit.read': ['admin', 'overseer'],
} as const satisfies Record<string, readonly Role[]>;

export type Act = keyof typeof rights;
export const acts = Object.keys(rights) as readonly Act[];

export function mayDo(roles: readonly Role[], act: Act): boolean {
  const allowed: readonly Role[] = rights[act];
  return roles.some((role) => allowed.includes(role));
}

/** Throws `right-missing`. The only place where the console refuses for want of a role. */
export function assertMay(roles: readonly Role[], act: Act): void {
  if (!mayDo(roles, act)) throw new ExchangeError('right-missing', act);
}

// Addresses and texts of a clerk or a program -> recipients, by the signed directory and the groups of hub and unit. Whatever a hub would refuse is
// refused here; what a group has for paper only is said, never dropped in silence.
import { destinationOf, resolveAddress, unitStates } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { groupOf, membersOf } from '../../protocol/groups.ts';
import { type Matched, type MatchQuestion, matchRecipients } from '../../protocol/recipients.ts';
import { fold } from '../../protocol/text/fold.ts';
import type { EdgeContext } from '../context.ts';
import type { RecipientRow } from '../store/types.ts';

/** The hub whose groups count for a unit of ours. */
const hubOf = (unit: string, context: EdgeContext): string =>
  context.directory.current().unit(unit)?.hub ?? context.identity().hubId;

export function hubGroupsOf(unit: string, context: EdgeContext) {
  return context.directory.current().hub(hubOf(unit, context))?.groups ?? [];
}

export function questionOf(sender: string, context: EdgeContext): MatchQuestion {
  const own = context.store.ownGroups(sender);
  const isHubGroup = (code: string) => hubGroupsOf(sender, context).some((group) => group.code === code);
  return {
    directory: context.directory.current(),
    hub: hubOf(sender, context),
    senders: new Set([sender]),
    ownGroup: (wanted) => {
      const group = own.find(
        ({ code, name }) => code === wanted.toLowerCase() || fold(name) === fold(wanted),
      );
      return group && { code: group.code, members: membersOf(own, group.code, isHubGroup) };
    },
    atMs: context.clock.nowMs(),
  };
}

export const matchText = (text: string, sender: string, context: EdgeContext): Matched =>
  matchRecipients(text, questionOf(sender, context));

/** Throws what the hub would answer: `unit-unknown`, `unit-suspended`, `unit-closed`, `unit-has-no-node`; and `desk-unknown`. */
export function recipientOf(address: string, nowMs: number, context: EdgeContext): RecipientRow {
  const { unit, desk } = resolveAddress(context.directory.current(), address, nowMs);
  const refuse = (code: 'unit-suspended' | 'unit-closed' | 'unit-has-no-node') =>
    new ExchangeError(code, address.slice(0, 64));
  // With a successor the hub forwards, or holds it until one of several is chosen.
  const goal = destinationOf(context.directory.current(), unit.unit);
  if (goal === 'unit-suspended' || goal === 'unit-closed') throw refuse(goal);
  // Handed over and on its way to its new hub: the hub keeps what is for it.
  const away = unit.state === unitStates.invited || unit.state === unitStates.unconfirmed;
  if (away && !unit.border && !unit.movedFrom) throw refuse('unit-has-no-node');
  const desks = (unit.desks ?? []).map((each) => each.desk);
  if (desk !== '' && desks.length > 0 && !desks.includes(desk.toLowerCase()))
    throw new ExchangeError('desk-unknown', `${address.slice(0, 128)}: ${desks.slice(0, 20).join(', ')}`);
  return { unit: unit.unit, desk, group: '', groupVersion: 0 };
}

export type Resolved = {
  readonly recipients: readonly RecipientRow[];
  /** Members of groups that can be served on paper only, as people write them. */
  readonly paper: readonly string[];
};

/** Addresses, of units or of groups ("group:cac-xa"); a unit that is named twice, by itself and in a group, gets one copy. */
export function resolveRecipients(to: readonly string[], sender: string, context: EdgeContext): Resolved {
  const nowMs = context.clock.nowMs();
  const version = context.directory.current().version(hubOf(sender, context));
  const recipients: RecipientRow[] = [];
  const paper: string[] = [];
  const add = (row: RecipientRow) => {
    if (!recipients.some(({ unit, desk }) => unit === row.unit && desk === row.desk)) recipients.push(row);
  };
  for (const address of to.filter((each) => groupOf(each) === undefined))
    recipients.push(recipientOf(address, nowMs, context));
  for (const address of to) {
    const code = groupOf(address);
    if (code === undefined) continue;
    const [place] = matchRecipients(`group:${code}`, questionOf(sender, context)).places;
    if (place?.found !== 'units') throw new ExchangeError('group-unknown', code.slice(0, 64));
    const own = context.store.ownGroups(sender).some((group) => group.code === code);
    for (const { unit, desk, paper: why, name, code: unitCode } of place.units)
      if (why === '' || why === 'unit-split')
        add({ unit, desk, group: code, groupVersion: own ? 0 : version });
      else paper.push(`${name} (${unitCode})`);
  }
  return { recipients, paper };
}

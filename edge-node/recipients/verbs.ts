// What a clerk or a program asks about recipients: what a text of "nơi nhận" names, and the groups. Part of the core (core-verbs.ts).
import { ExchangeError } from '../../protocol/errors.ts';
import { groupOf, type OwnGroup, unitsOfGroup } from '../../protocol/groups.ts';
import type { EdgeContext } from '../context.ts';
import { sendingUnit } from '../outbox/submit.ts';
import type { RecipientVerbs } from './core.ts';
import { hubGroupsOf, matchText } from './resolve.ts';

/** Codes stand in addresses: "group:cac-xa". */
function assertGroup({ code, name, members }: OwnGroup): OwnGroup {
  const plain = code.trim().normalize('NFC').toLowerCase();
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(plain) || Buffer.byteLength(plain) > 64)
    throw new ExchangeError('request-malformed', 'a group code has 1 to 64 letters, digits, dots or hyphens');
  if (name.trim() === '' || Buffer.byteLength(name) > 300)
    throw new ExchangeError('request-malformed', 'name: 1 to 300 bytes');
  if (members.length < 1 || members.length > 1_024)
    throw new ExchangeError('request-malformed', 'members: 1 to 1,024');
  return { code: plain, name: name.trim().normalize('NFC'), members: members.map((each) => each.trim()) };
}

export function recipientVerbs(context: EdgeContext): RecipientVerbs {
  const { store, clock, directory } = context;
  const senderOf = ({ unit }: { readonly unit?: string } = {}) => sendingUnit(unit, context);
  return {
    match: (text, options) => matchText(text, senderOf(options), context),
    groups(options) {
      const sender = senderOf(options);
      const current = directory.current();
      const hub = current.unit(sender)?.hub ?? context.identity().hubId;
      return [
        ...store.ownGroups(sender).map((group) => ({ ...group, kept: 'unit' as const })),
        ...hubGroupsOf(sender, context).map(({ code, name }) => ({
          code,
          name,
          kept: 'hub' as const,
          members: unitsOfGroup(current, hub, code).map(({ unit }) => current.codeOf(unit)),
        })),
      ];
    },
    async setGroup(given, options = {}) {
      const unit = senderOf(options);
      const group = assertGroup(given);
      const current = directory.current();
      for (const member of group.members) {
        if (groupOf(member) !== undefined) continue;
        const code = member.slice(member.indexOf('@') + 1);
        if (!current.byCode(code, clock.nowMs()) && !current.unit(code))
          throw new ExchangeError('unit-unknown', code.slice(0, 64));
      }
      const hubGroups = hubGroupsOf(unit, context).map(({ code }) => code);
      await store.write('ownGroupSet', {
        unit,
        group,
        hubGroups,
        actor: options.actor ?? '',
        nowMs: clock.nowMs(),
      });
      return { ...group, kept: 'unit' };
    },
    async removeGroup(code, options = {}) {
      await store.write('ownGroupRemove', {
        unit: senderOf(options),
        code: code.toLowerCase(),
        actor: options.actor ?? '',
        nowMs: clock.nowMs(),
      });
    },
  };
}

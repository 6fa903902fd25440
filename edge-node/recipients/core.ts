// What the rest of the node may ask about recipients: match a text against the directory, see and keep groups. Types only; verbs.ts makes it.
import type { OwnGroup } from '../../protocol/groups.ts';
import type { Matched } from '../../protocol/recipients.ts';

export type GroupView = {
  readonly code: string;
  readonly name: string;
  /** 'hub': kept for everybody; 'unit': this unit's own. */
  readonly kept: 'hub' | 'unit';
  /** Addresses as written, of a unit's own; present codes, of a hub's. */
  readonly members: readonly string[];
};

export type RecipientVerbs = {
  /** Nothing is sent. `unit`: the sending unit, when the node serves several. Codes: request-malformed, peer-not-sender. */
  match(text: string, options?: { readonly unit?: string }): Matched;
  groups(options?: { readonly unit?: string }): readonly GroupView[];
  /** Codes: group-cycle, group-unknown, request-malformed. */
  setGroup(
    group: OwnGroup,
    options?: { readonly unit?: string; readonly actor?: string },
  ): Promise<GroupView>;
  /** `group-unknown`: there is none of the unit's own. */
  removeGroup(code: string, options?: { readonly unit?: string; readonly actor?: string }): Promise<void>;
};

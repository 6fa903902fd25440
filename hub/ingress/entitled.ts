// May this peer bring what that unit sends? Asked in step 4 of acceptance and before each upload of a large part, with the same answer: what waits
// as a small document must not be refused for ever as a large one. Must never decide who the peer is (certs/trust.ts).
import { type Directory, unitStates } from '../../protocol/directory.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { childTowards } from '../routing/route.ts';
import type { HubStore } from '../store/store.ts';

export type Submitter = { readonly id: string; readonly kind: 'node' | 'hub' };
export type EntitledDeps = {
  readonly hubId: string;
  readonly upstream: () => string;
  readonly store: Pick<HubStore, 'reader'>;
  readonly directory: () => Directory;
};

/** Ours once: its node keeps what it has until it has enrolled with the hub that took over. */
function handedOver(unit: string, { store }: EntitledDeps): boolean {
  return store.reader.get("SELECT 1 FROM units WHERE unit = ? AND moved_to <> ''", unit) !== undefined;
}

/**
 * A node submits for the units that the directory gives it; a hub below for units below it; the hub above for everybody else. Codes:
 * unit-unknown, peer-not-sender (never); unit-handed-over, peer-unconfirmed, peer-suspended, peer-closed (it waits at the node).
 */
export function assertEntitled(sender: string, peer: Submitter, deps: EntitledDeps): void {
  const directory = deps.directory();
  const unit = directory.unit(sender);
  if (!unit) throw new ExchangeError('unit-unknown', sender.slice(0, 64));
  if (peer.kind === 'node') {
    if (handedOver(sender, deps)) throw new ExchangeError('unit-handed-over', sender);
    if (unit.hub !== deps.hubId || unit.node !== peer.id) throw new ExchangeError('peer-not-sender', sender);
    if (unit.state === unitStates.unconfirmed) throw new ExchangeError('peer-unconfirmed');
    if (unit.state === unitStates.suspended) throw new ExchangeError('peer-suspended');
    if (unit.state === unitStates.closed) throw new ExchangeError('peer-closed');
    return;
  }
  const below = childTowards(directory, deps.hubId, unit.hub);
  const entitled =
    peer.id === deps.upstream() ? below === undefined && unit.hub !== deps.hubId : below === peer.id;
  // What a unit had sent through the hub that handed it over is still on its way through that hub.
  const former = unit.movedFrom !== '' && unit.movedFrom === peer.id;
  if (!entitled && !former) throw new ExchangeError('peer-not-sender', sender);
}

// Pure: signed recipients of a leg + directory -> one decision per recipient. One closed unit does not refuse a document to 135 others.
// Local first: what can be delivered below never goes up. Tiers are configuration: the next hop follows the parents of the hubs
// in the directory, nothing else.
import { type Directory, destinationOf, heirsOf, type KnownUnit } from '../../protocol/directory.ts';
import { type ErrorCode, ExchangeError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { outcomes } from '../../protocol/statement.ts';
import type { RoutedDelivery } from '../store/types.ts';

export type RouteQuestion = {
  readonly recipients: readonly { readonly index: number; readonly unit: string }[];
  readonly directory: Directory;
  readonly hubId: string;
  /** Hub above; '' at the top. */
  readonly upstream: string;
  /** The peer that brought it: nothing goes back there. */
  readonly fromPeer: string;
  /** Hubs already passed. */
  readonly passed: readonly string[];
  /** All files together: a unit may say how much it takes. */
  readonly lengthBytes: number;
};

/** Codes for the whole envelope: route-loop, route-too-long, unit-moving (later). Everything else is decided per recipient. */
export function route(question: RouteQuestion): RoutedDelivery[] {
  if (question.passed.includes(question.hubId)) throw new ExchangeError('route-loop');
  if (question.passed.length >= limits.hopsMax)
    throw new ExchangeError('route-too-long', `${question.passed.length} hops`);
  return question.recipients.map(({ index, unit }) => {
    const found = destinationOf(question.directory, unit);
    if (found === 'unit-split') return held(index, unit, question.hubId, found);
    if (typeof found === 'string') return refused(index, unit, found);
    const peer = wayTo(question, found);
    if (peer.code === 'unit-moving') return held(index, found.unit, question.hubId, peer.code);
    // On its way to where this came from: that hub must look again, and finds the unit there.
    if (peer.code === 'route-none' && homeOf(found) === question.fromPeer && isMoved(found))
      throw new ExchangeError('unit-moving', found.unit);
    if (peer.code) return refused(index, found.unit, peer.code);
    if (found.documentBytesMax > 0 && question.lengthBytes > found.documentBytesMax)
      return refused(index, found.unit, 'part-too-large');
    const outcome = found.unit === unit ? outcomes.accepted : outcomes.forwarded;
    return { index, unit: found.unit, peer: peer.id, outcome, code: '' };
  });
}

/** Taken, and kept until an operator says which successor gets it: the peer is this hub, which never polls itself. */
function held(index: number, unit: string, hubId: string, code: ErrorCode): RoutedDelivery {
  return { index, unit, peer: hubId, outcome: outcomes.accepted, code };
}

function refused(index: number, unit: string, code: ErrorCode): RoutedDelivery {
  return { index, unit, peer: '', outcome: outcomes.refused, code };
}

/** True if `unit` is the signed unit, or one that gets what is addressed to it by the directory: a leg may name no other. */
export function maySubstitute(directory: Directory, signed: string, unit: string): boolean {
  return signed === unit || heirsOf(directory, signed).has(unit);
}

const homeOf = (unit: KnownUnit): string => unit.movedTo || unit.hub;
const isMoved = ({ movedTo, movedFrom }: KnownUnit): boolean => Boolean(movedTo || movedFrom);

type Hop =
  | { readonly id: string; readonly code?: undefined }
  | { readonly id?: undefined; readonly code: ErrorCode };

/** The peer that leads to a unit that is open, or why there is none. */
export function wayTo(
  {
    directory,
    hubId,
    upstream,
    fromPeer,
  }: Pick<RouteQuestion, 'directory' | 'hubId' | 'upstream' | 'fromPeer'>,
  unit: KnownUnit,
): Hop {
  const home = homeOf(unit);
  // Handed over to us, and not taken over or not enrolled here yet: it waits rather than being refused.
  if (home === hubId && (unit.hub !== hubId || (unit.movedFrom && !unit.node)))
    return { code: 'unit-moving' };
  if (home === hubId) return unit.node ? { id: unit.node } : { code: 'unit-has-no-node' };
  const below = childTowards(directory, hubId, home);
  const id = below ?? upstream;
  // Back to where it came from would be a loop of two: the other hub believes the unit is ours.
  return id === '' || id === fromPeer ? { code: 'route-none' } : { id };
}

/** The hub directly below `hubId` on the way down to `target`; undefined if it is not below. */
export function childTowards(directory: Directory, hubId: string, target: string): string | undefined {
  let at = target;
  for (let step = 0; step < limits.hopsMax; step++) {
    const parent = directory.hub(at)?.parent;
    if (!parent) return undefined;
    if (parent === hubId) return at;
    at = parent;
  }
  return undefined;
}

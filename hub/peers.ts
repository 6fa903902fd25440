// The authenticated other end of a request, and the instance number that each peer works under. Who it is was decided by
// certs/trust.ts over hub/directory/trust-records.ts; nothing here decides it again.
import type { Trust } from '../certs/trust.ts';
import { instanceHeader } from '../protocol/api.ts';
import { ExchangeError } from '../protocol/errors.ts';
import type { Clock } from '../protocol/node/clock.ts';
import type { ServerPeer } from '../protocol/node/http-server.ts';

/** The authenticated other end, as routes see it. `key` is its node id or hub id. */
export type HubPeer = ServerPeer & { readonly kind: 'node' | 'hub'; readonly id: string };

/** The trust hook of the exchange listener: identity on every request, from the certificate and nothing else. */
export function identifyPeer(trust: Trust, socket: Parameters<Trust['identify']>[0]): HubPeer {
  const peer = trust.identify(socket);
  const id = peer.kind === 'node' ? peer.nodeId : peer.hubId;
  return { key: id, kind: peer.kind, id };
}

/** Routes get `request.peer` as set by the hook; absent is a fault of ours. */
export function hubPeer(peer: ServerPeer | null): HubPeer {
  if (!peer || !('kind' in peer)) throw new ExchangeError('internal', 'no peer');
  return peer as HubPeer;
}

/** The part of a request that is looked at. */
type InstanceRequest = {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly raw: { readonly socket: { readonly destroyed: boolean } };
};

/**
 * A process that ended has left requests on the way, which are handled after its successor's start; its connections are gone by then. A
 * second machine keeps its own open (for at least 4 s). Shorter alarms for a restart under load; longer misses the second machine.
 */
const lateMs = 1_000;

export type Instances = {
  /** Throws `node-instance-superseded` or `node-session-unknown` unless the header names the peer's present instance. Returns it. */
  assert(peer: HubPeer, request: InstanceRequest): number;
  /** A new start took a number. */
  set(peer: string, instance: number): void;
};

/** `stale` is told of a peer that works under a number that was taken over and lives on: two machines run one node. */
export function createInstances(
  { load, clock }: { load: (peer: string) => number; clock: Clock },
  stale: (peer: string) => void,
): Instances {
  const present = new Map<string, number>();
  const known = (peer: string) => {
    const instance = present.get(peer) ?? load(peer);
    present.set(peer, instance);
    return instance;
  };
  const watchStale = async (peer: string, { raw: { socket } }: InstanceRequest): Promise<void> => {
    await clock.sleep(lateMs);
    // Once more round the event loop: an end that has come in meanwhile is read.
    await clock.sleep(1);
    if (!socket.destroyed) stale(peer);
  };
  return {
    assert(peer, request) {
      const { headers } = request;
      const said = Number(headers[instanceHeader] ?? Number.NaN);
      const instance = known(peer.id);
      if (said === instance && instance > 0) return instance;
      // A number that this store never gave: it was restored, and the peer lived on. It takes a new session by itself.
      if (said > instance) throw new ExchangeError('node-session-unknown', `instance ${said}`);
      if (said > 0 && said < instance) void watchStale(peer.id, request);
      throw new ExchangeError(
        'node-instance-superseded',
        `instance ${Number.isInteger(said) ? said : 'missing'}`,
      );
    },
    set: (peer, instance) => {
      present.set(peer, instance);
    },
  };
}

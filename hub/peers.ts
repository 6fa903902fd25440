// The authenticated other end of a request, and the instance number that each peer works under. Who it is was decided by
// certs/trust.ts over hub/directory/trust-records.ts; nothing here decides it again.
import type { Trust } from '../certs/trust.ts';
import { instanceHeader } from '../protocol/api.ts';
import { ExchangeError } from '../protocol/errors.ts';
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

export type Instances = {
  /** Throws `node-instance-superseded` or `node-session-unknown` unless the header names the peer's present instance. Returns it. */
  assert(peer: HubPeer, headers: Readonly<Record<string, unknown>>): number;
  /** A new start took a number. */
  set(peer: string, instance: number): void;
};

/** `stale` is told of a peer that works under a number that was taken over while it lived: two machines run one node. */
export function createInstances(load: (peer: string) => number, stale: (peer: string) => void): Instances {
  const present = new Map<string, number>();
  const known = (peer: string) => {
    const instance = present.get(peer) ?? load(peer);
    present.set(peer, instance);
    return instance;
  };
  return {
    assert(peer, headers) {
      const said = Number(headers[instanceHeader] ?? Number.NaN);
      const instance = known(peer.id);
      if (said === instance && instance > 0) return instance;
      // A number that this store never gave: it was restored, and the peer lived on. It takes a new session by itself.
      if (said > instance) throw new ExchangeError('node-session-unknown', `instance ${said}`);
      if (said > 0 && said < instance) stale(peer.id);
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

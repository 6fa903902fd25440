// The link to the next hub as the program keeps it: none, one, or another after the operator named another. One change at a time, so that there are never
// two links to one hub. Under hub.ts; what a link does is link.ts.
import { exchangeClientOptions, refuseNoHub } from '../../certs/listen.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { type ClientTls, createHttpClient, type HttpClient } from '../../protocol/node/http-client.ts';
import { createHubLink, type HubLink } from '../../protocol/node/hub-link.ts';
import type { HubIdentity } from '../identity.ts';
import type { Upstream } from './link.ts';

export type UpstreamKeeper = {
  /** The hub above; '' where this one is the last. */
  hubId(): string;
  /** Something waits to go up, or is new in the directory. */
  nudge(): void;
  /** Undefined where there is no link. */
  status(): ReturnType<Upstream['status']> | undefined;
  /** Anew, to where the fact points now. */
  restart(): Promise<void>;
  /** Another key or another root: what is under way ends on the old one. */
  swapTls(identity: HubIdentity): void;
  stop(): Promise<void>;
};

export function createUpstreamKeeper({
  address,
  identity,
  clock,
  start,
}: {
  /** As it is stored: the hub's id and its URL, or nothing. */
  readonly address: () => string | undefined;
  readonly identity: () => HubIdentity;
  readonly clock: Clock;
  readonly start: (link: HubLink) => Upstream;
}): UpstreamKeeper {
  let at = parseAddress(address());
  let running: { readonly link: Upstream; readonly client: HttpClient } | undefined;
  let changing: Promise<void> = Promise.resolve();

  const alone = (change: () => Promise<void>): Promise<void> => {
    changing = changing.then(change, change);
    return changing;
  };

  async function stop(): Promise<void> {
    const ending = running;
    running = undefined;
    await ending?.link.stop();
    await ending?.client.destroy();
  }

  return {
    hubId: () => at?.hubId ?? '',
    nudge: () => running?.link.nudge(),
    status: () => running?.link.status(),
    restart: () =>
      alone(async () => {
        await stop();
        at = parseAddress(address());
        if (!at) return;
        const client = createHttpClient({ origin: at.url, tls: linkTls(identity()) });
        running = { client, link: start(createHubLink({ client, clock })) };
      }),
    swapTls: (now) => running?.client.swapTls(linkTls(now)),
    stop: () => alone(stop),
  };
}

const linkTls = ({ link, rootsPem }: HubIdentity): ClientTls =>
  ({ ...exchangeClientOptions(link), ca: rootsPem, refuseServer: refuseNoHub }) as never;

function parseAddress(text: string | undefined): { hubId: string; url: string } | undefined {
  return text ? (JSON.parse(text) as { hubId: string; url: string }) : undefined;
}

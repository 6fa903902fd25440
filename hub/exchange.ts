// The exchange listener: TLS, the one trust hook before everything, and every route that peers use. Puts parts together; decides nothing.

import { exchangeListenerOptions, type TlsIdentity } from '../certs/listen.ts';
import type { Trust } from '../certs/trust.ts';
import { partialUploadType } from '../protocol/api.ts';
import { leavesFromBytes, treeRoot } from '../protocol/chunks.ts';
import { ExchangeError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { ContentStore } from '../protocol/node/content-store.ts';
import { fairQueue } from '../protocol/node/fair-queue.ts';
import { createServer, type ExchangeServer } from '../protocol/node/http-server.ts';
import { rateLimit } from '../protocol/node/rate-limit.ts';
import { nameCallers, peerActor } from './admin/caller.ts';
import type { HubConfig } from './config.ts';
import type { ContentTurns } from './content-turns.ts';
import { partRoutes } from './delivery/parts.ts';
import { type DeliveryDeps, deliveryRoutes } from './delivery/routes.ts';
import type { AcceptDeps } from './ingress/accept.ts';
import { assertEntitled } from './ingress/entitled.ts';
import { ingressRoutes } from './ingress/routes.ts';
import { type UploadsDeps, uploadRoutes } from './ingress/uploads.ts';
import { hubPeer, identifyPeer } from './peers.ts';
import type { Space } from './space.ts';
import type { HubStore } from './store/store.ts';
import type { AcceptedPart } from './store/types.ts';

export type ExchangeDeps = AcceptDeps &
  Omit<DeliveryDeps, 'queue' | 'replacing'> & {
    readonly tls: TlsIdentity & { readonly rootDer: Uint8Array };
    readonly trust: Trust;
    readonly content: ContentStore;
    readonly turns: ContentTurns;
    readonly space: Space;
    readonly config: HubConfig;
  };

const requestBodyBytesMax = 1024 * 1024;
/** 16 slices of batches are judged at once, four of one peer: an office with many connections waits behind itself, not before others. */
const turnsOfPeers = {
  concurrency: 16,
  perKeyConcurrency: 4,
  length: 512,
  perKeyLength: 16,
  retryAfterMs: 1000,
};

/** A node whose line flaps replaces its poll now and then; dozens at once are a fault. */
const pollsReplaced = { perSecond: 2, burst: 20 };

/** Not listening yet. */
export async function createExchange(deps: ExchangeDeps): Promise<ExchangeServer> {
  const { clock, log, config, instances } = deps;
  const queue = fairQueue(turnsOfPeers);
  const rate = rateLimit({ perSecond: config.rate.documentsPerSecond, burst: config.rate.burst, clock });
  const server = createServer({
    tls: exchangeListenerOptions(deps.tls) as never,
    log,
    clock,
    trustHook: (request) => identifyPeer(deps.trust, request.raw.socket as never),
    bodyLimitBytes: requestBodyBytesMax,
    streamTypes: [partialUploadType],
  });
  nameCallers(server.app, peerActor);
  await server.app.register(ingressRoutes({ ...deps, queue, rate }));
  await server.app.register(
    deliveryRoutes({ ...deps, queue, replacing: rateLimit({ ...pollsReplaced, clock }) }),
  );
  await server.app.register(async (app) => {
    // PROTOCOL.md 10: content too moves only under the present instance number.
    app.addHook('onRequest', async (request) => {
      instances.assert(hubPeer(request.peer), request);
    });
    await app.register(uploadRoutes(uploadsDeps(deps)));
    await app.register(partRoutes(partsDeps(deps)));
  });
  return server;
}

function uploadsDeps({
  content,
  store,
  turns,
  space,
  config,
  clock,
  log,
  ...deps
}: ExchangeDeps): UploadsDeps {
  return {
    store: content,
    assertMayUseUnit(peer, unit) {
      // What nobody knows is nobody's: the same answer as for the unit of another.
      if (!deps.directory().unit(unit)) throw new ExchangeError('peer-not-sender');
      assertEntitled(unit, hubPeer(peer), { ...deps, store });
    },
    knowsContent: async (unit, sha256) =>
      store.knowsContent(unit, sha256) && (await content.stat(sha256)) !== undefined,
    rememberContent: (unit, sha256, length) =>
      turns.run(Buffer.from(sha256).toString('hex'), async () => {
        // Swept between finishing and here: the client uploads anew.
        if (!(await content.stat(sha256))) throw new ExchangeError('upload-unknown');
        await store.rememberContent({ unit, sha256, length, nowMs: clock.nowMs() });
      }),
    quota: async (unit) => {
      const { openBytes, unusedBytes, quotaBytes } = store.usage(unit);
      const limitBytes = (quotaBytes ?? config.quotaBytesDefault) || Number.MAX_SAFE_INTEGER;
      return { limitBytes, usedBytes: openBytes + unusedBytes };
    },
    limits,
    diskFree: async () => (await space.measure()).freeBytes,
    diskReserveBytes: config.diskReserveBytes,
    log,
  };
}

function partsDeps({ content, store, clock }: ExchangeDeps): Parameters<typeof partRoutes>[0] {
  return {
    store: content,
    clock,
    partOf: async (peer, deliveryId, index) => {
      const found = store.deliveredPart(hubPeer(peer).id, Number(deliveryId), index);
      if (!found) throw new ExchangeError('delivery-unknown');
      const { sha256, length, content: inlineBytes } = found;
      return { sha256, lengthBytes: length, ...(inlineBytes ? { inlineBytes } : {}) };
    },
    touchLease: async (deliveryId) => {
      await store.extendLease({ id: Number(deliveryId), nowMs: clock.nowMs(), leaseMs: limits.leaseMs });
    },
  };
}

/** See AcceptDeps.assertContent: the content folder holds the part with the length and tree that were sealed. */
export function contentAssertion(content: ContentStore): AcceptDeps['assertContent'] {
  return async ({ sha256, length, treeRoot: sealed, index }: AcceptedPart) => {
    const held = await content.stat(sha256);
    if (!held) throw new ExchangeError('part-missing', `part ${index}`);
    const root = treeRoot(leavesFromBytes(await content.leaves(sha256)));
    if (held.lengthBytes !== length || Buffer.compare(root, sealed) !== 0)
      throw new ExchangeError('part-mismatch', `part ${index}: length or tree root`);
  };
}

/** When peers were last heard, written in one go every few seconds; what a crash loses of it is harmless. */
export function createHeard(store: Pick<HubStore, 'seen'>, clock: { nowMs(): number }) {
  const heard = new Map<string, number>();
  return {
    note(peer: string): void {
      heard.set(peer, clock.nowMs());
    },
    async flush(): Promise<void> {
      const rows = [...heard].map(([peer, atMs]) => ({ peer, atMs }));
      heard.clear();
      if (rows.length > 0) await store.seen(rows);
    },
  };
}

// Composition root of the hub: every part in order, nothing else. Opens the store, the trust, the listeners; what goes by the clock is work.ts; returns what main.ts and
// tests need to stop it. The one place in the program that knows everything.
import os from 'node:os';
import process from 'node:process';
import { signingKeyOf } from '../certs/keys.ts';
import { exchangeListenerOptions, publicListenerOptions } from '../certs/listen.ts';
import { createSigners } from '../certs/signers.ts';
import { createTrust, type Trust } from '../certs/trust.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { backupState } from '../protocol/node/backup-record.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { serveControl } from '../protocol/node/control.ts';
import { createServer } from '../protocol/node/http-server.ts';
import { lockDir } from '../protocol/node/lock.ts';
import type { Log } from '../protocol/node/logger.ts';
import { endInOrder } from '../protocol/node/stopping.ts';
import { createVerifier } from '../protocol/signature.ts';
import type { KnownPart } from '../protocol/wire.ts';
import { createAdmin } from './admin/acts.ts';
import { recordPolicy } from './admin/audit-routes.ts';
import { openOperatorSide } from './admin/listeners.ts';
import { type Borders, createBorders } from './axis/borders.ts';
import { createCatchUp } from './catch-up.ts';
import { type HubConfig, lifetimesOf, loadHubConfig } from './config.ts';
import { createPolls } from './delivery/poll.ts';
import { createHubDirectory } from './directory/hub-directory.ts';
import { createTrustRecords } from './directory/trust-records.ts';
import { recordOf } from './enrolment/enrol.ts';
import { renew } from './enrolment/renew.ts';
import { addEnrolmentRoutes } from './enrolment/routes.ts';
import { signEpoch } from './epoch.ts';
import { contentAssertion, createExchange, createHeard } from './exchange.ts';
import { openFoundation } from './foundation.ts';
import { certifiedAtMs, chainsOfHub, type HubIdentity, hubPaths } from './identity.ts';
import { createOwnCertificates, keyTexts } from './own-certificates.ts';
import { createPeerClocks } from './peer-clocks.ts';
import { createInstances } from './peers.ts';
import { createRevocationLists } from './revocation-list.ts';
import { childTowards } from './routing/route.ts';
import { createHubSafety } from './safety/safety.ts';
import { createSpace } from './space.ts';
import { createSteadyClock } from './steady-clock.ts';
import { createRemovals, type Removals } from './takedown/removals.ts';
import { createUpstreamKeeper } from './upstream/keeper.ts';
import { startUpstream } from './upstream/link.ts';
import { createWatch } from './watch.ts';
import { startHubWork } from './work.ts';

export type HubOptions = {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly software: string;
  /** Over config.json; for tests and the demo. */
  readonly config?: Partial<HubConfig>;
  /** False: store and control socket only, for commands on a hub that is not running. */
  readonly listen?: boolean;
};

export type Hub = Awaited<ReturnType<typeof startHub>>;

/** As the system names the account of this process; its number where it has no name (a container). */
function processAccount(): string {
  try {
    return os.userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

/** How long a clean stop waits for what runs. */
const drainMs = 20_000;

/** Resolves when every listener answers. Codes: dir-missing, dir-in-use, config-invalid, schema-newer, key-file-*, certificate-*. */
export async function startHub(options: HubOptions) {
  const { dir, log } = options;
  const listening = options.listen ?? true;
  // Everything below goes by this clock; a command on a hub that is not running hears no peers and goes by the machine's.
  const clock = createSteadyClock({
    dir,
    clock: options.clock,
    peersTell: listening,
    pastMs: certifiedAtMs(dir),
  });
  const paths = hubPaths(dir);
  const config: HubConfig = { ...loadHubConfig(dir), ...options.config };
  const lock = lockDir(dir);

  // Identity and store.
  const own = createOwnCertificates({
    dir,
    clock,
    log,
    lifetimesMs: lifetimesOf(config),
    admin: () => admin,
    use: async (identity) => {
      await putToUse(identity);
    },
  });
  const { identity } = own;
  const { hubId } = identity();
  const foundation = await openFoundation({ dir, clock, config, hubId, ...keyTexts(identity()) });
  const { store, writer, content, turns, atRest } = foundation;

  // Who is who.
  const anchors = () => identity().roots.anchors;
  const handovers = () => identity().roots.handovers;
  const directory = createHubDirectory({ db: store.reader, store, anchors, handovers, clock });
  const records = createTrustRecords({
    db: store.reader,
    directory,
    anchors,
    clock,
    adopted: (facts) => {
      const act = { record: recordOf(facts), nowMs: clock.nowMs() };
      void admin.act('certificateAdopt', act).catch((error: unknown) => {
        log.error({ event: 'request.internal', err: error });
      });
    },
  });
  const trust = createTrust({
    rootsDer: anchors(),
    intermediatesDer: records.issuingDer(),
    registry: records.registry,
    revoked: records.revoked,
    clock,
  });
  directory.onChange(() => learnIssuings(trust, records.issuingDer()));
  const signers = createSigners({
    directory: () => directory.current(),
    rootsDer: anchors,
    nowMs: clock.nowMs,
    ownHub: hubId,
  });
  const verifier = createVerifier();
  const signedEpoch = () => signEpoch(store.fact, hubId, signingKeyOf(identity().keys.receipts));
  let epoch = signedEpoch();

  // The hub above, dialled once everything stands.
  const upstream = createUpstreamKeeper({
    address: () => store.fact('upstream'),
    identity,
    clock,
    start: (link) =>
      startUpstream({
        ...shared,
        link,
        content,
        random: options.random,
        software: options.software,
        takeDirectoryParts,
        ownVersions: () => subtreeVersions(directory, hubId),
        partSince: directory.partSince,
        knownVersions: () => directory.current().parts.map(({ hub, version }) => ({ hub, version })),
        rootHandovers: handovers,
        removals: removing,
        facts: {
          get: store.fact,
          set: (name, value) => store.admin('factSet', { name, value }),
        },
      }),
  });

  // Delivery.
  const polls = createPolls({
    store,
    clock,
    epoch: () => epoch,
    directoryStamp: () => directory.stamp(),
    removal: (peer) => removals?.newestFor(peer) ?? 0,
  });
  let removals: Removals | undefined;
  let borders: Borders | undefined;
  const nudge = (peers: readonly string[]) => {
    polls.nudge(peers);
    borders?.nudge(peers);
    if (peers.includes(upstream.hubId())) upstream.nudge();
  };
  directory.onChange(() => {
    polls.nudgeAll();
    // Units that enrolled here are known elsewhere at once, not with the next document that goes up.
    upstream.nudge();
  });
  const instances = createInstances({ load: store.instanceOf, clock }, (peer) => {
    void store
      .alarm({
        code: 'node-instance-superseded',
        about: peer,
        said: 'two machines run one node',
        nowMs: clock.nowMs(),
      })
      .catch((error: unknown) => log.error({ event: 'request.internal', err: error }));
  });
  const space = createSpace(dir, config.diskReserveBytes);
  await space.measure();
  const removing = createRemovals({
    hubId,
    database: paths.database,
    store,
    content,
    atRest,
    receiptsKey: () => signingKeyOf(identity().keys.receipts),
    resolveStatement: signers.statement,
    verifier,
    directory: () => directory.current(),
    clock,
    log,
    wake: nudge,
    upstream: () => upstream.hubId(),
  });
  removals = removing;
  const safety = createHubSafety({
    denied: removing.denied,
    removed: removing.removed,
    dir,
    config: config.safety,
    store,
    content,
    directory: () => directory.current(),
    clock,
    random: options.random,
    log,
    wake: nudge,
    work: options.listen ?? true,
  });
  const shared = {
    safety,
    hubId,
    upstream: () => upstream.hubId(),
    store,
    directory: () => directory.current(),
    resolveSeal: signers.seal,
    resolveStatement: signers.statement,
    verifier,
    clock,
    log,
    nudge,
    assertSpace: space.assert,
    onRecall: () => work.sweepSoon(),
    clockBehindMs: () => (clock.doubt() === undefined ? clocks.behindMs() : 0),
    assertContent: contentAssertion(content),
  };
  const heard = createHeard(store, clock);
  const clocks = createPeerClocks({ clock: options.clock, heard: clock.heard, confirmed: clock.confirmed });
  const catchUp = createCatchUp({ admin: () => admin, identity });
  const revocationLists = createRevocationLists({
    dir,
    db: store.reader,
    identity,
    revocationNumber: () => directory.own().revocationNumber,
    clock,
  });

  /** Returns how many were refused. */
  const takeDirectoryParts = async (parts: readonly Uint8Array[], rootHandovers: readonly Uint8Array[]) => {
    // Signed by a root that is believed here: where it comes from does not matter.
    try {
      if (await own.follow(rootHandovers)) await admin.act('publishAnew', { nowMs: clock.nowMs() });
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      const { code, detail: said } = error;
      await store.alarm({ code, about: 'root hand-over', said, nowMs: clock.nowMs() });
    }
    return (await directory.offerAll(parts)).refused;
  };
  // Listeners.
  const exchange = await createExchange({
    ...shared,
    tls: identity().tls,
    trust,
    content,
    turns,
    space,
    config,
    polls,
    instances,
    epoch: () => epoch,
    heard: heard.note,
    removalRoutes: removing.routes,
    directoryAnswer: (known) => directory.answer(known),
    wholeDirectory: () => directory.wholeAnswer(),
    takeDirectoryParts,
    catchUp,
    clocks,
    assertTimeKnown: clock.assertKnown,
    renew: (bytes, peer) =>
      renew(bytes, peer, {
        admin,
        issuer: identity().issuer,
        issuingDer: identity().issuingDer,
        chains: chainsOfHub(identity()),
      }),
  });

  const at: { exchange?: Address; enrolment?: Address; local?: Address } = {};
  const cutPeer = (peer: string): number => {
    polls.end(peer);
    return exchange.destroyPeer(peer);
  };
  const admin = createAdmin({
    store,
    directory,
    records,
    rootDer: () => identity().rootDer,
    cutPeer,
    wake: nudge,
    enrolmentUrl: () => urlOf(config.enrolment, at.enrolment),
    proposalLifeMs: config.secondPerson.waitHours * 3_600_000,
    clock,
    log,
  });
  const enrolment = createServer({
    tls: publicListenerOptions(identity().tls) as never,
    log,
    clock,
    bodyLimitBytes: 64 * 1024,
  });
  addEnrolmentRoutes(enrolment.app, {
    admin,
    get issuer() {
      return identity().issuer;
    },
    revocationLists: () => revocationLists.pem(),
    handovers,
    shown: () => ({ issuingDer: identity().issuingDer, rootDer: identity().rootDer }),
    confirmUnits: config.confirmUnits,
    exchangeUrl: () => urlOf(config.exchange, at.exchange),
    clock,
  } as never);
  const backup = () => backupState(dir, { warnDays: config.backupWarnDays, nowMs: clock.nowMs() });
  const watch = createWatch({
    store,
    directory,
    identity,
    clocks,
    doubt: clock.doubt,
    behind: catchUp.behind,
    upstream: upstream.status,
    backup,
    clock,
  });
  borders = createBorders({
    ...shared,
    dir,
    issuer: () => identity().issuer,
    admin,
    contentDays: config.retention.contentDays,
    content,
    turns,
    random: options.random,
  });
  const { local, control } = openOperatorSide({
    dir,
    log,
    clock,
    store,
    writer,
    space,
    via: listening ? 'socket' : 'files',
    owner: processAccount(),
    admin,
    own,
    removals: removing,
    borders,
    safety,
    watched: () => watch.checks(),
    upstream: upstream.status,
    aboveHubId: upstream.hubId,
    upstreamChanged: () => void upstream.restart(),
    wake: nudge,
    invitationMs: config.invitationDays * 86_400_000,
    live: () => ({ backup: backup(), connections: exchange.connections(), at }),
  });

  const work = startHubWork({
    listening,
    clock,
    random: options.random,
    log,
    hubId,
    upstream: shared.upstream,
    store,
    content,
    turns,
    clockSuspect: clocks.suspect,
    nudge,
    retention: config.retention,
    admin,
    directory,
    own,
    watch,
    revocationLists,
    borders,
    heard,
    space,
  });

  let socket: Awaited<ReturnType<typeof serveControl>> | undefined;
  try {
    await recordPolicy(admin, config.secondPerson.acts);
    if (listening) await open();
  } catch (error) {
    // A port that another has, say: threads and timers would keep the process alive, and the lock the next try away.
    await close();
    throw error;
  }

  async function open(): Promise<void> {
    // Before anybody can ask for what must be gone.
    await removing.carryOut();
    await store.endAllLeases();
    await store.clockSetBack({ nowMs: clock.nowMs() });
    await work.tendAtStart();
    at.exchange = await exchange.listen(config.exchange, 'exchange');
    at.enrolment = await enrolment.listen(config.enrolment, 'enrolment');
    at.local = await local.listen(config.local, 'local');
    socket = await serveControl(dir, control);
    await upstream.restart();
    await borders?.start();
  }

  /** Renewed certificates, another issuing CA, another root: what holds a key takes the new one, and what is under way ends on the old one. */
  async function putToUse(now: HubIdentity): Promise<void> {
    await store.admin('setHubKeys', keyTexts(now));
    trust.setRoots(now.roots.anchors);
    learnIssuings(trust, records.issuingDer());
    records.refresh();
    epoch = signedEpoch();
    if (!(options.listen ?? true)) return;
    exchange.setTls(exchangeListenerOptions(now.tls) as never);
    enrolment.setTls(publicListenerOptions(now.tls) as never);
    upstream.swapTls(now);
  }

  return {
    hubId,
    get rootDer() {
      return identity().rootDer;
    },
    own,
    at,
    store,
    admin,
    directory,
    borders,
    control,
    safety,
    config,
    close,
  };

  /** Stops cleanly: nothing new, what runs is finished, then the store. Idempotent. */
  async function close(): Promise<void> {
    await endInOrder(
      [
        ['upstream', () => upstream.stop()],
        ['borders', () => borders?.stop()],
        ['polls', () => polls.endAll()],
        ['safety', () => safety.close()],
        ['work', () => work.stop()],
        ['listeners', () => Promise.all([exchange.drain(drainMs), enrolment.drain(2000), local.drain(1000)])],
        ['control', () => socket?.close()],
        ['heard', () => heard.flush()],
        ['store', () => foundation.close()],
      ],
      { clock, log },
    );
    lock.release();
  }
}

/** Former CAs that have ended vouch for nobody who connects now; they are in the directory for what was signed before. */
function learnIssuings(trust: Trust, issuingsDer: readonly Uint8Array[]): void {
  for (const der of issuingsDer) {
    try {
      trust.learnIssuing(der);
    } catch (error) {
      if (!isExchangeError(error)) throw error;
    }
  }
}

type Address = { readonly host: string; readonly port: number };

/** What others are told; with port 0 (tests, practice) the port that the system chose. */
function urlOf(
  { port, publicUrl }: Address & { readonly publicUrl: string },
  at: Address | undefined,
): string {
  return port === 0 && at ? `https://localhost:${at.port}` : publicUrl;
}

/** Versions of the parts of this hub and of every hub below it. */
function subtreeVersions(directory: ReturnType<typeof createHubDirectory>, hubId: string): KnownPart[] {
  return directory
    .current()
    .parts.filter(({ hub }) => hub === hubId || childTowards(directory.current(), hubId, hub) !== undefined)
    .map(({ hub, version }) => ({ hub, version }));
}

// A real hub in this process on ports chosen by the system, and bare exchange clients that speak its protocol without an edge node:
// for tests of the hub alone and for the benchmark of the hub alone.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lifetimes } from '../../certs/ca.ts';
import { buildEnrolRequest } from '../../certs/enrol.ts';
import { parseInvitation } from '../../certs/invitation.ts';
import { generateKey, type OwnKey } from '../../certs/keys.ts';
import { enrolmentClientOptions, exchangeClientOptions } from '../../certs/listen.ts';
import { certificateDer } from '../../certs/pem.ts';
import type { HubConfig } from '../../hub/config.ts';
import { type Hub, startHub } from '../../hub/hub.ts';
import { initHub } from '../../hub/init.ts';
import { enrolPaths } from '../../protocol/api.ts';
import { createChunkHasher } from '../../protocol/chunks.ts';
import { headerCodec, signedStatementCodec, wrapperCodec } from '../../protocol/codec.ts';
import { newDocumentId, newEnvelopeId, newUnitId, uuidToBytes } from '../../protocol/ids.ts';
import { type Clock, systemClock } from '../../protocol/node/clock.ts';
import { createHttpClient, readBounded } from '../../protocol/node/http-client.ts';
import { createHubLink, type HubLink } from '../../protocol/node/hub-link.ts';
import { createLogger, type Log } from '../../protocol/node/logger.ts';
import {
  buildMetadata,
  envelopeDigest,
  type HeaderDraft,
  type Sealed,
  seal,
  type ToSeal,
} from '../../protocol/seal.ts';
import { type SigningKey, signOne } from '../../protocol/signature.ts';
import { buildStatement, outcomes } from '../../protocol/statement.ts';
import type { Metadata, MetadataBlock } from '../../protocol/wire.ts';

export type TestHub = {
  hub: Hub;
  dir: string;
  restart(between?: () => void): Promise<Hub>;
  close(): Promise<void>;
};

export const quiet = createLogger({ level: 'silent', clock: systemClock, program: 'test' });

export function temporaryDir(name: string): string {
  return mkdtempSync(join(tmpdir(), `lienthong-${name}-`));
}

export type StartTestHub = {
  readonly dir?: string;
  readonly rootDir?: string;
  readonly code?: string;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly config?: Partial<HubConfig>;
  /** Lives of the certificates that init makes. */
  readonly lifetimesMs?: Lifetimes;
};

/** Initialises (unless the folder is a hub already) and starts. Units need no confirmation; ports are free ones. */
export async function startTestHub(options: StartTestHub = {}): Promise<TestHub> {
  const dir = options.dir ?? join(temporaryDir('hub'), 'hub');
  const clock = options.clock ?? systemClock;
  const code = options.code ?? 'H08.35';
  if (!existsSync(join(dir, 'config.json')))
    await initHub({
      dir,
      name: `Văn phòng ${code}`,
      code,
      nowMs: clock.nowMs(),
      ...(options.rootDir ? { rootDir: options.rootDir } : {}),
      ...(options.lifetimesMs ? { lifetimesMs: options.lifetimesMs } : {}),
    });
  const config: Partial<HubConfig> = {
    exchange: { host: '127.0.0.1', port: 0, publicUrl: 'https://localhost' },
    enrolment: { host: '127.0.0.1', port: 0, publicUrl: 'https://localhost' },
    local: { host: '127.0.0.1', port: 0 },
    confirmUnits: false,
    rate: { documentsPerSecond: 100_000, burst: 100_000 },
    diskReserveBytes: 0,
    ...options.config,
  };
  const start = (more: Partial<HubConfig> = {}) =>
    startHub({
      dir,
      clock,
      log: options.log ?? quiet,
      random: Math.random,
      software: 'test',
      config: { ...config, ...more },
    });
  const hub = await start();
  const again = (name: 'exchange' | 'enrolment') => {
    const { port } = hub.at[name]!;
    return { host: '127.0.0.1', port, publicUrl: `https://localhost:${port}` };
  };
  // Peers know the hub by its address: a restart takes the ports of the first start.
  const fixed = { exchange: again('exchange'), enrolment: again('enrolment') };
  const test: TestHub = {
    hub,
    dir,
    async restart(between) {
      await test.hub.close();
      between?.();
      test.hub = await start(fixed);
      return test.hub;
    },
    async close() {
      await test.hub.close();
      if (!options.dir) rmSync(join(dir, '..'), { recursive: true, force: true });
    },
  };
  return test;
}

export type BareNode = {
  readonly unit: string;
  readonly nodeId: string;
  readonly code: string;
  readonly sealKey: SigningKey;
  readonly link: HubLink;
  readonly client: ReturnType<typeof createHttpClient>;
  readonly tls: Parameters<typeof createHttpClient>[0]['tls'];
  readonly rootDer: Uint8Array;
  /** Takes a new instance number. */
  session(): Promise<void>;
  /** What the next start presents. */
  previous(): { readonly previousInstance: number; readonly previousToken: Uint8Array };
  close(): Promise<void>;
};

/** Adds a unit, enrols over the real listener and opens a session. */
export async function bareNode(hub: Pick<Hub, 'admin' | 'rootDer'>, code: string): Promise<BareNode> {
  const node = await enrolBare(await inviteUnit(hub, code), code, hub.rootDer);
  await node.session();
  return node;
}

/** Adds a unit; returns the text of its invitation. */
export async function inviteUnit(hub: Pick<Hub, 'admin'>, code: string): Promise<string> {
  const added = await hub.admin.act('unitAdd', {
    unit: newUnitId(randomBytes(10)),
    name: `UBND xã ${code}`,
    codes: [code],
    parent: '',
    documentBytesMax: 0,
    nowMs: systemClock.nowMs(),
  });
  return (await hub.admin.invite({ unit: added.unit, validMs: 86_400_000 })).invitation;
}

/** Enrols only: no session yet. */
export async function enrolBare(text: string, code: string, rootDer: Uint8Array): Promise<BareNode> {
  const invitation = parseInvitation(text);
  const tlsKey = generateKey();
  const sealKey = generateKey();
  const enrolClient = createHttpClient({
    origin: invitation.url,
    tls: enrolmentClientOptions(rootDer) as never,
  });
  const request = await buildEnrolRequest({ invitation, tlsKey, sealKey, nodeVersion: 'test' });
  const answer = await enrolClient.request({
    method: 'POST',
    path: enrolPaths.enrol,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  const enrolled = JSON.parse(Buffer.from(await readBounded(answer.body, 100_000)).toString()) as Record<
    string,
    string
  > & { chain: string[] };
  await enrolClient.close();
  const tls = exchangeClientOptions({
    key: tlsKey,
    certificateDer: certificateDer(enrolled.tlsCertificate!),
    issuingDer: certificateDer(enrolled.chain[0]!),
    rootDer,
  }) as never;
  const client = createHttpClient({ origin: enrolled.exchangeUrl!, tls, connections: 8 });
  const link = createHubLink({ client, clock: systemClock });
  let instance = 0;
  let token: Uint8Array = new Uint8Array();
  const node: BareNode = {
    unit: enrolled.unitId!,
    nodeId: enrolled.nodeId!,
    code,
    sealKey: signingKey(sealKey),
    link,
    client,
    tls,
    rootDer,
    async session() {
      const opened = await link.session({
        previousInstance: instance,
        previousToken: token,
        software: 'test',
        restoreCount: 0,
        ledgerSeen: 0,
      });
      instance = opened.instance;
      token = opened.token;
    },
    previous: () => ({ previousInstance: instance, previousToken: token }),
    close: () => client.close(),
  };
  return node;
}

export type RawAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
};

/** One request as it is, with these TLS options on a connection of its own; resolves with whatever answer comes. */
export function rawRequest(
  port: number,
  tls: object,
  ask: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly body?: Uint8Array;
  },
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { method, path, headers, body } = ask;
    const request = httpsRequest(
      { ...tls, host: 'localhost', port, method, path, headers: headers ?? {}, agent: false },
      (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('error', reject);
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export function signingKey(key: OwnKey): SigningKey {
  return { keyId: Buffer.from(key.keyId, 'hex'), privateKey: key.privateKey };
}

export type Draft = {
  readonly to: readonly string[];
  readonly parts?: readonly { readonly name: string; readonly content: Uint8Array }[];
  readonly metadata?: Partial<Metadata>;
  readonly header?: Partial<HeaderDraft>;
};
export type Prepared = {
  readonly sealed: Sealed;
  readonly metadata: MetadataBlock;
  readonly wrapper: Buffer;
};

/** Seals drafts of one node in one batch and wraps each with all its parts inline. */
export function prepare(
  node: Pick<BareNode, 'unit' | 'sealKey'>,
  drafts: readonly Draft[],
  nowMs = systemClock.nowMs(),
): Prepared[] {
  const toSeal: ToSeal[] = drafts.map((draft) => {
    const parts = draft.parts ?? [{ name: 'van-ban.txt', content: Buffer.from('xin chào') }];
    const metadata = buildMetadata(
      {
        subject: 'Về việc thử',
        ...draft.metadata,
        parts: parts.map(({ name }) => ({ name, mediaType: 'text/plain' })),
      },
      randomBytes(32),
    );
    return {
      metadata,
      header: {
        envelopeId: uuidToBytes(newEnvelopeId(nowMs, randomBytes(10))),
        documentId: uuidToBytes(newDocumentId(nowMs, randomBytes(10))),
        kind: 1,
        sender: node.unit,
        recipients: draft.to.map((unit) => ({ unit, desk: '', group: '', groupDirectoryVersion: 0 })),
        createdMs: nowMs,
        deliverByMs: nowMs + 86_400_000,
        replyByMs: 0,
        urgency: 0,
        parts: parts.map(({ content }) => partOf(content)),
        links: [],
        clockOffsetMs: 0,
        status: null,
        ...draft.header,
      },
    };
  });
  return seal(toSeal, node.sealKey).map((sealed, i) => ({
    sealed,
    metadata: toSeal[i]!.metadata,
    wrapper: wrapperCodec.encode({
      envelope: sealed.signed,
      recipients: drafts[i]!.to.map((unit, index) => ({ index, unit })),
      metadata: toSeal[i]!.metadata,
      inlineParts: (drafts[i]!.parts ?? [{ content: Buffer.from('xin chào') }]).map(({ content }, index) => ({
        index,
        content,
      })),
    }),
  }));
}

export function partOf(content: Uint8Array) {
  const hasher = createChunkHasher();
  hasher.update(content);
  const { lengthBytes, sha256, treeRoot } = hasher.finish();
  return { length: lengthBytes, sha256, treeRoot, encryption: 0 };
}

/** The receipt that a receiving node signs for a wrapper. */
export function deliveryReceipt(
  node: Pick<BareNode, 'unit' | 'sealKey'>,
  wrapperBytes: Uint8Array,
  nowMs = systemClock.nowMs(),
): Buffer {
  const wrapper = wrapperCodec.decode(wrapperBytes);
  const own = wrapper.recipients.filter(({ unit }) => unit === node.unit);
  const facts = factsOf(wrapper);
  const { type, bytes } = buildStatement({
    event: 'ContentHandover',
    statementId: randomBytes(16),
    ...facts,
    issuer: node.unit,
    results: own.map(({ index, unit }) => ({ index, unit, outcome: outcomes.delivered, code: '' })),
    atMs: nowMs,
  });
  return signedStatementCodec.encode(signOne(type, bytes, node.sealKey));
}

function factsOf(wrapper: ReturnType<typeof wrapperCodec.decode>) {
  const bytes = wrapper.envelope!.bytes;
  const header = headerCodec.decode(bytes);
  return {
    envelopeId: header.envelopeId,
    documentId: header.documentId,
    envelopeDigest: envelopeDigest(bytes),
    sender: header.sender,
  };
}
/** One poll that does not wait. */
export async function pollOnce(node: BareNode, options: { taken?: readonly number[]; holdMs?: number } = {}) {
  return await node.link.poll({
    itemsMax: 128,
    bytesMax: 4_000_000,
    epochKnown: 1,
    directoryKnown: 'any',
    statementsTaken: options.taken ?? [],
    holdMs: options.holdMs ?? 0,
  });
}

export const portOf = ({ hub }: TestHub) => hub.at.exchange!.port;

/** What two operators do: exchange parts, register the hub below, point it at the hub above. */
export async function hang(below: TestHub, above: TestHub): Promise<void> {
  await above.hub.directory.offerAnswer(below.hub.directory.answer());
  await above.hub.admin.act('peerAddHub', { hubId: below.hub.hubId, nowMs: systemClock.nowMs() });
  await below.hub.directory.offerAnswer(above.hub.directory.answer());
  await pointAt(below, { hubId: above.hub.hubId, url: `https://localhost:${portOf(above)}` });
}
export async function pointAt({ hub }: TestHub, upstream: object): Promise<void> {
  const answer = await hub.control.inject({ method: 'POST', url: '/admin/v1/upstream', payload: upstream });
  if (answer.statusCode !== 200) throw new Error(answer.body);
}

// A scripted hub over real TLS and HTTP that can misbehave: answer or not after applying, apply or not, wrong receipts, problems, slow.
// It keeps what it accepted in memory and hands it out; the real hub is hub/. For tests of the node only.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { enrolPaths, paths } from '../../protocol/api.ts';
import { createChunkHasher, leavesFromBytes } from '../../protocol/chunks.ts';
import {
  deferRequestCodec,
  directoryAnswerCodec,
  epochCodec,
  headerCodec,
  pollRequestCodec,
  pollResponseCodec,
  sentRequestCodec,
  sentResponseCodec,
  sessionRequestCodec,
  sessionResponseCodec,
  signedCodec,
  signedStatementCodec,
  statementCodec,
  statementsRequestCodec,
  statementsResponseCodec,
  submitRequestCodec,
  submitResponseCodec,
  wrapperCodec,
} from '../../protocol/codec.ts';
import { type ErrorCode, ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { problemMediaType, toProblem } from '../../protocol/problem.ts';
import { envelopeDigest } from '../../protocol/seal.ts';
import { signMany, signOne } from '../../protocol/signature.ts';
import { buildStatement, outcomes } from '../../protocol/statement.ts';
import type { Deferral, Header, Item, Wrapper } from '../../protocol/wire.ts';
import type { Deployment } from './deployment.ts';

export type Kept = {
  readonly header: Header;
  readonly wrapper: Wrapper;
  readonly digest: Buffer;
  receipt: Uint8Array;
  readonly parts: (Uint8Array | undefined)[];
  readonly peer: string;
  ledger: number;
  readonly statements: Uint8Array[];
  readonly deliveries: Delivery[];
};
type Delivery = {
  readonly id: number;
  readonly kept: Kept;
  readonly index: number;
  readonly node: string;
  state: 'ready' | 'leased' | 'settled';
  attempt: number;
};
type Relay = {
  readonly id: number;
  readonly node: string;
  readonly bytes: Uint8Array;
  state: 'ready' | 'leased' | 'taken';
};
type Upload = {
  readonly length: number;
  readonly data: Buffer;
  offset: number;
};

/** What to do with the next calls of a kind. `apply` is the honest hub. */
export type Mood =
  | 'apply'
  /** Takes it, then cuts the connection: the answer is lost. */
  | 'apply-then-cut'
  /** Cuts before it takes anything. */
  | 'cut'
  /** A page of some box in between. */
  | 'html'
  /** A receipt of another envelope, or of a key that is not the hub's. */
  | 'wrong-digest'
  | 'wrong-key'
  | { readonly problem: ErrorCode }
  | { readonly each: ErrorCode };

export type FaultyHub = Awaited<ReturnType<typeof startFaultyHub>>;

export async function startFaultyHub(deployment: Deployment) {
  const { keys, hubId } = deployment;
  const envelopes = new Map<string, Kept>();
  const deliveries: Delivery[] = [];
  const relays: Relay[] = [];
  const uploads = new Map<string, Upload>();
  const instances = new Map<string, { number: number; token: Buffer }>();
  const wakers = new Set<() => void>();
  const deferred: Deferral[] = [];
  const moods = new Map<string, Mood[]>();
  const calls: { path: string; items: number }[] = [];
  const known = new Map<string, number>();
  const turns = new Map<string, number>();
  let ledger = 0;
  let nextId = 1;
  let epoch = 1;
  let common = 0;
  let clockAheadMs = 0;

  const now = () => Date.now() + clockAheadMs;
  const wake = () => {
    for (const each of [...wakers]) each();
  };
  const epochBytes = () =>
    signedCodec.encode(
      signOne(
        'lienthong/epoch/1',
        epochCodec.encode({
          hub: hubId,
          number: epoch,
          startedMs: now(),
          commonLedgerSequence: common,
          previous: epoch - 1,
        }),
        keys.receipts.key,
      ),
    );

  function acceptAll(bodies: readonly Uint8Array[], peer: string, mood: Mood) {
    const fresh: { i: number; kept: Kept }[] = [];
    const results: { receipt: Uint8Array; problem: string; duplicate: boolean }[] = bodies.map((bytes, i) => {
      const wrapper = wrapperCodec.decode(new Uint8Array(bytes));
      const header = headerCodec.decode(wrapper.envelope!.bytes);
      const digest = envelopeDigest(wrapper.envelope!.bytes);
      const key = `${header.sender} ${Buffer.from(header.envelopeId).toString('hex')}`;
      const fail = (code: ErrorCode, detail = '') => ({
        receipt: new Uint8Array(0),
        problem: JSON.stringify(toProblem(new ExchangeError(code, detail))),
        duplicate: false,
      });
      if (typeof mood === 'object' && 'each' in mood) return fail(mood.each);
      const before = envelopes.get(key);
      if (before) {
        if (!before.digest.equals(digest)) return fail('duplicate-conflict');
        return { receipt: before.receipt, problem: '', duplicate: true };
      }
      const parts: (Uint8Array | undefined)[] = header.parts.map(() => undefined);
      for (const { index, content } of wrapper.inlineParts) parts[index] = content;
      for (const { index, uploadId } of wrapper.uploadedParts) {
        const upload = uploads.get(Buffer.from(uploadId).toString('hex'));
        if (upload && upload.offset === upload.length) parts[index] = upload.data;
      }
      if (parts.some((part) => part === undefined)) return fail('part-missing');
      ledger += 1;
      const kept: Kept = {
        header,
        wrapper,
        digest,
        receipt: new Uint8Array(0),
        parts,
        peer,
        ledger,
        statements: [],
        deliveries: [],
      };
      envelopes.set(key, kept);
      fresh.push({ i, kept });
      return { receipt: new Uint8Array(0), problem: '', duplicate: false };
    });
    if (fresh.length > 0) {
      const signed = signMany(
        fresh.map(({ kept }) => receiptOf(kept, mood)),
        mood === 'wrong-key' ? keys.directory.key : keys.receipts.key,
      );
      for (const [n, { i, kept }] of fresh.entries()) {
        kept.receipt = signedStatementCodec.encode(signed[n]!);
        kept.statements.push(kept.receipt);
        results[i]!.receipt = kept.receipt;
        // The lie is told once; the stored receipt is right.
        if (mood === 'wrong-digest' || mood === 'wrong-key') {
          kept.receipt = signedStatementCodec.encode(
            signMany([receiptOf(kept, 'apply')], keys.receipts.key)[0]!,
          );
          kept.statements[0] = kept.receipt;
        }
        for (const { index, unit } of kept.wrapper.recipients) {
          const node = deployment.nodeOf(unit);
          const delivery: Delivery = { id: nextId++, kept, index, node, state: 'ready', attempt: 0 };
          deliveries.push(delivery);
          kept.deliveries.push(delivery);
        }
      }
      wake();
    }
    return results;
  }

  function receiptOf({ header, digest, wrapper, ledger: ledgerSequence }: Kept, mood: Mood) {
    return buildStatement({
      event: 'SubmissionAcceptance',
      statementId: randomBytes(16),
      envelopeId: header.envelopeId,
      documentId: header.documentId,
      envelopeDigest: mood === 'wrong-digest' ? Buffer.alloc(32, 7) : digest,
      sender: header.sender,
      issuer: hubId,
      results: wrapper.recipients.map(({ index, unit }) => ({
        index,
        unit,
        outcome: outcomes.accepted,
        code: '',
      })),
      atMs: now(),
      epoch,
      ledgerSequence,
      directoryVersion: 1,
    });
  }

  function itemsFor(node: string, max: number, epochKnown: number): Item[] {
    const items: Item[] = [];
    let bytes = 0;
    if (epochKnown !== epoch) return items;
    for (const relay of relays) {
      if (relay.node !== node || relay.state !== 'ready' || items.length >= max) continue;
      relay.state = 'leased';
      items.push({ delivery: null, statement: { id: relay.id, statement: relay.bytes } });
    }
    for (const delivery of deliveries) {
      if (delivery.node !== node || delivery.state !== 'ready' || items.length >= max) continue;
      const { kept, index } = delivery;
      delivery.state = 'leased';
      delivery.attempt += 1;
      const inline = kept.parts.flatMap((content, i) =>
        content && content.length <= 256 * 1024 ? [{ index: i, content }] : [],
      );
      const wrapper = wrapperCodec.encode({
        envelope: kept.wrapper.envelope!,
        recipients: kept.wrapper.recipients.filter((r) => r.index === index),
        metadata: spoilMetadata
          ? { ...kept.wrapper.metadata!, salt: Buffer.alloc(32) }
          : kept.wrapper.metadata!,
        inlineParts: tampering?.(inline) ?? inline,
      });
      bytes += wrapper.length;
      items.push({
        delivery: { deliveryIds: [delivery.id], wrapper, receipt: kept.receipt, attempt: delivery.attempt },
        statement: null,
      });
      if (bytes > 3 * 1024 * 1024) break;
    }
    return items;
  }
  let spoilMetadata = false;
  let tampering: ((inline: { index: number; content: Uint8Array }[]) => typeof inline) | undefined;

  async function poll(body: Buffer, node: string): Promise<Uint8Array> {
    const request = pollRequestCodec.decode(body);
    // 10.3: a new poll of the same peer ends the old one.
    const turn = (turns.get(node) ?? 0) + 1;
    turns.set(node, turn);
    wake();
    for (const id of request.statementsTaken) {
      const relay = relays.find((each) => each.id === id);
      if (relay) relay.state = 'taken';
    }
    const { stamp } = deployment.directoryPart();
    let items = itemsFor(node, request.itemsMax, request.epochKnown);
    const quiet = () =>
      items.length === 0 && request.epochKnown === epoch && request.directoryKnown === stamp;
    const endMs = Date.now() + request.holdMs;
    while (quiet() && Date.now() < endMs && !closed && turns.get(node) === turn) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          wakers.delete(done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(1, endMs - Date.now()));
        wakers.add(done);
      });
      if (turns.get(node) !== turn) throw new ExchangeError('poll-replaced');
      items = itemsFor(node, request.itemsMax, request.epochKnown);
    }
    return pollResponseCodec.encode({
      items,
      nowMs: now(),
      epoch: request.epochKnown === epoch ? new Uint8Array(0) : epochBytes(),
      directory: stamp,
    });
  }

  function takeStatements(body: Buffer, mood: Mood): Uint8Array {
    const { statements } = statementsRequestCodec.decode(body);
    const results = statements.map(({ deliveryIds, statement }) => {
      if (typeof mood === 'object' && 'each' in mood)
        return { problem: JSON.stringify(toProblem(new ExchangeError(mood.each))) };
      const said = statementCodec.decode(signedStatementCodec.decode(statement).bytes);
      const key = `${said.sender} ${Buffer.from(said.envelopeId).toString('hex')}`;
      const kept = envelopes.get(key);
      if (!kept)
        return { problem: JSON.stringify(toProblem(new ExchangeError('statement-unknown-envelope'))) };
      const copy = Buffer.from(statement);
      for (const delivery of kept.deliveries)
        if (deliveryIds.includes(delivery.id) || deliveryIds.length === 0) delivery.state = 'settled';
      const seen = `${key} ${Buffer.from(said.statementId).toString('hex')}`;
      known.set(seen, (known.get(seen) ?? 0) + 1);
      if (known.get(seen) === 1) {
        kept.statements.push(copy);
        relays.push({ id: nextId++, node: kept.peer, bytes: copy, state: 'ready' });
      }
      return { problem: '' };
    });
    wake();
    return statementsResponseCodec.encode({ results });
  }

  function session(body: Buffer, node: string): Uint8Array {
    sessionRequestCodec.decode(body);
    const number = (instances.get(node)?.number ?? 0) + 1;
    const token = randomBytes(32);
    instances.set(node, { number, token });
    for (const each of [...deliveries, ...relays])
      if (each.node === node && each.state === 'leased') each.state = 'ready';
    return sessionResponseCodec.encode({ instance: number, token, epoch: epochBytes(), nowMs: now() });
  }

  function sent(body: Buffer, node: string): Uint8Array {
    const { afterSequence, itemsMax } = sentRequestCodec.decode(body);
    const all = [...envelopes.values()].filter((kept) => kept.peer === node && kept.ledger > afterSequence);
    return sentResponseCodec.encode({
      items: all.slice(0, itemsMax).map((kept) => ({
        wrapper: wrapperCodec.encode({
          envelope: kept.wrapper.envelope!,
          recipients: kept.wrapper.recipients,
          metadata: kept.wrapper.metadata!,
        }),
        statements: kept.statements,
        ledgerSequence: kept.ledger,
      })),
      more: all.length > itemsMax,
    });
  }

  function uploadRoute(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const id = (request.url ?? '').split('/').at(-1)!.replaceAll('-', '');
    const answer = (status: number, upload: Upload, location?: string) => {
      response.writeHead(status, {
        'upload-offset': String(upload.offset),
        'upload-complete': upload.offset === upload.length ? '?1' : '?0',
        ...(location ? { location } : {}),
      });
      response.end();
    };
    if (request.method === 'POST') {
      const wanted = JSON.parse(body.toString('utf8'));
      leavesFromBytes(Buffer.from(wanted.leaves, 'base64'));
      const hex = randomBytes(16)
        .toString('hex')
        .replace(/^(.{12})./, '$14')
        .replace(/^(.{16})./, '$18');
      const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      const upload = { length: wanted.lengthBytes, data: Buffer.alloc(wanted.lengthBytes), offset: 0 };
      uploads.set(hex, upload);
      answer(201, upload, `${paths.uploads}/${uuid}`);
      return;
    }
    const upload = uploads.get(id);
    if (!upload) throw new ExchangeError('upload-unknown');
    if (request.method === 'PATCH') {
      const offset = Number(request.headers['upload-offset']);
      if (offset !== upload.offset) throw new ExchangeError('upload-offset-wrong');
      body.copy(upload.data, offset);
      upload.offset += body.length;
    }
    answer(200, upload);
  }

  function contentRoute(request: IncomingMessage, response: ServerResponse): void {
    const [, , , deliveryId, , index, leaves] = (request.url ?? '').split('/');
    const delivery = deliveries.find(({ id }) => id === Number(deliveryId));
    const content = delivery?.kept.parts[Number(index)];
    if (!content) throw new ExchangeError('delivery-unknown');
    if (leaves) {
      response.end(leavesOf(content));
      return;
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const [from, to] = [Number(range?.[1] ?? 0), Number(range?.[2] ?? content.length - 1)];
    response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${content.length}` });
    response.end(Buffer.from(content.subarray(from, to + 1)));
  }

  const server = createServer({
    ...deployment.tlsPem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  let closed = false;

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const path = (request.url ?? '').split('?')[0]!;
    const san = (request.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName ?? '';
    const node = /DNS:(n[0-9a-z]{16})\./.exec(san)?.[1] ?? '';
    const mood = moods.get(path)?.shift() ?? 'apply';
    calls.push({ path, items: 0 });
    if (mood === 'cut') {
      request.socket.destroy();
      return;
    }
    if (mood === 'html') {
      response.writeHead(503, { 'content-type': 'text/html' });
      response.end('<h1>Bảo trì</h1>');
      return;
    }
    if (typeof mood === 'object' && 'problem' in mood) throw new ExchangeError(mood.problem);
    const reply = (bytes: Uint8Array) => {
      if (mood === 'apply-then-cut') {
        request.socket.destroy();
        return;
      }
      response.writeHead(200, { 'content-type': 'application/x-protobuf' });
      response.end(bytes);
    };
    if (path === paths.session) reply(session(body, node));
    else if (path === paths.directory) {
      const { stamp, bytes } = deployment.directoryPart();
      reply(directoryAnswerCodec.encode({ stamp, parts: [bytes] }));
    } else if (path === paths.envelopes) {
      const { wrappers } = submitRequestCodec.decode(body);
      calls.at(-1)!.items = wrappers.length;
      reply(submitResponseCodec.encode({ results: acceptAll(wrappers, node, mood) }));
    } else if (path === paths.poll) reply(await poll(body, node));
    else if (path === paths.statements) reply(takeStatements(body, mood));
    else if (path === paths.sent) reply(sent(body, node));
    else if (path === paths.defer) {
      deferred.push(...deferRequestCodec.decode(body).deferrals);
      response.writeHead(204).end();
    } else if (path === paths.goodbye) response.writeHead(204).end();
    else if (path.startsWith(paths.uploads)) uploadRoute(request, response, body);
    else if (path.startsWith(paths.deliveries)) contentRoute(request, response);
    else if (path === enrolPaths.time) response.end(JSON.stringify({ nowMs: now() }));
    else throw new ExchangeError('not-found');
  }

  server.on('request', (request, response) => {
    route(request, response).catch((error) => {
      if (response.destroyed || response.headersSent) return;
      const problem = toProblem(
        isExchangeError(error) ? error : new ExchangeError('internal', String(error)),
      );
      response.writeHead(problem.status, { 'content-type': problemMediaType });
      response.end(JSON.stringify(problem));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `https://127.0.0.1:${port}`,
    envelopes,
    deliveries,
    relays,
    deferred,
    calls,
    /** How often the hub got a statement: key is "sender envelope statement". */
    statementsSeen: known,
    /** The next calls of this path take these moods, one each. */
    script(path: string, ...list: Mood[]): void {
      moods.set(path, [...(moods.get(path) ?? []), ...list]);
    },
    /** Hand everything that was leased out again, as after a lapsed lease. */
    lapse(): void {
      for (const delivery of deliveries) if (delivery.state === 'leased') delivery.state = 'ready';
      wake();
    },
    /** Settled deliveries too: as for a restored node. */
    again(): void {
      for (const delivery of deliveries) delivery.state = 'ready';
      wake();
    },
    tamper(change: typeof tampering): void {
      tampering = change;
    },
    /** Hand metadata out that the seal does not cover. */
    spoilMetadata(now: boolean): void {
      spoilMetadata = now;
    },
    /** The hub's store is as it was at `ledger` sequence; a new epoch begins. */
    restoreTo(sequence: number): void {
      common = sequence;
      epoch += 1;
      ledger = sequence;
      for (const [key, kept] of envelopes) if (kept.ledger > sequence) envelopes.delete(key);
      for (let i = deliveries.length - 1; i >= 0; i--)
        if (deliveries[i]!.kept.ledger > sequence) deliveries.splice(i, 1);
      wake();
    },
    ledger: () => ledger,
    setClockAhead(ms: number): void {
      clockAheadMs = ms;
    },
    wake,
    async close(): Promise<void> {
      closed = true;
      wake();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function leavesOf(content: Uint8Array): Buffer {
  const hasher = createChunkHasher();
  hasher.update(content);
  return Buffer.from(hasher.finish().leaves);
}

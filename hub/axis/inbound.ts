// From the other system into this exchange: list, get, keep the bytes, judge and seal, one commit, and only then tell the other system that it is
// done. It repeats, and so may we: a row per (message, addressee) and a key per document decide. What cannot be taken is answered `fail`,
// with the bytes kept as evidence. The sealed bytes are accepted by the hub's own procedure like those of any node.
import { headerCodec, signedStatementCodec, wrapperCodec } from '../../protocol/codec.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import { outcomes, parseStatement } from '../../protocol/statement.ts';
import { accept } from '../ingress/accept.ts';
import type { Listed, MessageType } from './connector.ts';
import type { BorderContext } from './context.ts';
import { type Judged, judgeDocument, judgeStatus } from './judge-in.ts';
import { createLeftovers } from './leftovers.ts';
import { keepRaw, type Raw, type ReadMessage, readMessage } from './reading.ts';

export type Inbound = {
  /** One question for each type and everything that it lists. Returns how many messages were new. */
  fetch(signal: AbortSignal): Promise<number>;
  /** Sealed messages go through the hub's acceptance. Returns how many ended. */
  deliver(): Promise<number>;
  /** Retention: the bytes of messages that came so many days ago; negative keeps them. */
  forgetOlder(days: number): Promise<void>;
};

/** Messages that are fetched at once: a large one may not hold up the others, and memory stays bounded. */
const atOnce = 4;
const sealedRows = 16;
const noDocument = new Uint8Array();
const fetchesMax = 4;

/** `answerBack`: the sender on the other side learns of a refusal by us. */
export function createInbound(
  context: BorderContext,
  answerBack: (refused: { readonly inId: number; readonly code: string }) => Promise<void>,
): Inbound {
  const { border, connector, clock, content, log, places, record } = context;
  const leftovers = createLeftovers(context);

  async function fetch(signal: AbortSignal): Promise<number> {
    let fresh = 0;
    for (const type of ['edoc', 'status'] as const) {
      const groups = grouped(await connector.list(type, ownCodes(context), signal));
      for (let at = 0; at < groups.length; at += atOnce) {
        fresh += (
          await Promise.all(groups.slice(at, at + atOnce).map((group) => takeGuarded(group, type, signal)))
        ).reduce((sum, n) => sum + n, 0);
        // Nothing is being read now: files that no row counts on can go.
        await leftovers.remove();
      }
    }
    return fresh;
  }

  /** A message that cannot be had now is asked for again; the others go on. */
  async function takeGuarded(
    group: readonly Listed[],
    type: MessageType,
    signal: AbortSignal,
  ): Promise<number> {
    try {
      return await take(group, type, signal);
    } catch (error) {
      if (signal.aborted || !isExchangeError(error)) throw error;
      log.warn({ event: 'border.waiting', border: record.name, code: error.code, said: error.detail });
      return 0;
    }
  }

  /** All addressees of one message: it is acknowledged when each of them is durable here. */
  async function take(group: readonly Listed[], type: MessageType, signal: AbortSignal): Promise<number> {
    const first = group[0]!;
    // Systems that list by day name what they have our word for again and again.
    if (group.every(({ foreignId, to, answered }) => answered && border.knownIn(foreignId, type, to)))
      return 0;
    const missing = group.filter(({ foreignId, to }) => !border.knownIn(foreignId, type, to));
    if (missing.length > 0) {
      const { raw, read } = await fetchAndRead(first, type, signal);
      for (const listed of missing) await alone(() => keep(listed, raw, read));
    }
    // 2 Durable here; the other side has heard nothing.
    crashPoint('border.2');
    const kept = group.map(({ foreignId, to }) => border.knownIn(foreignId, type, to)!);
    const as = kept.some(({ ack }) => ack === 'done') ? 'done' : 'fail';
    await connector.acknowledge(first, as, signal);
    for (const { id } of kept) await border.inAcked({ id, nowMs: clock.nowMs() });
    return missing.length;
  }

  // One at a time from the look at what is known to the commit: two copies of one message would make two documents of it.
  let last: Promise<unknown> = Promise.resolve();
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const run = last.then(work, work);
    last = run.catch(() => {});
    return run;
  }

  async function rawOf(listed: Listed, type: MessageType, signal: AbortSignal): Promise<Raw> {
    const known = border.rawIn(listed.foreignId, type);
    if (known && (await content.stat(known.message_sha256)))
      return { sha256: known.message_sha256, lengthBytes: known.message_bytes };
    const raw = await keepRaw(await connector.get(listed, signal), content, signal);
    // 1 The bytes lie here; no row names them.
    crashPoint('border.1');
    return raw;
  }

  /**
   * No digest comes with a message: one that cannot be read may have been cut off on its way. It is refused when the same bytes come twice;
   * copies that differ are the other side's trouble, and asked for later.
   */
  async function fetchAndRead(
    listed: Listed,
    type: MessageType,
    signal: AbortSignal,
  ): Promise<{ raw: Raw; read: ReadMessage | ExchangeError }> {
    const seen = new Set<string>();
    for (let tries = 0; tries < fetchesMax; tries += 1) {
      const raw = await rawOf(listed, type, signal);
      const read = await readOrRefused(raw);
      const digest = Buffer.from(raw.sha256).toString('hex');
      if (!(read instanceof ExchangeError) || seen.has(digest)) return { raw, read };
      seen.add(digest);
    }
    throw new ExchangeError(
      'axis-answer-malformed',
      `message ${listed.foreignId} comes differently each time`,
    );
  }

  async function readOrRefused(raw: Raw): Promise<ReadMessage | ExchangeError> {
    try {
      const read = await readMessage(raw, content);
      leftovers.add(read.digests);
      return read;
    } catch (error) {
      return permanent(error);
    }
  }

  async function keep(listed: Listed, raw: Raw, read: ReadMessage | ExchangeError): Promise<void> {
    const judged = await judge(listed, raw, read);
    const kept = await border.inKeep({
      ...judged,
      foreignId: listed.foreignId,
      what: listed.type,
      fromCode: (read instanceof ExchangeError ? listed.from : read.message.from.organId).slice(0, 64),
      toCode: listed.to,
      messageSha256: raw.sha256,
      messageBytes: raw.lengthBytes,
      nowMs: clock.nowMs(),
    });
    context.nudge(kept.nudge);
    if (kept.secret)
      await leftovers.destroy([raw.sha256, ...judged.parts.map((hex) => Buffer.from(hex, 'hex'))]);
    log.info({
      event: 'border.received',
      border: record.name,
      state: kept.state,
      rule: judged.rule || undefined,
      code: judged.code || undefined,
      foreignId: listed.foreignId,
    });
  }

  async function judge(listed: Listed, raw: Raw, read: ReadMessage | ExchangeError): Promise<Judged> {
    try {
      if (read instanceof ExchangeError) throw read;
      const isStatus = read.message.what === 'status';
      if (isStatus !== (listed.type === 'status'))
        throw new ExchangeError('edxml-root-unknown', `listed as ${listed.type}, it is the other kind`);
      const toUnit = addressee(listed, read, context);
      const about = { listed, raw, read, toUnit };
      return await (isStatus ? judgeStatus(about, context) : judgeDocument(about, context));
    } catch (error) {
      return refusal(permanent(error), read);
    }
  }

  async function deliver(): Promise<number> {
    const rows = border.sealedIn(sealedRows);
    for (const { id, wrapper, what, message_sha256, parts } of rows) {
      const end = await acceptOne(wrapper);
      // The answer first: it is made once, whatever repeats, and a crash in between comes back here.
      if (end.code !== '' && what === 'edoc') await answerBack({ inId: id, code: end.code });
      await border.inEnded({ id, ...end, nowMs: clock.nowMs() });
      if (end.state === 'accepted') await forgetRecalled(wrapper);
      // A state secret is kept nowhere, not as evidence either: its digest says what came.
      if (end.code === 'secrecy-refused') {
        await border.erased({ id, nowMs: clock.nowMs() });
        await leftovers.destroy([message_sha256, ...parts]);
      }
    }
    return rows.length;
  }

  /** A recall ends every copy, also the message in which its document came; what stays is its digest. */
  async function forgetRecalled(wrapper: Uint8Array): Promise<void> {
    const header = headerCodec.decode(wrapperCodec.decode(wrapper).envelope!.bytes);
    if (header.kind !== kinds.recall) return;
    for (const { relation, documentId } of header.links)
      if (relation === relations.recalls && documentId.length === 16) await forget(documentId, 0);
  }

  async function forget(documentId: Uint8Array, beforeMs: number): Promise<void> {
    for (const sha256 of await border.forget({ documentId, beforeMs, nowMs: clock.nowMs() }))
      if (!context.store.contentReferenced(sha256)) await content.remove(sha256);
  }

  /** A refusal for good is one of the envelope as a whole, or one of its only recipient in the hub's receipt. */
  async function acceptOne(
    wrapper: Uint8Array,
  ): Promise<{ state: 'accepted' | 'refused'; code: string; said: string }> {
    try {
      const { receipt } = await accept(wrapper, { id: record.node, kind: 'node' }, context);
      const { statement } = parseStatement(signedStatementCodec.decode(receipt));
      const refused = statement.results.find(({ outcome }) => outcome === outcomes.refused)?.code;
      return { state: refused ? 'refused' : 'accepted', code: refused ?? '', said: '' };
    } catch (error) {
      const { code, detail } = permanent(error);
      return { state: 'refused', code, said: detail };
    }
  }

  function ownCodes({ directory }: BorderContext): string[] {
    const codes: string[] = [];
    for (const unit of directory().units())
      if (!unit.border) {
        const code = places.codeOf(unit.unit);
        if (code) codes.push(code);
      }
    return codes;
  }

  return {
    fetch,
    deliver,
    forgetOlder: (days) =>
      days < 0 ? Promise.resolve() : forget(noDocument, clock.nowMs() - days * 86_400_000),
  };
}

/** Rows repeat; a message for several of our offices has one id and several rows. */
function grouped(rows: readonly Listed[]): Listed[][] {
  const groups = new Map<string, Map<string, Listed>>();
  for (const row of rows) {
    const group = groups.get(row.foreignId) ?? new Map<string, Listed>();
    groups.set(row.foreignId, group.set(row.to, row));
  }
  return [...groups.values()].map((group) => [...group.values()]);
}

/** The office of ours that a row means: as the list says, else the only one of ours that the message names. */
function addressee(listed: Listed, { message }: ReadMessage, { places, directory }: BorderContext): string {
  const named =
    message.what === 'status' ? [message.responseFor.organId] : message.to.map(({ organId }) => organId);
  const codes = listed.to === '' ? named : [listed.to];
  const units = [...new Set(codes.map((code) => places.unitOf(code)).filter((unit) => unit !== undefined))];
  const ours = units.filter((unit) => !directory().unit(unit)?.border);
  if (ours.length === 1) return ours[0]!;
  if (units.length > 0 && ours.length === 0)
    throw new ExchangeError('route-loop', `${codes.join(', ')} is behind this border`);
  throw new ExchangeError('unit-unknown', codes.join(', ').slice(0, 200));
}

/** What can never be taken is this message's end; everything else is tried again with the same message. */
function permanent(error: unknown): ExchangeError {
  // A file that is gone here is our trouble, not the message's: it is read again.
  if (isExchangeError(error) && error.row.retry === 'never' && error.code !== 'content-gone') return error;
  throw error;
}

function refusal({ code, detail }: ExchangeError, read: ReadMessage | ExchangeError): Judged {
  const message = read instanceof ExchangeError ? undefined : read.message;
  return {
    state: 'refused',
    ack: 'fail',
    messageKey: '',
    meaning: null,
    parts:
      read instanceof ExchangeError
        ? []
        : read.digests.map(({ sha256 }) => Buffer.from(sha256).toString('hex')),
    code,
    said: detail.slice(0, 500),
    rule: '',
    edxmlId: (message?.what === 'document'
      ? message.documentId
      : (message?.responseFor.documentId ?? '')
    ).slice(0, 500),
    documentId: null,
    envelopeId: null,
    wrapper: null,
    document: null,
    reports: null,
  };
}

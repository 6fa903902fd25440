// Statuses across the border, from here to there. Our receivers' receipts and refusals of what came in become 01 and 02; status envelopes of our
// clerks become 03 to 06, 15 and 16. Each is made once, durably, before its cause is acknowledged, and goes until the other side has taken it.
import { randomBytes } from 'node:crypto';
import { signedCodec, signedStatementCodec } from '../../protocol/codec.ts';
import { catalogue, ExchangeError, isErrorCode, isExchangeError } from '../../protocol/errors.ts';
import type { StepResult } from '../../protocol/node/worker.ts';
import { envelopeDigest, relations } from '../../protocol/seal.ts';
import { signOne } from '../../protocol/signature.ts';
import { buildStatement, events, outcomes, parseStatement } from '../../protocol/statement.ts';
import type { Header, Metadata } from '../../protocol/wire.ts';
import { takeStatement } from '../delivery/statements.ts';
import { fieldFault } from '../edxml/fields.ts';
import type { KnownDocument } from '../edxml/places.ts';
import { timeText } from '../edxml/times.ts';
import { headerTree, leaves } from '../edxml/tree.ts';
import { writeEdxml } from '../edxml/write.ts';
import type { WaitingOut } from '../store/border-store.ts';
import type { ClaimedDelivery, ClaimedStatement } from '../store/types.ts';
import { composeStatus, digestOf } from './compose.ts';
import { type BorderContext, retryWaitMs } from './context.ts';

export type Statuses = {
  /** What the hub has to say about documents that the border sealed: taken over durably on return. */
  fromStatements(items: readonly ClaimedStatement[]): Promise<void>;
  /** A status envelope of one of our units about a document of the other side. Durable on return, and receipted by the border. */
  fromEnvelope(one: {
    readonly delivery: number;
    readonly claimed: ClaimedDelivery;
    readonly header: Header;
    readonly metadata: Metadata;
  }): Promise<void>;
  /** The hub refused what the border had sealed for a sender on the other side. */
  refusedHere(refused: { readonly inId: number; readonly code: string }): Promise<void>;
  /** Sends what is due. */
  send(signal: AbortSignal): Promise<StepResult>;
};

const sendsAtOnce = 16;
/** Description of a status: as the format bounds it. */
const descriptionMax = 500;

/** Statements about deliveries of ours that mean something to a sender who is not in this exchange. */
const statusOfEvent: Readonly<Record<number, '01' | '02'>> = {
  [events.ContentHandover]: '01',
  [events.ConsignmentRejection]: '02',
  [events.ContentHandoverFailure]: '02',
  [events.AcceptanceRejectionExpiry]: '02',
  [events.SubmissionRejection]: '02',
  [events.RelayRejection]: '02',
  [events.RelayFailure]: '02',
};
/** An acceptance says nothing new unless it refuses. */
const acceptances: readonly number[] = [events.SubmissionAcceptance, events.RelayAcceptance];

export const wordsOf = (code: string): string => (isErrorCode(code) ? catalogue[code].title.vi : code);

export function createStatuses(context: BorderContext): Statuses {
  const { border, clock, connector, log, places, record, store } = context;

  async function make(status: {
    readonly source: string;
    readonly code: string;
    readonly description: string;
    readonly atMs: number;
    /** Our unit that reports. */
    readonly unit: string;
    readonly document: KnownDocument;
  }): Promise<void> {
    const { document } = status;
    const from = places.organOf(status.unit);
    if (!from) throw new ExchangeError('axis-sender-unknown', `${status.unit} has no code on the other side`);
    const message = composeStatus({
      from,
      about: {
        organId: document.organId,
        code: document.code,
        documentId: document.edxmlId,
        date: document.date,
      },
      code: status.code,
      description: status.description
        .replace(/[\p{Cc}]+/gu, ' ')
        .trim()
        .slice(0, descriptionMax),
      at: timeText(status.atMs),
    });
    for (const { path, value } of leaves(headerTree(message))) {
      const fault = fieldFault(path, value);
      if (fault) throw new ExchangeError('edxml-field-refused', `${path}: ${fault.words}`);
    }
    const pieces: Buffer[] = [];
    for await (const piece of writeEdxml(message)) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    const { sha256, lengthBytes } = await digestOf(one(bytes));
    await border.outMake({
      source: status.source,
      what: 'status',
      statusCode: status.code,
      delivery: null,
      envelopeSeq: null,
      documentId: document.documentId,
      fromCode: from.organId,
      toCode: document.organId,
      edxmlId: document.edxmlId,
      message: bytes,
      messageSha256: sha256,
      messageBytes: lengthBytes,
      parts: [],
      notCarried: [],
      document: null,
      nowMs: clock.nowMs(),
    });
  }

  async function fromStatements(items: readonly ClaimedStatement[]): Promise<void> {
    for (const { id, bytes } of items) await fromStatement(id, bytes);
    await store.taken({ peer: record.node, ids: items.map(({ id }) => id), nowMs: clock.nowMs() });
  }

  async function fromStatement(id: number, bytes: Uint8Array): Promise<void> {
    const { statement } = parseStatement(signedStatementCodec.decode(bytes));
    const message = border.inOfEnvelope(statement.envelopeId);
    const document = message && places.documentOf(message.document_id);
    // Of statuses and requests that the border sealed nobody on the other side waits for an arrival.
    if (message?.what !== 'edoc' || !document || !/\|[13]$/.test(message.message_key)) return;
    for (const { index, unit, outcome, code } of statement.results) {
      const refusedAtAcceptance = acceptances.includes(statement.event) && outcome === outcomes.refused;
      const status = refusedAtAcceptance ? '02' : statusOfEvent[statement.event];
      if (status === undefined) continue;
      await guarded(`statement ${id}`, () =>
        make({
          source: `s${id}.${index}`,
          code: status,
          description: status === '02' ? wordsOf(code) : '',
          atMs: statement.atMs,
          unit,
          document,
        }),
      );
    }
  }

  /** A status that can never be made is a person's: the statement itself is settled and stays as evidence. */
  async function guarded(about: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isExchangeError(error) || error.row.retry === 'later') throw error;
      await store.alarm({
        code: error.code,
        about: `border ${record.name}: ${about}`,
        said: error.detail,
        nowMs: clock.nowMs(),
      });
    }
  }

  async function fromEnvelope(given: Parameters<Statuses['fromEnvelope']>[0]): Promise<void> {
    const { delivery, header, metadata } = given;
    const link = header.links.find(
      ({ relation, documentId }) => relation === relations.statusOf && documentId.length === 16,
    );
    const document = link && places.documentOf(link.documentId);
    if (!document || !header.status)
      throw new ExchangeError('edxml-document-unknown', 'a status of a document that did not cross here');
    if (!/^\d{2}$/.test(header.status.code))
      throw new ExchangeError('edxml-not-carried', `status ${header.status.code}`);
    const { registeredNumber, person, reason } = metadata;
    const description = [reason, registeredNumber && `Số đến: ${registeredNumber}`, person]
      .filter(Boolean)
      .join('. ');
    await make({
      source: `d${delivery}`,
      code: header.status.code,
      description,
      atMs: header.status.atMs,
      unit: header.sender,
      document,
    });
    await receipt(given);
  }

  /** The border is the addressee of what is meant for offices behind it, and says so with its own key. */
  async function receipt({ claimed, header }: Parameters<Statuses['fromEnvelope']>[0]): Promise<void> {
    const mine = claimed.recipients.filter(({ unit }) => unit === record.unit);
    if (mine.length === 0) return;
    const { type, bytes } = buildStatement({
      event: 'ContentHandover',
      statementId: randomBytes(16),
      envelopeId: header.envelopeId,
      documentId: header.documentId,
      envelopeDigest: envelopeDigest(signedCodec.decode(claimed.signed).bytes),
      sender: header.sender,
      issuer: record.unit,
      results: mine.map(({ index, unit }) => ({ index, unit, outcome: outcomes.delivered, code: '' })),
      atMs: clock.nowMs(),
    });
    const signed = signedStatementCodec.encode(signOne(type, bytes, context.key));
    await takeStatement(signed, { id: record.node, kind: 'node' }, context);
  }

  async function refusedHere({
    inId,
    code,
  }: {
    readonly inId: number;
    readonly code: string;
  }): Promise<void> {
    const row = store.reader.get<{ document_id: Uint8Array; to_code: string }>(
      'SELECT document_id, to_code FROM border_in WHERE id = ?',
      inId,
    );
    const document = row?.document_id && places.documentOf(row.document_id);
    const unit = row && places.unitOf(row.to_code);
    if (!document || !unit) return;
    await guarded(`message ${inId}`, () =>
      make({
        source: `i${inId}`,
        code: '02',
        description: wordsOf(code),
        atMs: clock.nowMs(),
        unit,
        document,
      }),
    );
  }

  async function send(signal: AbortSignal): Promise<StepResult> {
    const rows = border.waitingOut(clock.nowMs(), sendsAtOnce);
    for (const row of rows) {
      const attempts = row.attempts + 1;
      const nowMs = clock.nowMs();
      try {
        await border.outTrying({ id: row.id, nowMs });
        const foreignId =
          (await reported(row, signal)) ??
          (await connector.send(
            {
              type: 'status',
              from: row.from_code,
              to: row.to_code,
              lengthBytes: row.message.length,
              sha256: row.message_sha256,
              // The same status twice is taken once over there: no list is asked for statuses whose answer was lost.
              open: () => one(row.message),
            },
            signal,
          ));
        await border.outSent({ id: row.id, foreignId, rule: '', nowMs: clock.nowMs() });
        log.info({ event: 'border.sent', border: record.name, foreignId });
      } catch (error) {
        if (!isExchangeError(error) || signal.aborted) throw error;
        await notSent(row.id, error, attempts);
      }
    }
    return rows.length > 0 ? 'more' : 'idle';
  }

  /** Where statuses are words about a message that came in: its id. Undefined where they are messages, or none came. */
  async function reported(row: WaitingOut, signal: AbortSignal): Promise<string | undefined> {
    const message = connector.report && border.inAbout(row.document_id, row.from_code);
    if (!connector.report || !message) return undefined;
    const { foreign_id: foreignId } = message;
    await connector.report({ foreignId, office: row.from_code, code: row.status_code }, signal);
    return foreignId;
  }

  async function notSent(id: number, error: ExchangeError, attempts: number): Promise<void> {
    const { code, detail: words } = error;
    const nowMs = clock.nowMs();
    log.warn({ event: 'border.waiting', border: record.name, code, said: words });
    if (error.row.retry === 'never') await border.outRefused({ id, code, words, nowMs });
    else {
      const nextMs = nowMs + Math.max(error.retryAfterMs ?? 0, retryWaitMs(attempts, record.settings));
      await border.outLater({ id, nextMs, code, words, certain: false });
    }
    // Statements and statuses that cannot be told never cause a notice: an operator sees them.
    if (error.row.retry !== 'later')
      await store.alarm({ code, about: `border ${record.name}: status ${id}`, said: words, nowMs });
  }

  return { fromStatements, fromEnvelope, refusedHere, send };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

// What tests of documents do with offices: hand in, look from both sides, and seal what no verb of ours would make.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DocumentView, RecipientView } from '../../edge-node/core.ts';
import { newDocumentId, uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { openDatabase } from '../../protocol/node/sqlite.ts';
import { buildMetadata, kinds, relations } from '../../protocol/seal.ts';
import { eventually, type Office } from './office.ts';

export type Answer = { status: number; body: Record<string, unknown> };
export async function post(office: Office, path: string, body: unknown, key?: string): Promise<Answer> {
  const answer = await office.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
export const part = (text: string) => ({
  name: 'van-ban.txt',
  mediaType: 'text/plain',
  contentBase64: Buffer.from(text).toString('base64'),
});
let sent = 0;
export async function send(from: Office, to: readonly string[], more: object = {}): Promise<string> {
  sent += 1;
  const { status, body } = await post(
    from,
    '/v1/documents',
    { recipients: to, parts: [part(`nội dung ${sent}`)], subject: `Về việc ${sent}`, ...more },
    `k-${sent}`,
  );
  if (status !== 202) throw new Error(JSON.stringify(body));
  return body.documentId as string;
}
export const show = (office: Office, id: string, direction: 'out' | 'in') =>
  office.node.edge.show(id, { direction });
export const recipient = (view: DocumentView, code: string): RecipientView =>
  view.envelopes.flatMap(({ recipients }) => recipients).find((each) => each.code === code)!;
/** There, and its check has passed. */
export const arrived = (office: Office, id: string) =>
  eventually(async () => {
    const view = await show(office, id, 'in').catch(() => undefined);
    return view && (view.safety?.state ?? 'passed') !== 'pending' ? view : undefined;
  });
/** Waits until the sender's view of a recipient fits. */
export const sees = (office: Office, id: string, code: string, fits: (r: RecipientView) => boolean) =>
  eventually(async () => {
    const one = recipient(await show(office, id, 'out'), code);
    return one && fits(one) ? one : undefined;
  });
export const codeOf = (answer: Answer) => answer.body.code;

type Forged = {
  code?: string;
  counter?: number;
  atMs?: number;
  about: string;
  to: string;
  text?: string;
  kind?: number;
  relation?: number;
  as?: string;
};
/** An envelope of any kind exactly as given, sealed and sent by that office: what other software might make. */
export async function forge(
  office: Office,
  {
    code,
    counter,
    atMs,
    about,
    to,
    text = '',
    kind = kinds.status,
    relation = relations.statusOf,
    as,
  }: Forged,
): Promise<string> {
  const nowMs = systemClock.nowMs();
  const db = openDatabase(join(office.dir, 'node.sqlite'));
  const documentId = uuidToBytes(as ?? newDocumentId(nowMs, randomBytes(10)));
  const { salt, block } = buildMetadata({ reason: text }, randomBytes(32));
  try {
    db.exec('PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE');
    const { lastRowId } = db.run(
      `INSERT INTO documents (document_id, unit, idempotency_key, request_digest, kind, urgency, created_ms, reply_by_ms, links, status,
         salt, metadata, bytes) VALUES (?, ?, ?, x'01', ?, 0, ?, 0, ?, ?, ?, ?, 0)`,
      documentId,
      office.unit,
      `forged ${uuidFromBytes(documentId)}`,
      kind,
      nowMs,
      JSON.stringify([{ relation, documentId: about }]),
      code === undefined ? null : JSON.stringify({ code, counter, atMs: atMs ?? nowMs }),
      salt,
      block,
    );
    const { lastRowId: envelope } = db.run(
      `INSERT INTO envelopes (document_seq, unit, work, lane, missing_uploads, next_ms, queued_ms) VALUES (?, ?, 'seal', 0, 0, 0, ?)`,
      lastRowId,
      office.unit,
      nowMs,
    );
    db.run(
      `INSERT INTO outbox_recipients (envelope_seq, idx, unit, desk, grp, grp_version, state, at_ms) VALUES (?, 0, ?, '', '', 0, 'queued', ?)`,
      envelope,
      to,
      nowMs,
    );
    db.exec('COMMIT');
  } finally {
    db.close();
  }
  office.node.edge.retryNow();
  return uuidFromBytes(documentId);
}
export const transportOf = (office: Office, id: string) =>
  eventually(async () => {
    const one = (await show(office, id, 'out')).envelopes[0]!.recipients[0]!;
    return one.state === 'queued' || one.state === 'accepted' ? undefined : one;
  });

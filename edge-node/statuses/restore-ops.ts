// After a restore of this store the hub gives back what our units had sent: statuses among them. What they said of received documents
// stands again, with the counter of then, so that nothing is said twice and nothing is taken back. Inside the writer thread.

import { dayOf } from '../../protocol/calendar/working-days.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { isOwnStatus, reminderCode } from '../../protocol/document/statuses.ts';
import { uuidToBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { kinds, relations } from '../../protocol/seal.ts';
import type { Status } from '../../protocol/wire.ts';
import type { SentRow } from '../store/types.ts';
import { insertReminder } from './reminders.ts';
import { insertStatus } from './status-ops.ts';

type StoredLink = { readonly relation: number; readonly documentId?: string };

/** Idempotent. A document that is not in the backup either comes again by itself and finds the status here (arrival-ops.ts). */
export function restoreStatus(db: Database, { document: d }: SentRow): void {
  if (d.kind !== kinds.status || d.status === null) return;
  const links = JSON.parse(d.links) as StoredLink[];
  const linked = (relation: number) => links.find((link) => link.relation === relation)?.documentId;
  const about = linked(relations.statusOf);
  const to = d.recipients[0]?.unit;
  if (about === undefined || to === undefined) return;
  const status = JSON.parse(d.status) as Status;
  if (status.code === reminderCode) {
    insertReminder(db, {
      direction: 'out',
      documentId: uuidToBytes(about),
      sender: d.unit,
      unit: to,
      day: dayOf(status.atMs),
      atMs: status.atMs,
      reminderDocument: d.documentId,
    });
    return;
  }
  const said = d.metadata ? metadataCodec.decode(d.metadata) : undefined;
  const answered = linked(relations.answers);
  insertStatus(db, {
    direction: 'out',
    statusDocument: d.documentId,
    sender: to,
    documentId: uuidToBytes(about),
    unit: d.unit,
    byUnit: d.unit,
    status,
    acceptedMs: d.nowMs,
    said: said ? { registeredNumber: said.registeredNumber, person: said.person, reason: said.reason } : null,
    request: answered ? uuidToBytes(answered) : null,
    state: 'applied',
  });
  const key = [to, uuidToBytes(about), d.unit] as const;
  if (isOwnStatus(status.code))
    db.run(
      'UPDATE received SET code = ?, at_ms = ? WHERE sender = ? AND document_id = ? AND unit = ? AND counter < ?',
      status.code,
      status.atMs,
      ...key,
      status.counter,
    );
  db.run(
    'UPDATE received SET counter = ? WHERE sender = ? AND document_id = ? AND unit = ? AND counter < ?',
    status.counter,
    ...key,
    status.counter,
  );
}

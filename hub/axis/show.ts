// What crossed a border, for people and programs: lists and one message with everything that is known of it. Evidence is read here, never changed.
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { Database } from '../../protocol/node/sqlite.ts';

export type BorderQuery = {
  readonly border?: string | undefined;
  readonly direction?: 'in' | 'out' | undefined;
  readonly state?: string | undefined;
  readonly document?: Uint8Array | undefined;
  readonly sinceMs?: number | undefined;
  readonly limit: number;
};
export type BorderLine = {
  readonly direction: 'in' | 'out';
  readonly id: number;
  readonly border: string;
  readonly what: string;
  readonly status: string;
  readonly from: string;
  readonly to: string;
  readonly edxmlId: string;
  readonly documentId: string | null;
  readonly state: string;
  /** Id of the message in the other system. */
  readonly foreignId: string;
  readonly atMs: number;
  readonly code: string;
  readonly words: string;
  /** How the document was found, or how the axis's id was learned. */
  readonly rule: string;
  readonly messageSha256: string;
  readonly messageBytes: number;
  /** SHA-256 of each unzipped file. */
  readonly parts: readonly string[];
};
export type BorderDetail = BorderLine & {
  readonly times: Readonly<Record<string, number | null>>;
  readonly notCarried: readonly string[];
  readonly attempts: number | null;
  /** In the hub's signed statements about the delivery, oldest first: what the sender was told. */
  readonly statements: readonly {
    readonly event: number;
    readonly atMs: number;
    readonly ledgerSequence: number;
  }[];
};

type OutRow = {
  id: number;
  border: string;
  what: string;
  status_code: string;
  from_code: string;
  to_code: string;
  edxml_id: string;
  document_id: Uint8Array | null;
  state: string;
  foreign_id: string;
  code: string;
  words: string;
  rule: string;
  message_sha256: Uint8Array;
  message_bytes: number;
  parts: string;
  not_carried: string;
  attempts: number;
  delivery: number | null;
  made_ms: number;
  tried_ms: number | null;
  sent_ms: number | null;
  ended_ms: number | null;
  next_ms: number;
};
type InRow = Omit<
  OutRow,
  | 'status_code'
  | 'words'
  | 'not_carried'
  | 'attempts'
  | 'delivery'
  | 'made_ms'
  | 'tried_ms'
  | 'sent_ms'
  | 'ended_ms'
  | 'next_ms'
> & {
  said: string;
  ack: string;
  received_ms: number;
  acked_ms: number | null;
  at_ms: number;
};

const shared = (row: OutRow | InRow) => ({
  id: row.id,
  border: row.border,
  what: row.what,
  from: row.from_code,
  to: row.to_code,
  edxmlId: row.edxml_id,
  documentId: row.document_id?.length === 16 ? uuidFromBytes(row.document_id) : null,
  state: row.state,
  foreignId: row.foreign_id,
  code: row.code,
  rule: row.rule,
  messageSha256: Buffer.from(row.message_sha256).toString('hex'),
  messageBytes: row.message_bytes,
  parts: JSON.parse(row.parts) as string[],
});
const outLine = (row: OutRow): BorderLine => ({
  direction: 'out',
  ...shared(row),
  status: row.status_code,
  atMs: row.ended_ms ?? row.sent_ms ?? row.made_ms,
  words: row.words,
});
const inLine = (row: InRow): BorderLine => ({
  direction: 'in',
  ...shared(row),
  status: '',
  atMs: row.received_ms,
  words: row.said,
});

function where(
  query: BorderQuery,
  timeColumn: string,
): { sql: string; values: (string | number | Uint8Array)[] } {
  const parts: string[] = [];
  const values: (string | number | Uint8Array)[] = [];
  const add = (sql: string, value: string | number | Uint8Array | undefined): void => {
    if (value === undefined) return;
    parts.push(sql);
    values.push(value);
  };
  add('border = ?', query.border);
  add('state = ?', query.state);
  add('document_id = ?', query.document);
  add(`${timeColumn} >= ?`, query.sinceMs);
  return { sql: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}

/** Newest first. */
export function borderLines(db: Database, query: BorderQuery): BorderLine[] {
  const lines: BorderLine[] = [];
  if (query.direction !== 'in') {
    const { sql, values } = where(query, 'made_ms');
    lines.push(
      ...db
        .all<OutRow>(`SELECT * FROM border_out ${sql} ORDER BY id DESC LIMIT ?`, ...values, query.limit)
        .map(outLine),
    );
  }
  if (query.direction !== 'out') {
    const { sql, values } = where(query, 'received_ms');
    lines.push(
      ...db
        .all<InRow>(`SELECT * FROM border_in ${sql} ORDER BY id DESC LIMIT ?`, ...values, query.limit)
        .map(inLine),
    );
  }
  return lines.sort((a, b) => b.atMs - a.atMs).slice(0, query.limit);
}

/** Throws `not-found`. */
export function borderDetail(db: Database, direction: 'in' | 'out', id: number): BorderDetail {
  if (direction === 'out') {
    const row = db.get<OutRow>('SELECT * FROM border_out WHERE id = ?', id);
    if (!row) throw new ExchangeError('not-found', `out ${id}`);
    return {
      ...outLine(row),
      times: { made: row.made_ms, tried: row.tried_ms, sent: row.sent_ms, ended: row.ended_ms },
      notCarried: JSON.parse(row.not_carried) as string[],
      attempts: row.attempts,
      statements: statementsOf(db, 'SELECT envelope_seq FROM deliveries WHERE id = ?', row.delivery ?? -1),
    };
  }
  const row = db.get<InRow & { envelope_id: Uint8Array | null }>('SELECT * FROM border_in WHERE id = ?', id);
  if (!row) throw new ExchangeError('not-found', `in ${id}`);
  return {
    ...inLine(row),
    times: { received: row.received_ms, acknowledged: row.acked_ms, ended: row.at_ms },
    notCarried: [],
    attempts: null,
    statements: statementsOf(
      db,
      'SELECT seq FROM envelopes WHERE envelope_id = ?',
      row.envelope_id ?? new Uint8Array(),
    ),
  };
}

function statementsOf(db: Database, envelope: string, key: number | Uint8Array): BorderDetail['statements'] {
  return db.all<{ event: number; atMs: number; ledgerSequence: number }>(
    `SELECT event, at_ms AS "atMs", ledger_sequence AS "ledgerSequence" FROM statements WHERE envelope_seq = (${envelope}) ORDER BY id`,
    key,
  );
}

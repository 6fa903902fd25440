// The stand-in axis on disk: systems (tenants) with their secrets, offices, messages with one copy per receiver, and the faults that are switched
// on. SQLite, used by the running server and by the practice commands at once. A practice server: its secrets lie open in its own folder.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { makeDirDurable } from '../../protocol/node/durable.ts';
import { type Database, migrate, openDatabase } from '../../protocol/node/sqlite.ts';

const schema = `
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE systems (system_id TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL, center_code TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE agencies (
  id TEXT PRIMARY KEY, system_id TEXT REFERENCES systems (system_id),   -- NULL: an office played by the practice commands
  code TEXT NOT NULL, code102 TEXT NOT NULL, name TEXT NOT NULL, mail TEXT NOT NULL,
  version INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, locked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX agencies_code ON agencies (code) WHERE deleted = 0;
CREATE INDEX agencies_version ON agencies (version);
CREATE TABLE messages (
  doc_id TEXT PRIMARY KEY, type TEXT NOT NULL CHECK (type IN ('edoc','status')), from_code TEXT NOT NULL, edxml_id TEXT NOT NULL,
  title TEXT NOT NULL, notation TEXT NOT NULL, status_code TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE copies (
  copy_id TEXT PRIMARY KEY, doc_id TEXT NOT NULL REFERENCES messages (doc_id), to_code TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'initial', words TEXT NOT NULL DEFAULT '', updated_ms INTEGER NOT NULL, UNIQUE (doc_id, to_code)
) STRICT;
CREATE INDEX copies_to ON copies (to_code, state);
CREATE TABLE faults (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT;
CREATE TABLE calls (path TEXT NOT NULL, outcome TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (path, outcome)) STRICT;
`;

export type Agency = {
  id: string;
  system_id: string | null;
  code: string;
  code102: string;
  name: string;
  mail: string;
  version: number;
  deleted: number;
  locked: number;
};
export type Copy = {
  copy_id: string;
  doc_id: string;
  to_code: string;
  state: string;
  words: string;
  updated_ms: number;
  type: string;
  from_code: string;
  edxml_id: string;
  title: string;
  notation: string;
  status_code: string;
  created_ms: number;
};
export type NewMessage = {
  readonly docId: string;
  readonly type: 'edoc' | 'status';
  readonly from: string;
  readonly to: readonly string[];
  readonly edxmlId: string;
  readonly title: string;
  readonly notation: string;
  readonly statusCode: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly nowMs: number;
};

/** Faults that can be switched on, with what their number means. */
export const faultNames = {
  slow: 'milliseconds that every answer waits',
  fail: 'so many next requests are answered 500',
  'fail-chance': 'share of requests answered 500 (0 to 1)',
  duplicate: '1: lists name each message twice, and those of the last hour that are done again',
  damage: 'so many next messages arrive cut off',
  'damage-chance': 'share of messages that arrive cut off (0 to 1)',
  'lose-answer': 'so many next sendEdoc are stored, and their answer is lost',
  'lose-answer-chance': 'share of sendEdoc whose answer is lost (0 to 1)',
  'ask-login': '1: the provincial wrapper wants the token of its login with every call',
} as const;
export type FaultName = keyof typeof faultNames;

/** 24 hex letters, as the axis makes them. */
export const newDocId = (): string => randomBytes(12).toString('hex');

export type AxisStore = ReturnType<typeof openAxisStore>;

const copyColumns =
  'c.copy_id, c.doc_id, c.to_code, c.state, c.words, c.updated_ms, m.type, m.from_code, m.edxml_id, m.title, m.notation, m.status_code, m.created_ms';

export function openAxisStore(dir: string, options: { readonly create?: boolean } = {}) {
  if (options.create) makeDirDurable(dir, 0o700);
  const path = join(dir, 'axis.sqlite');
  const db: Database = openDatabase(
    path,
    options.create ? { create: true } : { init: 'lienthong axis init' },
  );
  migrate(db, [{ version: 1, name: 'axis', sql: schema }]);
  makeDirDurable(join(dir, 'messages'), 0o700);

  const nextVersion = () =>
    db.get<{ v: number }>('SELECT coalesce(max(version), 0) + 1 AS v FROM agencies')?.v ?? 1;
  const agencyByCode = (code: string) =>
    db.get<Agency>(
      'SELECT * FROM agencies WHERE deleted = 0 AND (upper(code) = ?1 OR upper(code102) = ?1) LIMIT 1',
      code.toUpperCase(),
    );

  return {
    dir,
    db,
    messagePath: (docId: string) => join(dir, 'messages', `${docId}.edxml`),
    setting: (name: string) =>
      db.get<{ value: string }>('SELECT value FROM settings WHERE name = ?', name)?.value,
    setSetting: (name: string, value: string) =>
      void db.run(
        'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        name,
        value,
      ),
    addSystem(system: { systemId: string; secret: string; name: string; centerCode: string }): void {
      db.run(
        'INSERT INTO systems (system_id, secret, name, center_code) VALUES (?,?,?,?)',
        system.systemId,
        system.secret,
        system.name,
        system.centerCode,
      );
    },
    secretOf: (systemId: string) =>
      db.get<{ secret: string }>('SELECT secret FROM systems WHERE system_id = ?', systemId)?.secret,
    systems: () =>
      db.all<{ system_id: string; name: string; center_code: string }>(
        'SELECT system_id, name, center_code FROM systems ORDER BY system_id',
      ),
    centerOf: (systemId: string) =>
      db.get<{ center_code: string }>('SELECT center_code FROM systems WHERE system_id = ?', systemId)
        ?.center_code,
    putAgency(agency: {
      id: string;
      systemId: string | null;
      code: string;
      code102: string;
      name: string;
      mail: string;
    }): void {
      db.run(
        `INSERT INTO agencies (id, system_id, code, code102, name, mail, version) VALUES (?,?,?,?,?,?,?)
         ON CONFLICT (id) DO UPDATE SET system_id = excluded.system_id, code = excluded.code, code102 = excluded.code102, name = excluded.name,
           mail = excluded.mail, version = excluded.version, deleted = 0`,
        agency.id,
        agency.systemId,
        agency.code,
        agency.code102,
        agency.name,
        agency.mail,
        nextVersion(),
      );
    },
    removeAgency: (code: string) =>
      db.run(
        'UPDATE agencies SET deleted = 1, version = ? WHERE code = ? AND deleted = 0',
        nextVersion(),
        code,
      ).changes > 0,
    lockAgency: (code: string, locked: boolean) =>
      db.run(
        'UPDATE agencies SET locked = ?, version = ? WHERE code = ? AND deleted = 0',
        locked ? 1 : 0,
        nextVersion(),
        code,
      ).changes > 0,
    agencyByCode,
    agencies: () => db.all<Agency>('SELECT * FROM agencies WHERE deleted = 0 ORDER BY code'),
    agenciesSince: (version: number) =>
      db.all<Agency>('SELECT * FROM agencies WHERE version > ? ORDER BY version', version),
    addMessage(m: NewMessage): void {
      db.transaction(() => {
        db.run(
          'INSERT INTO messages (doc_id, type, from_code, edxml_id, title, notation, status_code, sha256, bytes, created_ms) VALUES (?,?,?,?,?,?,?,?,?,?)',
          m.docId,
          m.type,
          m.from,
          m.edxmlId,
          m.title,
          m.notation,
          m.statusCode,
          m.sha256,
          m.bytes,
          m.nowMs,
        );
        for (const to of m.to)
          db.run(
            'INSERT INTO copies (copy_id, doc_id, to_code, updated_ms) VALUES (?,?,?,?)',
            newDocId(),
            m.docId,
            to,
            m.nowMs,
          );
      });
    },
    /** For offices of a system, not acknowledged yet; `alsoSinceMs`: done ones since then too. */
    waiting: (systemId: string, type: string, alsoSinceMs?: number) =>
      db.all<Copy>(
        `SELECT ${copyColumns} FROM copies c JOIN messages m ON m.doc_id = c.doc_id JOIN agencies a ON a.code = c.to_code AND a.deleted = 0
         WHERE a.system_id = ? AND m.type = ? AND (c.state NOT IN ('done','fail') OR c.updated_ms >= ?) ORDER BY m.created_ms, c.copy_id`,
        systemId,
        type,
        alsoSinceMs ?? Number.MAX_SAFE_INTEGER,
      ),
    copy: (id: string) =>
      db.get<Copy>(
        `SELECT ${copyColumns} FROM copies c JOIN messages m ON m.doc_id = c.doc_id WHERE c.copy_id = ?`,
        id,
      ),
    copiesFor: (code: string) =>
      db.all<Copy>(
        `SELECT ${copyColumns} FROM copies c JOIN messages m ON m.doc_id = c.doc_id WHERE c.to_code = ? ORDER BY m.created_ms`,
        code,
      ),
    setCopy: (id: string, state: string, words: string, nowMs: number) =>
      void db.run(
        'UPDATE copies SET state = ?, words = ?, updated_ms = ? WHERE copy_id = ?',
        state,
        words,
        nowMs,
        id,
      ),
    sent: (from: string, type: string) =>
      db.all<Copy>(
        `SELECT ${copyColumns} FROM copies c JOIN messages m ON m.doc_id = c.doc_id WHERE m.from_code = ? AND m.type = ? ORDER BY m.created_ms`,
        from,
        type,
      ),
    all: () =>
      db.all<Copy>(
        `SELECT ${copyColumns} FROM copies c JOIN messages m ON m.doc_id = c.doc_id ORDER BY m.created_ms, c.copy_id`,
      ),
    fault: (name: FaultName) =>
      db.get<{ value: number }>('SELECT value FROM faults WHERE name = ?', name)?.value ?? 0,
    faults: () =>
      db.all<{ name: FaultName; value: number }>(
        'SELECT name, value FROM faults WHERE value <> 0 ORDER BY name',
      ),
    setFault: (name: FaultName, value: number) =>
      void db.run(
        'INSERT INTO faults (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        name,
        value,
      ),
    /** Takes one of a counted fault: true while some are left. */
    take: (name: FaultName) =>
      db.run('UPDATE faults SET value = value - 1 WHERE name = ? AND value >= 1', name).changes > 0,
    counted(path: string, outcome: string): void {
      db.run(
        'INSERT INTO calls (path, outcome, n) VALUES (?, ?, 1) ON CONFLICT (path, outcome) DO UPDATE SET n = n + 1',
        path,
        outcome.slice(0, 80),
      );
    },
    calls: () =>
      db.all<{ path: string; outcome: string; n: number }>(
        'SELECT path, outcome, n FROM calls ORDER BY path, outcome',
      ),
    close: () => db.close(),
  };
}

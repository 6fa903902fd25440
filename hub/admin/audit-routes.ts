// The audit, operators and proposals, as JSON on the control socket. HTTP only: what may be done is decided by the operations.
// Verification is not here: audit-check.ts reads the files itself, since a hub that lies would also answer well.
import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { isP256 } from '../../certs/x509.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { AuditEntry } from '../store/audit.ts';
import type { Admin } from './acts.ts';
import { assertOperatorName, assertOwnPassphrase, makeVerifier } from './operators.ts';

/** Rows of one answer. */
const ROWS_MAX = 1000;

export type AuditQuery = {
  readonly afterSequence?: number;
  readonly act?: string;
  readonly about?: string;
  readonly who?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly limit?: number;
};

/** Newest first. `who` and `about` match a part of the text. */
export function listAudit(db: Database, query: AuditQuery): AuditEntry[] {
  const like = (text: string | undefined) =>
    text === undefined ? null : `%${text.replace(/[\\%_]/g, '\\$&')}%`;
  return db
    .all<{ entry: string }>(
      `SELECT entry FROM audit WHERE sequence > ?1 AND (?2 IS NULL OR act = ?2) AND (?3 IS NULL OR about LIKE ?3 ESCAPE '\\')
         AND (?4 IS NULL OR who LIKE ?4 ESCAPE '\\') AND (?5 IS NULL OR at_ms >= ?5) AND (?6 IS NULL OR at_ms < ?6)
       ORDER BY sequence DESC LIMIT ?7`,
      query.afterSequence ?? 0,
      query.act ?? null,
      like(query.about),
      like(query.who),
      query.fromMs ?? null,
      query.toMs ?? null,
      Math.min(query.limit ?? 100, ROWS_MAX),
    )
    .map(({ entry }) => JSON.parse(entry) as AuditEntry);
}

/** What the configuration asks of two persons is itself an act: recorded at the first start with another answer. */
export async function recordPolicy(admin: Admin, secondPerson: readonly string[]): Promise<void> {
  const row = admin.store.reader.get<{ entry: string }>(
    "SELECT entry FROM audit WHERE act = 'policySet' ORDER BY sequence DESC LIMIT 1",
  );
  const known = row ? (JSON.parse(row.entry) as { what: { secondPerson?: string[] } }).what.secondPerson : [];
  if (JSON.stringify(known ?? []) === JSON.stringify(secondPerson)) return;
  await admin.act('policySet', { secondPerson, nowMs: admin.clock.nowMs() });
}

const text = { type: 'string', minLength: 1, maxLength: 1024 } as const;
const body = (properties: Record<string, unknown>) => ({
  body: { type: 'object', additionalProperties: false, required: Object.keys(properties), properties },
});

function whole(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ExchangeError('request-malformed', 'a whole number is needed');
  return value;
}

/** Unit ids as people know them, anywhere in a value: `H08.35.1 (u…)`. What is no unit stays as it is. */
function readable(admin: Admin, value: unknown): unknown {
  if (typeof value === 'string') {
    if (!/^u[0-9a-z]{16}$/.test(value)) return value;
    const code = admin.codeOf(value);
    return code === value ? value : `${code} (${value})`;
  }
  if (Array.isArray(value)) return value.map((each) => readable(admin, each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, readable(admin, each)]));
}

type ProposalLine = { id: number; act: string; about: string; who: string; state: string; expiresMs: number };

function listProposals(admin: Admin, all: boolean) {
  const { store, clock } = admin;
  const nowMs = clock.nowMs();
  return store.reader
    .all<ProposalLine & { madeFrom: string; madeMs: number; endedMs: number | null; args: string }>(
      `SELECT id, act, about, args, who, made_from AS "madeFrom", made_ms AS "madeMs", expires_ms AS "expiresMs", state,
         ended_ms AS "endedMs" FROM proposals WHERE ? OR state = 'open' ORDER BY id DESC LIMIT ${ROWS_MAX}`,
      all ? 1 : 0,
    )
    .map((row) => ({
      ...row,
      aboutText: readable(admin, row.about),
      args: readable(admin, JSON.parse(row.args)),
      state: row.state === 'open' && row.expiresMs <= nowMs ? 'expired' : row.state,
      agreed: store.reader
        .all<{ operator: string }>(
          'SELECT operator FROM proposal_yes WHERE proposal = ? ORDER BY at_ms, operator',
          row.id,
        )
        .map(({ operator }) => operator),
    }));
}

function addProposalRoutes(app: FastifyInstance, admin: Admin): void {
  app.get<{ Querystring: { all?: string } }>('/admin/v1/proposals', async ({ query: { all } }) => ({
    proposals: listProposals(admin, all === 'true'),
  }));
  for (const [path, yes] of [
    ['approve', true],
    ['refuse', false],
  ] as const)
    app.post<{ Params: { id: string } }>(`/admin/v1/proposals/:id/${path}`, async ({ params }) =>
      admin.decide({ id: whole(params.id) ?? 0, yes }),
    );
}

function addOperatorRoutes(app: FastifyInstance, admin: Admin): void {
  const { store, clock } = admin;
  app.get('/admin/v1/operators', async () => ({
    operators: store.reader.all(
      'SELECT o.name, o.added_ms AS "addedMs", k.from_ms AS "keyFromMs" FROM operators o LEFT JOIN operator_keys k ON k.name = o.name AND k.until_ms = 0 WHERE o.removed_ms IS NULL ORDER BY o.name',
    ),
  }));
  app.post<{ Body: { name: string; passphrase: string } }>(
    '/admin/v1/operators',
    { schema: body({ name: text, passphrase: text }) },
    async ({ body: { name, passphrase } }, reply) => {
      const verifier = await makeVerifier(passphrase);
      await assertOwnPassphrase(store, { name, passphrase });
      await admin.act('operatorAdd', { name: assertOperatorName(name), verifier, nowMs: clock.nowMs() });
      return reply.code(201).send({ name });
    },
  );
  app.post<{ Params: { name: string }; Body: { publicKey: string } }>(
    '/admin/v1/operators/:name/key',
    { schema: body({ publicKey: text }) },
    async ({ params: { name }, body: { publicKey } }) => {
      const der = Buffer.from(publicKey, 'base64');
      if (!isP256(der)) throw new ExchangeError('request-malformed', 'a P-256 public key');
      await admin.act('operatorKey', { name, publicKey: der, nowMs: clock.nowMs() });
      return { name, keyId: hash('sha256', der, 'hex') };
    },
  );
  app.post<{ Params: { name: string } }>('/admin/v1/operators/:name/remove', async ({ params: { name } }) => {
    await admin.act('operatorRemove', { name, nowMs: clock.nowMs() });
    return { name };
  });
}

export function addAuditRoutes(app: FastifyInstance, admin: Admin): void {
  type Query = Partial<Record<'act' | 'about' | 'who' | 'fromMs' | 'toMs' | 'limit', string>>;
  app.get<{ Querystring: Query }>('/admin/v1/audit', async ({ query }) => {
    const { act, about, who } = query;
    const fromMs = whole(query.fromMs);
    const toMs = whole(query.toMs);
    const limit = whole(query.limit);
    return {
      acts: listAudit(admin.store.reader, {
        ...(act ? { act } : {}),
        ...(about ? { about } : {}),
        ...(who ? { who } : {}),
        ...(fromMs === undefined ? {} : { fromMs }),
        ...(toMs === undefined ? {} : { toMs }),
        ...(limit === undefined ? {} : { limit }),
      }).map((entry) => ({ ...entry, aboutText: readable(admin, entry.about) })),
    };
  });
  // An act outside the store (a CA saved, keys encrypted): the command that did it leaves its row here.
  app.post<{ Body: { about: string; note: string } }>(
    '/admin/v1/audit',
    { schema: body({ about: text, note: text }) },
    async ({ body: { about, note } }) => {
      await admin.act('noteAct', { about, note, nowMs: admin.clock.nowMs() });
      return { about };
    },
  );
  addProposalRoutes(app, admin);
  addOperatorRoutes(app, admin);
}

// The operator's acts on units, invitations and certificates, as JSON on the control socket. Whoever can open the socket is the operator.
// HTTP only: names and codes are checked here, everything else is decided by the operations. No secret is ever answered twice.
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import { newUnitId } from '../../protocol/ids.ts';
import type { Admin } from './acts.ts';
import { assertCode, assertUnitName } from './unit-names.ts';

const text = { type: 'string', minLength: 1, maxLength: 400 } as const;
const timeMs = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const body = (required: readonly string[], properties: Record<string, unknown>) => ({
  body: { type: 'object', additionalProperties: false, required, properties },
});
type UnitParams = { Params: { unit: string } };

const DAY_MS = 86_400_000;

function addNamingRoutes(app: FastifyInstance, admin: Admin): void {
  const { clock } = admin;

  app.get<{ Querystring: { after?: string; limit?: string; state?: string; unit?: string } }>(
    '/admin/v1/units',
    async ({ query: { after, limit, state, unit } }) =>
      listUnits(admin, {
        afterRow: wholeOf(after, Number.MAX_SAFE_INTEGER) ?? 0,
        rowsMax: wholeOf(limit, unitPageMax) ?? unitPage,
        ...(state === undefined ? {} : { state }),
        ...(unit === undefined ? {} : { unit: admin.unitOf(unit) }),
      }),
  );

  app.post<{
    Body: { name: string; codes: string[]; parent?: string; documentBytesMax?: number };
  }>(
    '/admin/v1/units',
    {
      schema: body(['name', 'codes'], {
        name: text,
        codes: { type: 'array', minItems: 1, maxItems: 16, items: text },
        parent: text,
        documentBytesMax: timeMs,
      }),
    },
    async ({ body: { name, codes, parent, documentBytesMax } }, reply) => {
      assertUnitName(name);
      const unit = newUnitId(randomBytes(10));
      const done = await admin.act('unitAdd', {
        unit,
        name,
        codes: codes.map(assertCode),
        parent: parent === undefined ? '' : admin.unitOf(parent),
        documentBytesMax: documentBytesMax ?? 0,
        nowMs: clock.nowMs(),
      });
      return reply.code(201).send({ ...done, codes: codes.map(assertCode), name });
    },
  );

  app.post<UnitParams & { Body: { code: string; untilMs?: number } }>(
    '/admin/v1/units/:unit/alias',
    { schema: body(['code'], { code: text, untilMs: timeMs }) },
    async ({ params, body: { code, untilMs = 0 } }) =>
      await admin.act('unitAlias', {
        unit: admin.unitOf(params.unit),
        code: assertCode(code),
        untilMs,
        nowMs: clock.nowMs(),
      }),
  );
}

/** Of one answer when nothing is said, and at most: a national directory's list would hold the process up for seconds. */
const unitPage = 1_000;
const unitPageMax = 10_000;

/** `request-malformed` unless it is a whole number from 0 to `max`; undefined where nothing was said. */
function wholeOf(said: string | undefined, max: number): number | undefined {
  if (said === undefined) return undefined;
  if (!/^[0-9]{1,16}$/.test(said) || Number(said) > max)
    throw new ExchangeError('request-malformed', `a whole number up to ${max}`);
  return Number(said);
}

/** In the order in which they were added. `next` is what the following page begins after; null: this is the last. */
function listUnits(
  { directory, store }: Admin,
  page: {
    readonly afterRow: number;
    readonly rowsMax: number;
    readonly state?: string;
    readonly unit?: string;
  },
) {
  const waiting = new Map(
    store.reader
      .all<{ unit: string; words: string; node: string }>(
        'SELECT unit, words, node FROM invitations WHERE used_ms IS NOT NULL AND confirmed_ms IS NULL AND closed_ms IS NULL ORDER BY used_ms',
      )
      .map((row) => [row.unit, row]),
  );
  const { afterRow, rowsMax, state = '', unit = '' } = page;
  const rows = store.reader.all<{
    row: number;
    unit: string;
    name: string;
    state: string;
    parent: string;
    node: string | null;
    addedMs: number;
    lastSeenMs: number | null;
  }>(
    `SELECT u.rowid AS row, u.unit, u.name, u.state, u.parent, u.node, u.added_ms AS "addedMs", p.last_seen_ms AS "lastSeenMs"
     FROM units u LEFT JOIN peers p ON p.peer = u.node
     WHERE u.rowid > ?1 AND (?2 = '' OR u.state = ?2) AND (?3 = '' OR u.unit = ?3) ORDER BY u.rowid LIMIT ?4`,
    afterRow,
    state,
    unit,
    rowsMax + 1,
  );
  const shown = rows.slice(0, rowsMax);
  const units = shown.map(({ row: _, ...row }) => {
    const known = directory.current().unit(row.unit);
    const pending = waiting.get(row.unit);
    return {
      ...row,
      code: known?.aliases[0]?.code ?? row.unit,
      aliases: known?.aliases ?? [],
      successors: known?.successors ?? [],
      seals: known?.sealCertificates.length ?? 0,
      /** What the operator compares with the clerk by telephone. */
      waiting: pending ? { words: pending.words, node: pending.node } : null,
    };
  });
  return { units, next: rows.length > shown.length ? (shown.at(-1)?.row ?? null) : null };
}

function addLifeRoutes(app: FastifyInstance, admin: Admin): void {
  const { clock, log } = admin;
  const acts = { suspend: 'unitSuspend', resume: 'unitResume' } as const;
  for (const [path, name] of Object.entries(acts) as [keyof typeof acts, (typeof acts)[keyof typeof acts]][])
    app.post<UnitParams>(`/admin/v1/units/:unit/${path}`, async ({ params }) => {
      const unit = admin.unitOf(params.unit);
      const done = await admin.act(name, { unit, nowMs: clock.nowMs() });
      if (path === 'suspend') log.warn({ event: 'unit.suspended', unit });
      return { unit, ...done };
    });
}

function addEnrolRoutes(app: FastifyInstance, admin: Admin, invitationMs: number): void {
  const { clock, log } = admin;

  app.post<UnitParams & { Body: { validMs?: number } }>(
    '/admin/v1/units/:unit/invite',
    { schema: body([], { validMs: { type: 'integer', minimum: 60_000, maximum: 90 * DAY_MS } }) },
    async ({ params, body: { validMs = invitationMs } }, reply) => {
      const unit = admin.unitOf(params.unit);
      const made = await admin.invite({ unit, validMs });
      return reply.code(201).send({ unit, code: admin.codeOf(unit), ...made });
    },
  );

  app.post<UnitParams>('/admin/v1/units/:unit/uninvite', async ({ params }) => ({
    closed: await admin.act('invitationClose', { unit: admin.unitOf(params.unit), nowMs: clock.nowMs() }),
  }));

  app.post<UnitParams & { Body: { words?: string } }>(
    '/admin/v1/units/:unit/confirm',
    { schema: body([], { words: text }) },
    async ({ params, body: { words } }) => {
      const unit = admin.unitOf(params.unit);
      const { node } = await admin.act('unitConfirm', { unit, words, nowMs: clock.nowMs() });
      log.info({ event: 'unit.confirmed', unit, node });
      return { unit, code: admin.codeOf(unit), node };
    },
  );

  app.get<UnitParams>('/admin/v1/units/:unit/certificates', async ({ params }) => {
    const unit = admin.unitOf(params.unit);
    return {
      certificates: admin.store.reader.all(
        `SELECT serial, role, subject, not_before_ms AS "notBeforeMs", not_after_ms AS "notAfterMs", issued_ms AS "issuedMs",
           revoked_from_ms AS "revokedFromMs", revoked_reason AS "revokedReason" FROM certificates
         WHERE subject IN (SELECT ? UNION SELECT node FROM units WHERE unit = ?) ORDER BY role, issued_ms DESC`,
        unit,
        unit,
      ),
    };
  });

  app.post<{
    Body: { serial?: string; unit?: string; node?: string; office?: string; fromMs?: number; reason: string };
  }>(
    '/admin/v1/revoke',
    {
      schema: body(['reason'], {
        serial: { type: 'string', pattern: '^[0-9a-fA-F]{1,40}$' },
        unit: text,
        node: text,
        office: text,
        fromMs: timeMs,
        reason: { type: 'string', minLength: 1, maxLength: 64 },
      }),
    },
    async ({ body: { serial, unit, node, office, fromMs, reason } }) => {
      const named = [serial, unit, node, office].filter((each) => each !== undefined).length;
      if (named !== 1) throw new ExchangeError('request-malformed', 'one of serial, unit, node, office');
      const what =
        serial !== undefined
          ? { serial }
          : unit !== undefined
            ? { unit: admin.unitOf(unit) }
            : office !== undefined
              ? { office: admin.unitOf(office) }
              : { node: node ?? '' };
      const nowMs = clock.nowMs();
      if ((fromMs ?? nowMs) > nowMs) throw new ExchangeError('request-malformed', 'fromMs is in the future');
      const done = await admin.act('certificateRevoke', { what, fromMs: fromMs ?? nowMs, reason, nowMs });
      for (const each of done.serials) log.warn({ event: 'certificate.revoked', serial: each, reason });
      return done;
    },
  );
}

export function addUnitRoutes(app: FastifyInstance, admin: Admin, options: { invitationMs: number }): void {
  addNamingRoutes(app, admin);
  addLifeRoutes(app, admin);
  addEnrolRoutes(app, admin, options.invitationMs);
}

// Reforms of units as JSON on the control socket: rename, merge, split, close, move, hand over, now or on a day to come; those that wait, and
// the choice for documents that wait for a unit which was split. HTTP only: what may be done is decided by hub/store/reform-ops.ts.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import { parseHubId } from '../../protocol/ids.ts';
import { redriveTo } from '../delivery/reforms.ts';
import type { Admin } from './acts.ts';
import { deliveries } from './queue.ts';
import { assertCode, assertUnitName } from './unit-names.ts';

const text = { type: 'string', minLength: 1, maxLength: 400 } as const;
const timeMs = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const list = { type: 'array', minItems: 1, maxItems: 1_000, items: text } as const;
const body = (required: readonly string[], properties: Record<string, unknown>) => ({
  body: {
    type: 'object',
    additionalProperties: false,
    required,
    properties: { ...properties, effectiveMs: timeMs },
  },
});
type UnitParams = { Params: { unit: string } };
type When = { effectiveMs?: number };

const DAY_MS = 86_400_000;
/** Old codes stand on printed letterheads and in other offices' lists for about a year. */
const OLD_CODE_MS = 365 * DAY_MS;

export function addReformRoutes(app: FastifyInstance, admin: Admin, upstream: () => string): void {
  const { clock } = admin;
  const unitsOf = (codes: readonly string[]) => [...new Set(codes.map((code) => admin.unitOf(code)))];

  app.post<UnitParams & { Body: { name?: string; code?: string; oldCodeUntilMs?: number } & When }>(
    '/admin/v1/units/:unit/rename',
    { schema: body([], { name: text, code: text, oldCodeUntilMs: timeMs }) },
    async ({ params, body: { name, code, oldCodeUntilMs, effectiveMs } }) => {
      if (name === undefined && code === undefined)
        throw new ExchangeError('request-malformed', 'a new name, a new code, or both');
      if (name !== undefined) assertUnitName(name);
      const nowMs = clock.nowMs();
      return await admin.act('unitRename', {
        unit: admin.unitOf(params.unit),
        name,
        code: code === undefined ? undefined : assertCode(code),
        oldCodeUntilMs: oldCodeUntilMs ?? Math.max(nowMs, effectiveMs ?? 0) + OLD_CODE_MS,
        effectiveMs,
        nowMs,
      });
    },
  );

  app.post<{ Body: { units: string[]; into: string; untilMs?: number } & When }>(
    '/admin/v1/units/merge',
    { schema: body(['units', 'into'], { units: list, into: text, untilMs: timeMs }) },
    async ({ body: { units, into, untilMs = 0, effectiveMs } }) =>
      await admin.act('unitMerge', {
        units: unitsOf(units),
        into: admin.unitOf(into),
        untilMs,
        effectiveMs,
        nowMs: clock.nowMs(),
      }),
  );

  app.post<UnitParams & { Body: { into: string[]; untilMs?: number } & When }>(
    '/admin/v1/units/:unit/split',
    { schema: body(['into'], { into: list, untilMs: timeMs }) },
    async ({ params, body: { into, untilMs = 0, effectiveMs } }) =>
      await admin.act('unitSplit', {
        unit: admin.unitOf(params.unit),
        into: unitsOf(into),
        untilMs,
        effectiveMs,
        nowMs: clock.nowMs(),
      }),
  );

  app.post<UnitParams & { Body: When | null }>(
    '/admin/v1/units/:unit/close',
    async ({ params, body: given }) => {
      const unit = admin.unitOf(params.unit);
      const done = await admin.act('unitClose', {
        unit,
        effectiveMs: given?.effectiveMs,
        nowMs: clock.nowMs(),
      });
      return { unit, ...done };
    },
  );

  app.post<{ Body: { units: string[]; parent?: string } & When }>(
    '/admin/v1/units/move',
    { schema: body(['units'], { units: list, parent: text }) },
    async ({ body: { units, parent, effectiveMs } }) =>
      await admin.act('unitMove', {
        units: unitsOf(units),
        parent: parent === undefined ? '' : admin.unitOf(parent),
        effectiveMs,
        nowMs: clock.nowMs(),
      }),
  );

  app.post<{ Body: { units: string[]; hub: string } & When }>(
    '/admin/v1/units/handover',
    { schema: body(['units', 'hub'], { units: { ...list, maxItems: 10_000 }, hub: text }) },
    async ({ body: { units, hub, effectiveMs } }) =>
      await admin.act('unitHandover', {
        units: unitsOf(units),
        hub: parseHubId(hub),
        effectiveMs,
        nowMs: clock.nowMs(),
      }),
  );

  app.post<{ Body: { from: string; invite?: boolean; validMs?: number } }>(
    '/admin/v1/units/adopt',
    {
      schema: body(['from'], {
        from: text,
        invite: { type: 'boolean' },
        validMs: { type: 'integer', minimum: 60_000, maximum: 90 * DAY_MS },
      }),
    },
    async ({ body: { from, invite = false, validMs = 30 * DAY_MS } }) => {
      const own = admin.directory.own().hub;
      const part = admin.directory.current().hub(parseHubId(from));
      if (!part) throw new ExchangeError('reform-refused', `the directory of ${from} is not known here`);
      const handed = part.units.filter(({ movedTo }) => movedTo === own);
      const units = handed.map(
        ({ unit, name, aliases, formerNames = [], desks = [], kind = '', documentBytesMax }) => ({
          ...{ unit, name, aliases, names: formerNames, desks, kind, documentBytesMax },
        }),
      );
      const done = await admin.act('unitsAdopt', { from, units, nowMs: clock.nowMs() });
      const waiting = admin.directory
        .own()
        .units.filter(({ unit, node }) => node === '' && handed.some((each) => each.unit === unit));
      const invitations = [];
      for (const { unit, name } of invite ? waiting : [])
        invitations.push({ code: admin.codeOf(unit), name, ...(await admin.invite({ unit, validMs })) });
      return { ...done, handed: handed.length, invitations };
    },
  );

  app.get('/admin/v1/reforms', async () => ({
    reforms: admin.store.reader
      .all<{
        id: number;
        kind: string;
        state: string;
        act: string;
        effectiveMs: number;
        madeMs: number;
        doneMs: number | null;
        said: string;
      }>(
        `SELECT id, kind, state, act, effective_ms AS "effectiveMs", made_ms AS "madeMs", done_ms AS "doneMs", said FROM reforms
         ORDER BY state = 'planned' DESC, CASE state WHEN 'planned' THEN effective_ms ELSE -effective_ms END, id LIMIT 1000`,
      )
      .map(({ act, ...row }) => {
        const {
          units,
          into = [],
          name,
          code,
        } = JSON.parse(act) as { units: string[]; into?: string[]; name?: string; code?: string };
        return { ...row, units: units.map(admin.codeOf), into: into.map(admin.codeOf), name, code };
      }),
  }));

  app.post<{ Params: { id: number } }>(
    '/admin/v1/reforms/:id/cancel',
    async ({ params: { id } }) => await admin.act('reformCancel', { id: Number(id), nowMs: clock.nowMs() }),
  );

  app.post<{ Body: { ids?: number[]; unit?: string; to: string } }>(
    '/admin/v1/redrive-to',
    {
      schema: body(['to'], {
        ids: { type: 'array', minItems: 1, maxItems: 1_000, items: { type: 'integer' } },
        unit: text,
        to: text,
      }),
    },
    async ({ body: { ids, unit, to } }) => {
      if ((ids === undefined) === (unit === undefined))
        throw new ExchangeError('request-malformed', 'ids or unit');
      const chosen =
        ids ??
        deliveries(admin.store.reader, { unit: admin.unitOf(unit ?? ''), limit: 1_000 }).map(({ id }) => id);
      const hubId = admin.directory.own().hub;
      // A successor may belong to another hub by now.
      const heir = admin.directory.current().byCode(to, clock.nowMs()) ?? admin.directory.current().unit(to);
      if (!heir) throw new ExchangeError('unit-unknown', to.slice(0, 64));
      return { forwarded: await redriveTo({ admin, hubId, upstream }, { ids: chosen, to: heir.unit }) };
    },
  );
}

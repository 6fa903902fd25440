// What units are, the groups of the hub, and tables of units in and out, as JSON on the control socket. HTTP only: the difference is made by
// unit-import.ts, the acts by hub/store/describe-ops.ts. A table is one act, and nothing of it is done when one of its rows cannot be.
import { hash, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { searchDirectory } from '../../protocol/directory-search.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { newUnitId } from '../../protocol/ids.ts';
import { readSheet, writeCsv, writeXlsx } from '../../protocol/node/spreadsheet.ts';
import type { UnitDesk } from '../../protocol/wire.ts';
import type { Admin } from './acts.ts';
import { exportColumns, type ImportPlan, importHeaders, planImport } from './unit-import.ts';
import { assertUnitName } from './unit-names.ts';

const text = { type: 'string', minLength: 1, maxLength: 400 } as const;
const whole = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const list = (items: object, maxItems: number) => ({ type: 'array', maxItems, items });
const body = (required: readonly string[], properties: Record<string, unknown>) => ({
  body: { type: 'object', additionalProperties: false, required, properties },
});
/** Lines of each list that are told; a table of 100,000 is not read on a screen. */
const TOLD_MAX = 1_000;

/** Codes of groups stand in addresses and lists, as those of units. */
function assertGroupCode(code: string): string {
  const plain = code.trim().normalize('NFC').toLowerCase();
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(plain) || Buffer.byteLength(plain) > 64)
    throw new ExchangeError('request-malformed', 'a group code has 1 to 64 letters, digits, dots or hyphens');
  return plain;
}

function addGroupRoutes(app: FastifyInstance, admin: Admin): void {
  const { clock, directory } = admin;
  app.get('/admin/v1/groups', async () => ({ groups: directory.own().groups ?? [] }));
  app.post<{ Body: { code: string; name: string; kinds?: string[]; includes?: string[] } }>(
    '/admin/v1/groups',
    {
      schema: body(['code', 'name'], {
        code: text,
        name: text,
        kinds: list(text, 32),
        includes: list(text, 32),
      }),
    },
    async ({ body: { code, name, kinds = [], includes = [] } }) => {
      assertUnitName(name);
      const group = {
        code: assertGroupCode(code),
        name,
        kinds: kinds.map((kind) => kind.normalize('NFC')),
        includes: includes.map(assertGroupCode),
      };
      return await admin.act('groupSet', { group, nowMs: clock.nowMs() });
    },
  );
  app.post<{ Params: { code: string } }>(
    '/admin/v1/groups/:code/remove',
    async ({ params: { code } }) =>
      await admin.act('groupRemove', { code: assertGroupCode(code), nowMs: clock.nowMs() }),
  );
}

function told({ added, changed, closed, refused, unchanged }: ImportPlan, codeOf: (id: string) => string) {
  return {
    counts: {
      added: added.length,
      changed: changed.length,
      closed: closed.length,
      refused: refused.length,
      unchanged,
    },
    added: added.slice(0, TOLD_MAX).map(({ line, unit }) => ({ line, code: unit.codes[0], name: unit.name })),
    changed: changed
      .slice(0, TOLD_MAX)
      .map(({ line, unit, changes }) => ({ line, code: codeOf(unit.unit), name: unit.name, changes })),
    closed: closed.slice(0, TOLD_MAX),
    refused: refused.slice(0, TOLD_MAX),
  };
}

function addTableRoutes(app: FastifyInstance, admin: Admin): void {
  const { clock, directory } = admin;
  app.post<{ Body: { file: string; dryRun?: boolean; closeMissing?: boolean; skipRefused?: boolean } }>(
    '/admin/v1/units/import',
    {
      schema: body(['file'], {
        file: { type: 'string' },
        dryRun: { type: 'boolean' },
        closeMissing: { type: 'boolean' },
        skipRefused: { type: 'boolean' },
      }),
    },
    async ({ body: { file, dryRun = false, closeMissing = false, skipRefused = false } }) => {
      const bytes = Buffer.from(file, 'base64');
      const sheet = await readSheet(bytes, importHeaders.code);
      const own = directory.own();
      const nowMs = clock.nowMs();
      const plan = planImport({
        sheet,
        directory: directory.current(),
        hubId: own.hub,
        groups: new Set((own.groups ?? []).map(({ code }) => code)),
        newUnitId: () => newUnitId(randomBytes(10)),
        closeMissing,
        nowMs,
      });
      const answer = { format: sheet.format, ...told(plan, (id) => directory.current().codeOf(id)) };
      const { added, changed, closed, refused } = plan;
      const nothing = added.length + changed.length + closed.length === 0;
      if (dryRun || nothing || (refused.length > 0 && !skipRefused))
        return { ...answer, done: false, version: own.version };
      const done = await admin.act('unitsImport', {
        against: own.version,
        added: added.map(({ unit }) => unit),
        changed: changed.map(({ unit }) => unit),
        closed: closed.map(({ unit }) => unit),
        file: hash('sha256', bytes, 'buffer'),
        nowMs,
      });
      return { ...answer, done: true, version: done.version };
    },
  );

  app.get<{ Querystring: { format?: string } }>(
    '/admin/v1/units/export',
    async ({ query: { format = 'csv' } }) => {
      const current = directory.current();
      const own = directory.own();
      const columns = exportColumns(current);
      const rows = own.units.map(({ unit }) => current.unit(unit)!).filter((unit) => unit.hub === own.hub);
      rows.sort((a, b) => ((a.aliases[0]?.code ?? '') < (b.aliases[0]?.code ?? '') ? -1 : 1));
      const file = format === 'xlsx' ? await writeXlsx(columns, rows, 'Đơn vị') : writeCsv(columns, rows);
      return { file: file.toString('base64'), units: rows.length, version: own.version };
    },
  );
}

export function addDirectoryRoutes(app: FastifyInstance, admin: Admin): void {
  const { clock, directory } = admin;
  app.post<{
    Params: { unit: string };
    Body: {
      kind?: string;
      desks?: UnitDesk[];
      groups?: string[];
      acceptedKinds?: number[];
      documentBytesMax?: number;
    };
  }>(
    '/admin/v1/units/:unit/describe',
    {
      schema: body([], {
        kind: { type: 'string', maxLength: 60 },
        desks: list(
          {
            type: 'object',
            additionalProperties: false,
            required: ['desk', 'name'],
            properties: {
              desk: { type: 'string', pattern: '^[\\p{L}\\p{N}._-]{1,60}$' },
              name: { type: 'string', maxLength: 100 },
            },
          },
          256,
        ),
        groups: list(text, 64),
        acceptedKinds: list({ type: 'integer', minimum: 1, maximum: 65_535 }, 32),
        documentBytesMax: whole,
      }),
    },
    async ({ params, body: given }) =>
      await admin.act('unitDescribe', {
        ...given,
        groups: given.groups?.map(assertGroupCode),
        unit: admin.unitOf(params.unit),
        nowMs: clock.nowMs(),
      }),
  );
  app.get<{ Querystring: { q?: string; limit?: string } }>(
    '/admin/v1/units/find',
    async ({ query: { q = '', limit = '20' } }) => {
      const current = directory.current();
      const found = searchDirectory(current, q, { limit: Math.min(Number(limit) || 20, 200) });
      return {
        units: found.map(({ unit, hub, name, state, kind, parent, aliases }) => ({
          ...{ unit, hub, name, state, kind, parent },
          code: current.codeOf(unit),
          codes: aliases.map(({ code }) => code),
        })),
      };
    },
  );
  addGroupRoutes(app, admin);
  addTableRoutes(app, admin);
}

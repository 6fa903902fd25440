// The admin API of the offices behind a border: shown, compared with the other system's list before anything is done, brought as a table. See
// routes.ts for who may call.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import { readSheet } from '../../protocol/node/spreadsheet.ts';
import type { Borders } from '../axis/borders.ts';
import type { Agency } from '../axis/connector.ts';
import { officeHeaders, officeRows, officesOfSheet, planOffices } from '../axis/offices.ts';
import type { AgenciesResult } from '../store/border-admin-ops.ts';
import type { Admin } from './acts.ts';

type Named = { Params: { name: string } };
const LISTED_MAX = 1000;

export function addBorderOfficeRoutes(app: FastifyInstance, admin: Admin, borders: Borders): void {
  const { store, directory, clock } = admin;
  const need = (name: string) => {
    const found = borders.list().find((record) => record.name === name);
    if (!found) throw new ExchangeError('border-unknown', name.slice(0, 64));
    return found;
  };
  const byCode = (code: string) => directory.current().byCode(code, clock.nowMs());
  const ownUnit = (codes: readonly string[]): string => {
    for (const code of codes) {
      const unit = code === '' ? undefined : byCode(code);
      if (unit && !unit.border) return unit.unit;
    }
    return '';
  };
  const plan = (name: string, list: { readonly rows: readonly Agency[]; readonly full: boolean }) => {
    const { added, changed, closed, conflicts, unchanged } = planOffices(
      list,
      officeRows(store.reader, name),
      {
        ownUnit,
        holderOf: (code) => byCode(code)?.unit,
      },
    );
    return {
      counts: {
        added: added.length,
        changed: changed.length,
        closed: closed.length,
        conflicts: conflicts.length,
        unchanged,
      },
      added: added
        .slice(0, LISTED_MAX)
        .map(({ code, oldCode, name: said }) => ({ code, oldCode, name: said })),
      changed: changed.slice(0, LISTED_MAX),
      closed: closed.slice(0, LISTED_MAX),
      conflicts: conflicts.slice(0, LISTED_MAX),
    };
  };

  app.get<Named>('/admin/v1/borders/:name/offices', async ({ params }) => {
    const { directoryMs, directoryVersion } = need(params.name);
    const state = (unit: string) => directory.current().unit(unit)?.state ?? 0;
    const offices = officeRows(store.reader, params.name).map((each) => ({
      ...each,
      state: state(each.unit),
    }));
    return { offices, directoryMs, directoryVersion };
  });

  app.post<Named>('/admin/v1/borders/:name/compare', async ({ params }) => {
    need(params.name);
    const connector = borders.running(params.name)?.connector;
    if (!connector) throw new ExchangeError('not-ready', `the border ${params.name} does not run`);
    if (!connector.agencies)
      throw new ExchangeError('axis-refused', 'the other system has no list of offices');
    return plan(params.name, await connector.agencies(0, AbortSignal.timeout(180_000)));
  });

  app.post<Named & { Body: { file: string; full?: boolean; dryRun?: boolean; skipRefused?: boolean } }>(
    '/admin/v1/borders/:name/offices',
    {
      schema: {
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['file'],
          properties: {
            file: { type: 'string' },
            full: { type: 'boolean' },
            dryRun: { type: 'boolean' },
            skipRefused: { type: 'boolean' },
          },
        },
      },
    },
    async ({ params, body: { file, full = false, dryRun = false, skipRefused = false } }) => {
      const { name } = need(params.name);
      const sheet = await readSheet(Buffer.from(file, 'base64'), officeHeaders.code);
      const { rows, refused } = officesOfSheet(sheet, officeRows(store.reader, name));
      const planned = { ...plan(name, { rows, full }), refused };
      const { added, changed, closed } = planned.counts;
      if (dryRun || added + changed + closed === 0 || (refused.length > 0 && !skipRefused))
        return { ...planned, done: false };
      const done = await admin.act('borderAgencies', {
        border: name,
        rows: rows.map((row) => ({ ...row, own: ownUnit([row.code, row.oldCode]) })),
        full,
        // The other system's own list goes on from where it was.
        version: 0,
        nowMs: clock.nowMs(),
      });
      return { ...planned, done: true, result: done satisfies AgenciesResult };
    },
  );
}

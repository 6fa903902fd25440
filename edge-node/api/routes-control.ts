// Routes of the control socket only: what the operator does on the machine itself.
// Must never be reachable over a network: who can open the socket is the operator.
// Beside the document's path.
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../protocol/node/clock.ts';
import { peopleControlRoutes } from '../accounts/control-routes.ts';
import type { EdgeCore } from '../core.ts';
import type { Tokens } from './access.ts';
import { noBody } from './schemas-requests.ts';

export type ControlRoutes = {
  readonly core: EdgeCore;
  readonly tokens: Tokens;
  readonly clock: Clock;
  /** Where the local API listens; undefined while no process runs. */
  readonly local: () => { readonly host: string; readonly port: number } | undefined;
  readonly consoleUrl: () => string | undefined;
};

const nameParams = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', maxLength: 64 } },
} as const;

export function controlRoutes(
  app: FastifyInstance,
  { core, tokens, clock, local, consoleUrl }: ControlRoutes,
): void {
  app.get('/control/node', async () => ({
    local: local() ?? null,
    console: consoleUrl() ?? null,
    pid: process.pid,
  }));
  app.get('/control/tokens', async () => ({ tokens: tokens.list() }));
  app.post<{ Params: { name: string } }>(
    '/control/tokens/:name',
    { schema: { params: nameParams, body: noBody } },
    async ({ params, actor }, reply) => {
      const token = await tokens.add(params.name, clock.nowMs());
      await core.noteAudit({ actor, act: 'token-add', about: params.name });
      return await reply.code(201).send({ name: params.name, token });
    },
  );
  app.delete<{ Params: { name: string } }>(
    '/control/tokens/:name',
    { schema: { params: nameParams } },
    async ({ params, actor }) => {
      await tokens.remove(params.name);
      await core.noteAudit({ actor, act: 'token-remove', about: params.name });
      return { name: params.name };
    },
  );
  peopleControlRoutes(app, core);
  app.post('/control/retry', { schema: { body: noBody } }, async () => {
    core.retryNow();
    return { ok: true };
  });
  app.post('/control/backup', { schema: { body: noBody } }, async ({ actor }) => {
    await core.noteBackup({ actor });
    return { ok: true };
  });
  app.post('/control/reindex', { schema: { body: noBody } }, async ({ actor }) => ({
    documents: await core.rebuildSearch({ actor }),
  }));
  app.post('/control/reload-identity', { schema: { body: noBody } }, async () => {
    await core.reloadIdentity();
    return { units: core.units() };
  });
  app.post<{ Params: { id: string } }>(
    '/control/alarms/:id/seen',
    { schema: { body: noBody } },
    async ({ params, actor }) => {
      await core.alarmSeen(Number(params.id), actor);
      return { ok: true };
    },
  );
}

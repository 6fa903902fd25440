// Keys of the REST API, for the office's software: names, a new one shown once, the end of one. The same tokens as the command line's. A key opens every
// document of the node, so one unit's administrator has them only where the node serves that unit alone; elsewhere they are made on the machine itself.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Tokens } from '../api/access.ts';
import type { Edge } from '../core.ts';
import type { KeyList } from './contract.ts';
import { callerOf } from './guard.ts';
import { body, text } from './schemas.ts';

type Name = { Body: { name: string } };

export function keyRoutes(
  app: FastifyInstance,
  { edge, tokens, nowMs }: { readonly edge: Edge; readonly tokens: Tokens; readonly nowMs: () => number },
): void {
  const config = { act: 'key.manage' } as const;
  const schema = { body: body({ name: text(64) }) };
  const alone = () => edge.units().length === 1;
  const assertAlone = () => {
    if (!alone()) throw new ExchangeError('right-missing', 'key.manage: the node serves several units');
  };
  app.get('/c/v1/keys', { config }, async (): Promise<KeyList> => ({ rows: tokens.list(), here: alone() }));
  app.post<Name>('/c/v1/keys', { config, schema }, async (request) => {
    assertAlone();
    const { name } = request.body;
    const key = await tokens.add(name, nowMs());
    await edge.noteAudit({ actor: callerOf(request).person.email, act: 'token-add', about: name });
    return { name, key };
  });
  app.post<Name>('/c/v1/keys/remove', { config, schema }, async (request) => {
    assertAlone();
    const { name } = request.body;
    await tokens.remove(name);
    await edge.noteAudit({ actor: callerOf(request).person.email, act: 'token-remove', about: name });
    return { ok: true };
  });
}

// First screen, directory, people, delegations, the state of the node, the audit: what is beside the documents. Everything for the caller's unit.
import type { FastifyInstance } from 'fastify';
import { catalogue, isErrorCode } from '../../protocol/errors.ts';
import type { Edge } from '../core.ts';
import { programVersion } from '../version.ts';
import type { StatusView } from './contract.ts';
import type { SelfTestName } from './contract-figures.ts';
import { callerOf } from './guard.ts';
import { recipientRoutes } from './routes-recipients.ts';
import { body, list, query, text, whole } from './schemas.ts';
import { sendFile } from './send-file.ts';

export function officeRoutes(app: FastifyInstance, edge: Edge): void {
  app.get('/c/v1/overview', { config: { act: 'anybody' } }, async (request) =>
    edge.desk.overview(callerOf(request)),
  );
  recipientRoutes(app, edge);
  nodeRoutes(app, edge);
  peopleRoutes(app, edge);
  delegationRoutes(app, edge);
}

function nodeRoutes(app: FastifyInstance, edge: Edge): void {
  const version = programVersion();
  app.get('/c/v1/status', { config: { act: 'node.read' } }, async (): Promise<StatusView> => {
    const status = await edge.status();
    const alarms = status.alarms.map((alarm) => {
      const row = isErrorCode(alarm.code) ? catalogue[alarm.code] : undefined;
      return { ...alarm, titleVi: row?.title.vi, remedyVi: row?.remedy.vi };
    });
    return { ...status, version, alarms };
  });
  app.post(
    '/c/v1/status/retry',
    { config: { act: 'node.operate' }, schema: { body: body({}) } },
    async () => {
      edge.retryNow();
      return { ok: true };
    },
  );
  app.post<{ Body: { id: number } }>(
    '/c/v1/alarms/seen',
    { config: { act: 'node.operate' }, schema: { body: body({ id: whole() }) } },
    async (request) => {
      await edge.alarmSeen(request.body.id, callerOf(request).person.email);
      return { ok: true };
    },
  );
  app.post<{ Params: { name: SelfTestName } }>(
    '/c/v1/tests/:name',
    {
      config: { act: 'node.operate' },
      schema: {
        params: {
          type: 'object',
          required: ['name'],
          properties: { name: { enum: ['line', 'clock', 'certificate', 'scanner'] } },
        },
        body: body({}),
      },
    },
    async (request) => await edge.selfTest(request.params.name),
  );
  app.get('/c/v1/support-bundle', { config: { act: 'node.operate' } }, async (request, reply) =>
    sendFile(reply, await edge.supportBundle(callerOf(request).person.email)),
  );
  app.get<{ Querystring: { after?: string } }>(
    '/c/v1/audit',
    { config: { act: 'audit.read' }, schema: { querystring: query({ after: text(20), limit: text(3) }) } },
    async ({ query: { after } }) => await edge.audit({ limit: 100, ...(after ? { after } : {}) }),
  );
}

type PersonBody = {
  email: string;
  name: string;
  position: string;
  desk: string;
  roles: string[];
  decision: string;
  decisionDate: string;
};
const personBody = body({
  email: text(300),
  name: text(200),
  position: text(200),
  desk: text(100),
  roles: list(text(20), 5),
  decision: text(100),
  decisionDate: text(10),
});
const emailBody = body({ email: text(300), decision: text(100), decisionDate: text(10) }, ['email']);

function peopleRoutes(app: FastifyInstance, edge: Edge): void {
  const { people } = edge;
  const config = { act: 'person.manage' } as const;
  app.get('/c/v1/people', { config: { act: 'person.read' } }, async (request) => ({
    people: people.list(callerOf(request).unit),
  }));
  app.post<{ Body: PersonBody }>(
    '/c/v1/people',
    { config, schema: { body: personBody } },
    async (request) => {
      const { unit, person } = callerOf(request);
      return await people.add({ ...request.body, unit, actor: person.email });
    },
  );
  app.post<{ Body: PersonBody }>(
    '/c/v1/people/change',
    { config, schema: { body: personBody } },
    async (request) => {
      const { unit, person } = callerOf(request);
      await people.change({ ...request.body, unit, actor: person.email });
      return { ok: true };
    },
  );
  for (const act of ['code', 'disable', 'enable', 'leave'] as const)
    app.post<{ Body: { email: string; decision?: string; decisionDate?: string } }>(
      `/c/v1/people/${act}`,
      { config, schema: { body: emailBody } },
      async (request) => {
        const { unit, person } = callerOf(request);
        if (act === 'code') return await people.code(unit, request.body.email, person.email);
        await people[act]({ ...request.body, unit, actor: person.email });
        return { ok: true };
      },
    );
  app.post<{
    Body: { name: string; contentBase64: string; decision: string; decisionDate: string; apply: boolean };
  }>(
    '/c/v1/people/list',
    {
      config,
      bodyLimit: 2 * 1024 * 1024,
      schema: {
        body: body({
          name: text(255),
          contentBase64: text(2 * 1024 * 1024),
          decision: text(100),
          decisionDate: text(10),
          apply: { type: 'boolean' },
        }),
      },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      const { contentBase64, name, decision, decisionDate, apply } = request.body;
      const bytes = Buffer.from(contentBase64, 'base64');
      if (!apply) return await people.judge(unit, bytes, name);
      return await people.apply({ unit, bytes, name, decision, decisionDate, actor: person.email });
    },
  );
}

type DelegationBody = { taker: string; roles: string[]; fromMs: number; untilMs: number; reason: string };

function delegationRoutes(app: FastifyInstance, edge: Edge): void {
  const { people } = edge;
  const config = { act: 'delegation.give' } as const;
  app.get('/c/v1/delegations', { config: { act: 'person.read' } }, async (request) => ({
    delegations: people.delegations(callerOf(request).unit),
  }));
  app.post<{ Body: DelegationBody }>(
    '/c/v1/delegations',
    {
      config,
      schema: {
        body: body({
          taker: text(300),
          roles: list(text(20), 5),
          fromMs: whole(),
          untilMs: whole(),
          reason: text(500),
        }),
      },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      await people.delegate({ ...request.body, unit, giver: person.email, actor: person.email });
      return { ok: true };
    },
  );
  app.post<{ Body: { id: number } }>(
    '/c/v1/delegations/end',
    { config, schema: { body: body({ id: whole() }) } },
    async (request) => {
      const { unit, person } = callerOf(request);
      await people.endDelegation(unit, request.body.id, person.email);
      return { ok: true };
    },
  );
}

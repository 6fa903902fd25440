// People over the control socket: what the operator of the machine may do without a session, above all the first clerk and his code.
// Must never be reachable over a network.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import type { UnitHere } from '../core.ts';
import type { AuditVerdict, People } from './verbs.ts';

const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
const personBody = {
  type: 'object',
  additionalProperties: false,
  required: ['email'],
  properties: {
    unit: text(64),
    email: text(254),
    name: text(200),
    position: text(200),
    desk: text(100),
    roles: { type: 'array', maxItems: 5, items: text(20) },
    decision: text(100),
    decisionDate: text(10),
    emergency: { type: 'boolean' },
  },
} as const;
type PersonBody = {
  unit?: string;
  email: string;
  name?: string;
  position?: string;
  desk?: string;
  roles?: string[];
  decision?: string;
  decisionDate?: string;
  emergency?: boolean;
};

export type PeopleControl = {
  readonly people: People;
  readonly units: () => readonly UnitHere[];
  readonly verifyAudit: () => AuditVerdict;
};

export function peopleControlRoutes(
  app: FastifyInstance,
  { people, units, verifyAudit }: PeopleControl,
): void {
  const unitOf = (named: string | undefined): string => {
    const all = units();
    const found =
      named === undefined
        ? all.length === 1 && all[0]
        : all.find((u) => u.unit === named || u.code === named);
    if (!found) throw new ExchangeError('unit-unknown', named ?? 'nêu đơn vị: --unit MÃ');
    return found.unit;
  };
  app.get<{ Querystring: { unit?: string } }>('/control/users', async ({ query }) => ({
    users: people.list(unitOf(query.unit)),
  }));
  app.post<{ Body: PersonBody }>(
    '/control/users',
    { schema: { body: personBody } },
    async ({ body, actor }, reply) => {
      const { name = '', roles = ['clerk'], ...rest } = body;
      const made = await people.add({ ...rest, name, roles, unit: unitOf(body.unit), actor });
      return await reply.code(201).send(made);
    },
  );
  for (const act of ['code', 'disable', 'enable', 'leave'] as const)
    app.post<{ Body: PersonBody }>(
      `/control/users/${act}`,
      { schema: { body: personBody } },
      async ({ body, actor }) => {
        const unit = unitOf(body.unit);
        if (act === 'code') return await people.code(unit, body.email, actor);
        await people[act]({ ...body, unit, actor });
        return { email: body.email };
      },
    );
  app.get('/control/audit/verify', async () => verifyAudit());
}

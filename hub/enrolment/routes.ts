// The enrolment listener: no client certificate, a few narrow routes, rates bounded by address and over all.
// Must never tell more than the catalogue about an invitation, nor have a route that reads or changes anything else.
// First contact of a new box, between its invitation and its first connection to the exchange. PROTOCOL.md 10.12.
import type { FastifyInstance } from 'fastify';
import { type EnrolRequest, enrolRequestSchema } from '../../certs/enrol.ts';
import { certificatePem } from '../../certs/pem.ts';
import { enrolPaths, protobufType } from '../../protocol/api.ts';
import { directoryAnswerCodec } from '../../protocol/codec.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { rateLimit } from '../../protocol/node/rate-limit.ts';
import { nameCallers } from '../admin/caller.ts';
import { type EnrolmentDeps, enrol } from './enrol.ts';

/** Two requests with certificate requests of 8 KiB and JSON around them fit twice. The listener's `bodyLimitBytes`. */
export const enrolBodyBytesMax = 32 * 1024;

/** An office behind one address enrols a dozen units in a morning; more is guessing or a loop. Hashes make guessing hopeless anyway. */
const PER_ADDRESS = { perSecond: 1, burst: 60 };
/** Issuing costs about 5 ms of two cores; the exchange must not feel a flood here. */
const OVER_ALL = { perSecond: 20, burst: 100 };

export function addEnrolmentRoutes(
  app: FastifyInstance,
  deps: EnrolmentDeps & {
    readonly clock: Clock;
    /** PEM of hub/revocation-list.ts. */
    readonly revocationLists: () => string;
    readonly handovers: () => readonly Uint8Array[];
  },
): void {
  const { clock } = deps;
  const byAddress = rateLimit({ ...PER_ADDRESS, clock });
  const overAll = rateLimit({ ...OVER_ALL, clock });

  // Before a body byte is read.
  app.addHook('onRequest', async (request) => {
    byAddress.take(request.ip);
    // Only what issues: a flood of the cheap routes may not shut boxes out.
    if (request.method === 'POST') overAll.take('all');
  });

  nameCallers(app, (request) => ({ who: 'invitation', from: `enrolment ${request.ip}` }));

  app.get(enrolPaths.root, async (_request, reply) =>
    reply.type('application/x-pem-file').send(certificatePem(deps.shown().rootDer)),
  );

  app.get(enrolPaths.crl, async (_request, reply) =>
    reply.type('application/x-pem-file').send(deps.revocationLists()),
  );

  app.get(enrolPaths.handovers, async (_request, reply) =>
    reply.type(protobufType).send(directoryAnswerCodec.encode({ rootHandovers: deps.handovers() })),
  );

  app.get(enrolPaths.time, async () => ({ nowMs: clock.nowMs() }));

  app.post<{ Body: EnrolRequest }>(
    enrolPaths.enrol,
    { schema: { body: enrolRequestSchema }, bodyLimit: enrolBodyBytesMax },
    async (request) => await enrol(request.body, deps),
  );
}

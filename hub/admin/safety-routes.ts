// What the hub holds, and the operators' word about it, as JSON on the control socket. Header facts and findings only: never what people wrote.
import type { FastifyInstance } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';
import { parseEnvelopeId, uuidFromBytes, uuidToBytes } from '../../protocol/ids.ts';
import { findingWords, type Weighed } from '../../protocol/safety/findings.ts';
import type { Admin } from './acts.ts';
import { actorNow } from './caller.ts';

type HeldRow = {
  envelope_id: Uint8Array;
  sender: string;
  state: string;
  findings: string;
  parts: string;
  secret: number;
  since_ms: number;
  waiting: string | null;
  first_by: string | null;
};

export function addSafetyRoutes(
  app: FastifyInstance,
  admin: Admin,
  wake: (peers: readonly string[]) => void,
): void {
  const { store, clock } = admin;
  app.get('/admin/v1/held', async () => ({
    held: store.reader
      .all<HeldRow>(
        `SELECT e.envelope_id, e.sender, c.state, c.findings, c.parts, c.secret, c.since_ms, c.waiting, c.first_by FROM checks c
         JOIN envelopes e ON e.seq = c.envelope_seq WHERE c.state IN ('pending','held') ORDER BY c.envelope_seq LIMIT 1000`,
      )
      .map(({ envelope_id, sender, findings, parts, secret, since_ms, first_by, ...row }) => ({
        ...row,
        envelopeId: uuidFromBytes(envelope_id),
        sender,
        senderCode: admin.codeOf(sender),
        secret: secret === 1,
        sinceMs: since_ms,
        firstBy: first_by,
        findings: (JSON.parse(findings) as Weighed[]).map((each) => ({
          ...each,
          words: findingWords[each.code],
        })),
        parts: JSON.parse(parts) as unknown[],
      })),
  }));

  for (const act of ['release', 'reject'] as const)
    app.post<{ Params: { id: string }; Body: { reason: string } }>(
      `/admin/v1/held/:id/${act}`,
      {
        schema: {
          body: {
            type: 'object',
            additionalProperties: false,
            required: ['reason'],
            properties: { reason: { type: 'string', minLength: 1, maxLength: 500 } },
          },
        },
      },
      async ({ params: { id }, body: { reason } }) => {
        const envelopeId = uuidToBytes(parseEnvelopeId(id));
        const found = store.reader.get<{ seq: number }>(
          'SELECT seq FROM envelopes WHERE envelope_id = ?',
          envelopeId,
        );
        if (!found) throw new ExchangeError('envelope-unknown', id);
        const { result, wake: peers } = await admin.act('checkJudge', {
          id,
          seq: found.seq,
          act,
          why: reason,
          person: actorNow().who,
          nowMs: clock.nowMs(),
        });
        wake(peers);
        return { id, result };
      },
    );
}

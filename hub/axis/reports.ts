// What became of what left: the other side's list of sent messages says which receiver's system took its copy. That is its word and nobody's
// signature; the sender is told so. Matched by the axis's own id and the receiver.
import type { BorderContext } from './context.ts';

/** A message of which nothing was heard for so long is not asked for any more; its own deadline tells the sender. */
const askedForMs = 45 * 86_400_000;

export type Reports = { look(signal: AbortSignal): Promise<void> };

export function createReports({
  border,
  clock,
  connector,
  places,
  nudge,
  log,
  record,
}: BorderContext): Reports {
  async function look(signal: AbortSignal): Promise<void> {
    if (!connector.sent) return;
    const open = border.sentOut(clock.nowMs() - askedForMs);
    for (const from of new Set(open.map(({ from_code }) => from_code))) {
      const facts = await connector.sent(from, 'edoc', signal);
      const ended = new Map(
        facts.filter(({ received }) => received !== 'open').map((fact) => [fact.foreignId, fact]),
      );
      for (const row of open.filter(({ from_code }) => from_code === from)) {
        const fact = ended.get(row.foreign_id);
        if (!fact || !sameOffice(fact.to, row.to_code)) continue;
        const nowMs = clock.nowMs();
        const { words } = fact;
        if (fact.received === 'done')
          nudge(await border.outReported({ id: row.id, words, rule: 'axis-id', nowMs }));
        else {
          log.warn({
            event: 'border.refused',
            border: record.name,
            code: 'axis-message-refused',
            said: words,
          });
          nudge(
            await border.outRefused({
              id: row.id,
              code: 'axis-message-refused',
              words: words || 'fail',
              nowMs,
            }),
          );
        }
      }
    }
  }

  const sameOffice = (a: string, b: string): boolean =>
    a.toUpperCase() === b.toUpperCase() ||
    (places.unitOf(a) !== undefined && places.unitOf(a) === places.unitOf(b));

  return { look };
}

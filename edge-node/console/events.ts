// The live line of the console: server-sent events that say that something changed, never what (but how far an upload is, which no row keeps). A
// browser asks again for what it shows.
// Must never hold a queue for a slow browser: what does not fit is dropped, the browser reconnects and looks anew.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Clock } from '../../protocol/node/clock.ts';
import { kinds } from '../../protocol/seal.ts';
import { mayDo } from '../accounts/rights.ts';
import type { Caller } from '../accounts/verbs.ts';
import type { Edge, EdgeEvent } from '../core.ts';
import type { LiveEvent } from './contract.ts';
import { callerOf, type GuardOptions, readCookie } from './guard.ts';

/** Below every proxy's idle limit that was met (60 s). */
const beatMs = 15_000;
const linesPerPersonMax = 20;
const backlogBytesMax = 64 * 1024;

type Line = { readonly caller: Caller; readonly reply: FastifyReply; readonly token: string };

export type Events = { close(): void };

export function eventRoutes(
  app: FastifyInstance,
  options: { readonly edge: Edge; readonly clock: Clock; readonly guard: GuardOptions },
): Events {
  const { edge, clock, guard } = options;
  const lines = new Set<Line>();
  const closing = new AbortController();

  const send = ({ reply }: Line, text: string) => {
    // Ended, and its browser too slow to have taken leave: nothing more goes to it.
    if (reply.raw.writableEnded) return;
    if (reply.raw.writableLength > backlogBytesMax) reply.raw.destroy();
    else reply.raw.write(text);
  };
  const tell = (event: LiveEvent, to: (caller: Caller) => boolean) => {
    for (const line of lines) if (to(line.caller)) send(line, `data: ${JSON.stringify(event)}\n\n`);
  };

  async function pass(event: EdgeEvent): Promise<void> {
    // Nobody has the console open: a document is not read for it.
    if (lines.size === 0) return;
    const reads = (caller: Caller) => mayDo(caller.roles, 'document.read');
    if (event.kind === 'arrived') {
      const { urgency, kind } = await edge.show(event.envelopeId, { direction: 'in' });
      // Statuses, updates and recalls are news about a document that is known, not a new one.
      if (kind === kinds.status || kind === kinds.recall || kind === kinds.update) {
        tell({ kind: 'statement', id: event.envelopeId }, (c) => reads(c) && event.units.includes(c.unit));
        return;
      }
      tell(
        { kind: 'arrived', id: event.envelopeId, urgency },
        (c) => reads(c) && event.units.includes(c.unit),
      );
    } else if (event.kind === 'document' || event.kind === 'progress') {
      const { kind: what, documentId: id, unit } = event;
      const told: LiveEvent =
        what === 'document' ? { kind: what, id } : { kind: what, id, uploaded: event.uploaded };
      tell(told, (c) => reads(c) && c.unit === unit);
    } else if (event.kind === 'statement') tell({ kind: 'statement', id: event.envelopeId }, reads);
    else if (event.kind === 'draft') tell({ kind: 'draft', id: event.draft }, reads);
    else if (event.kind === 'nudge')
      tell({ kind: 'nudge' }, (c) => c.unit === event.unit && c.person.email === event.email);
    else if (event.kind === 'link') tell({ kind: 'link', state: event.state }, () => true);
    else tell({ kind: 'other' }, () => true);
  }
  const stopListening = edge.onEvent((event) => {
    // Told for comfort only: a look that fails is made up for by the next one.
    void pass(event).catch(() => {});
  });

  /** A session that was ended elsewhere ends its line within a beat. */
  async function beat(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleep(beatMs, closing.signal);
      for (const line of lines) {
        send(line, ': \n\n');
        await edge.signIn.caller(line.token).catch(() => {
          send(line, 'event: ended\ndata: {}\n\n');
          line.reply.raw.end();
        });
      }
    }
  }
  void beat();

  app.get('/c/v1/events', { config: { act: 'anybody' } }, async (request, reply) => {
    const line: Line = { caller: callerOf(request), reply, token: readCookie(request, guard.cookie) ?? '' };
    const mine = [...lines].filter(({ caller }) => caller.person.id === line.caller.person.id);
    if (mine.length >= linesPerPersonMax) mine[0]!.reply.raw.end();
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    reply.raw.write('retry: 3000\n\n');
    lines.add(line);
    reply.raw.once('close', () => lines.delete(line));
  });

  return {
    close() {
      closing.abort();
      stopListening();
      for (const { reply } of lines) reply.raw.end();
    },
  };
}

// Finding whom to send to: the directory as one types, what a pasted "nơi nhận" names, groups of the hub and of the unit. The same matcher as the
// API's: what fits several is for a person to choose, what fits none is for paper; nothing is guessed.
import type { FastifyInstance } from 'fastify';
import { catalogue, isErrorCode } from '../../protocol/errors.ts';
import type { MatchedPlace } from '../../protocol/recipients.ts';
import { fold } from '../../protocol/text/fold.ts';
import type { Edge } from '../core.ts';
import type { DirectoryLevel, DraftRecipient, GroupRow, Matched } from './contract.ts';
import { callerOf } from './guard.ts';
import { body, list, query, text } from './schemas.ts';

const recipientsMax = 1_024;

export function recipientRoutes(app: FastifyInstance, edge: Edge): void {
  app.get<{ Querystring: { text?: string; limit?: string; under?: string } }>(
    '/c/v1/directory',
    {
      config: { act: 'directory.read' },
      schema: { querystring: query({ text: text(300), limit: text(3), under: text(64) }) },
    },
    async (request): Promise<DirectoryLevel> => {
      const { text: words = '', under, limit: asked } = request.query;
      const limit = Math.min(200, Number(asked) || 20);
      if (words.trim() !== '') return edge.desk.directoryLevel({ text: words.trim(), limit });
      // Before anything is typed or opened: the neighbours.
      const level = edge.desk.directoryLevel({ under: under ?? edge.desk.aboveOf(callerOf(request).unit) });
      return asked === undefined ? level : { ...level, entries: level.entries.slice(0, limit) };
    },
  );
  app.post<{ Body: { text: string } }>(
    '/c/v1/directory/match',
    { config: { act: 'directory.read' }, schema: { body: body({ text: text(60_000) }) } },
    async (request): Promise<Matched> => {
      const { unit } = callerOf(request);
      return matchedOf(edge.recipients.match(request.body.text, { unit }).places);
    },
  );
  groupRoutes(app, edge);
}

function matchedOf(places: readonly MatchedPlace[]): Matched {
  const found = new Map<string, DraftRecipient>();
  const several: Matched['several'][number][] = [];
  const missed: string[] = [];
  for (const place of places) {
    if (place.found === 'units')
      for (const { code, desk, name, paper } of place.units) {
        if (paper === '' || paper === 'unit-split')
          found.set(`${desk}@${code}`, { code: desk ? `${desk}@${code}` : code, name });
        else
          missed.push(
            `${name} (${isErrorCode(paper) ? catalogue[paper].title.vi.toLocaleLowerCase('vi') : paper})`,
          );
      }
    else if (place.found === 'several' || (place.found === 'nothing' && place.candidates.length > 0))
      several.push({ text: place.text, candidates: place.candidates });
    else if (place.found === 'desk-unknown')
      missed.push(`${place.text} (${place.desks.slice(0, 10).join(', ')})`);
    else if (place.found === 'nothing') missed.push(place.text);
  }
  return { found: [...found.values()].slice(0, recipientsMax), several, missed };
}

function groupRoutes(app: FastifyInstance, edge: Edge): void {
  app.get('/c/v1/groups', { config: { act: 'directory.read' } }, async (request) => {
    const { unit } = callerOf(request);
    const rows: GroupRow[] = edge.recipients
      .groups({ unit })
      .map(({ code, name, members, kept }) => ({ code, name, units: members.length, own: kept === 'unit' }));
    return { rows };
  });
  app.post<{ Body: { name: string; members: string[] } }>(
    '/c/v1/groups',
    {
      config: { act: 'document.draft' },
      schema: { body: body({ name: text(200), members: list(text(300), recipientsMax) }) },
    },
    async (request) => {
      const { unit, person } = callerOf(request);
      const { name, members } = request.body;
      const code = fold(name)
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 60);
      return await edge.recipients.setGroup({ code, name, members }, { unit, actor: person.email });
    },
  );
  app.post<{ Body: { code: string } }>(
    '/c/v1/groups/remove',
    { config: { act: 'document.draft' }, schema: { body: body({ code: text(100) }) } },
    async (request) => {
      const { unit, person } = callerOf(request);
      await edge.recipients.removeGroup(request.body.code, { unit, actor: person.email });
      return { ok: true };
    },
  );
}

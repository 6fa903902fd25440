// Writes docs/EVENTS.md from the table in protocol/node/logger.ts: `node docs/generate-events.ts`. A test fails when the file is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { logEvents } from '../protocol/node/logger.ts';

const head = `# Events of the operational log

JSON lines, one event each. error: an operator must act; warn: degraded and healing; info: something changed state. Generated from
\`protocol/node/logger.ts\` by \`node docs/generate-events.ts\`.

| event | meaning |
|---|---|
`;

/** The whole document. */
export function eventsDocument(): string {
  return `${head}${Object.entries(logEvents)
    .map(([event, meaning]) => `| \`${event}\` | ${meaning} |`)
    .join('\n')}\n`;
}

export const eventsFile = new URL('./EVENTS.md', import.meta.url);
/** True when docs/EVENTS.md is what the table says. */
export const eventsFresh = (): boolean => readFileSync(eventsFile, 'utf8') === eventsDocument();

if (import.meta.main) writeFileSync(eventsFile, eventsDocument());

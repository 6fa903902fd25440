// The timeline of one recipient, from signed statements: what, when, by whom, the code of a failure.
import type { TimelineEvent } from '../../../core.ts';
import { timeText } from '../format.ts';
import { words } from '../words.ts';

export function Story({ events }: { readonly events: readonly TimelineEvent[] }) {
  return (
    <ol class="story">
      {events.map((event) => (
        <li key={`${event.atMs} ${event.event}`} class={event.code ? 'bad' : ''}>
          <time class="number" dateTime={new Date(event.atMs).toISOString()}>
            {timeText(event.atMs)}
          </time>
          {event.words.vi}
          {event.byName && <span class="muted"> – {event.byName}</span>}
          {event.code && <span class="muted"> {words.problem.code(event.code)}</span>}
        </li>
      ))}
    </ol>
  );
}

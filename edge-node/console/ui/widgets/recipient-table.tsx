// What became of a document at each recipient: state in words, when, and why; the story on demand.
import type { DocumentView } from '../../../core.ts';
import { percentOf, type Standing, standingsOf } from '../../../recipients/newest.ts';
import { clockText, timeText } from '../format.ts';
import { registeredOf } from '../screens/arrival.tsx';
import { toneOf } from '../screens/outbox.tsx';
import { words } from '../words.ts';
import { ColumnHeads, Tag, type Tone } from './basics.tsx';
import { actOf, RecipientActs, type RowActs, takenBack } from './recipient-acts.tsx';
import { Story } from './story.tsx';

/** Transport until it is there, then what the receiving office says. */
export function stateText(to: Standing): string {
  if (takenBack(to)) return words.standing[to.change?.state === 'asked' ? 'recall-asked' : 'recalled']!;
  if (to.status && to.status.code !== '01') return words.standing[to.status.code] ?? to.status.words.vi;
  const { uploaded } = to.sending;
  if (to.state === 'queued' && uploaded) return words.document.sending(percentOf(uploaded));
  return words.sendState[to.state] ?? to.state;
}

const toneOfStanding = (to: Standing): Tone =>
  takenBack(to)
    ? to.change?.state === 'asked'
      ? 'warn'
      : ''
    : to.status?.code === '02'
      ? 'bad'
      : toneOf(to.state);

/** Why what waits at this machine has not left. */
function waitsFor(to: Standing, { safety }: DocumentView): string {
  if (to.state !== 'queued') return '';
  if (safety?.state === 'pending') return words.document.checking;
  if (safety?.state === 'held') return words.document.heldBack;
  const { nextMs, attempts, lastErrorWords, uploaded } = to.sending;
  if (nextMs === undefined || uploaded) return '';
  const waits = words.document.waitsUntil(clockText(nextMs), attempts + 1);
  return lastErrorWords ? `${waits}: ${lastErrorWords.vi.toLocaleLowerCase('vi')}` : waits;
}

/** `acts`: what may be done for each of several; of one alone, the acts of the document are its own, but for reminding it. */
export function RecipientTable({
  view,
  acts,
}: {
  readonly view: DocumentView;
  readonly acts?: RowActs | undefined;
}) {
  const recipients = standingsOf(view.envelopes);
  const own = (to: Standing) => actOf(to) !== undefined && (recipients.length > 1 || actOf(to) === 'remind');
  const rowActs = recipients.some(own) ? acts : undefined;
  return (
    <div class="table-wrap">
      <table>
        <ColumnHeads
          names={[
            words.document.recipients,
            words.list.state,
            words.document.time,
            words.document.timeline,
            ...(rowActs ? [words.document.acts] : []),
          ]}
        />
        <tbody>
          {recipients.map((to) => {
            const last = to.timeline.at(-1);
            return (
              <tr key={`${to.desk}@${to.unit}`}>
                <td>
                  {to.name || to.code}
                  <div class="muted">{to.desk ? `${to.desk}@${to.code}` : to.code}</div>
                </td>
                <td>
                  <Tag tone={toneOfStanding(to)}>{stateText(to)}</Tag>
                  {registeredOf(to) && <div class="muted">{words.work.registered(registeredOf(to))}</div>}
                  {waitsFor(to, view) && <div class="muted">{waitsFor(to, view)}</div>}
                  {to.status?.person && <div class="muted">{to.status.person}</div>}
                  {to.status?.reasonWords && (
                    <div>{[to.status.reasonWords.vi, to.status.text].filter(Boolean).join('. ')}</div>
                  )}
                  {to.remindedMs && (
                    <div class="muted">{words.document.remindedAt(timeText(to.remindedMs))}</div>
                  )}
                  {to.settledMs && (
                    <div class="muted">{words.document.settledAt(timeText(to.settledMs))}</div>
                  )}
                  {to.change && <div class="muted">{to.change.words.vi}</div>}
                </td>
                <td class="tight number">{last ? timeText(last.atMs) : ''}</td>
                <td>
                  <details>
                    <summary>{last?.words.vi ?? ''}</summary>
                    <Story events={to.timeline} />
                  </details>
                </td>
                {rowActs && <td class="tight">{own(to) && <RecipientActs to={to} {...rowActs} />}</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

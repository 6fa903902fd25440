// S9 Thống kê: a month of the unit in figures, who looked in four times a day, to print or take away. Every figure comes from the server.
import type { Flow, MonthFigures, Presence } from '../../contract-figures.ts';
import { countText, todayIso } from '../format.ts';
import { useLoad } from '../load.ts';
import { go } from '../router.ts';
import { ColumnHeads, Empty, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { words } from '../words.ts';
import { figureWords as w } from '../words-figures.ts';

const percent = (part: number, all: number): string =>
  all === 0 ? '–' : `${((part * 100) / all).toFixed(1).replace('.', ',')} %`;

/** yyyy-MM, so many months on. */
function monthAfter(month: string, n: number): string {
  const [year = 2026, of = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, of - 1 + n, 1)).toISOString().slice(0, 7);
}
const monthText = (month: string): string => month.split('-').reverse().join('/');

export function Figures({ month }: { readonly month: string }) {
  const now = todayIso().slice(0, 7);
  const shown = /^20\d{2}-(0[1-9]|1[0-2])$/.test(month) ? month : now;
  const { value, problem, again } = useLoad<MonthFigures>(`/figures?month=${shown}`);
  const to = (n: number) => go(`/thong-ke?thang=${monthAfter(shown, n)}`, { replace: true });
  const current = value?.month === shown ? value : undefined;
  return (
    <>
      <Title>{w.title}</Title>
      <div class="filters">
        <div class="acts">
          <button type="button" onClick={() => to(-1)} aria-label={w.before}>
            ←
          </button>
          <strong class="number amount" aria-live="polite">
            {w.month} {monthText(shown)}
          </strong>
          <button type="button" onClick={() => to(1)} aria-label={w.after} disabled={shown >= now}>
            →
          </button>
        </div>
        <span class="grow" />
        <div class="acts">
          {(
            [
              ['pdf', w.print],
              ['xlsx', w.excel],
              ['csv', w.csv],
            ] as const
          ).map(([format, label]) => (
            <a key={format} class="button" href={`/c/v1/figures/files/${format}?month=${shown}`} download>
              {label}
            </a>
          ))}
        </div>
      </div>
      <ProblemNotice problem={problem} again={again} />
      {!current && !problem && <Loading />}
      {current && <Month figures={current} />}
    </>
  );
}

function Month({ figures: { sent, received, presence } }: { readonly figures: MonthFigures }) {
  const nothing = sent.electronic + sent.paper + received.electronic + received.paper === 0;
  return (
    <>
      {nothing && <Empty title={w.none} how={w.noneHow} />}
      <div class="pair">
        <Direction
          title={w.received}
          flow={received}
          late={w.lateReceived}
          rows={[
            [w.accepted, received.accepted],
            [w.returnedIn, received.returned],
            [w.waiting, received.waiting],
          ]}
        />
        <Direction
          title={w.sent}
          flow={sent}
          late={w.lateSent}
          rows={[
            [w.recipients, sent.recipients],
            [w.delivered, sent.delivered],
            [w.returned, sent.returned],
            [w.failed, sent.failed],
          ]}
        />
      </div>
      <p class="muted">{w.how}</p>
      <Looks presence={presence} />
    </>
  );
}

type DirectionProps = {
  readonly title: string;
  readonly flow: Flow;
  readonly late: string;
  readonly rows: readonly (readonly [string, number])[];
};

function Direction({ title, flow, late, rows }: DirectionProps) {
  const all = flow.electronic + flow.paper;
  const facts: readonly (readonly [string, string])[] = [
    [w.total, countText(all)],
    [w.electronic, countText(flow.electronic)],
    [w.paper, countText(flow.paper)],
    [w.share, percent(flow.electronic, all)],
    [w.paperFollows, countText(flow.paperFollows)],
    ...rows.map(([name, n]) => [name, countText(n)] as const),
  ];
  return (
    <section class="card">
      <h2>{title}</h2>
      <dl class="facts figures">
        {facts.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd class="number amount">{value}</dd>
          </>
        ))}
        <dt>{late}</dt>
        <dd class="number amount">
          {flow.late > 0 ? (
            <Tag tone="bad">
              {countText(flow.late)} ({percent(flow.late, flow.electronic)})
            </Tag>
          ) : (
            '0'
          )}
        </dd>
      </dl>
      <Split
        title={w.byUrgency}
        rows={flow.byUrgency.map((n, i) => [words.urgency[i] ?? `${i}`, n] as const)}
        all={flow.electronic}
      />
      <Split
        title={w.byKind}
        rows={flow.byKind.map(({ kind, count }) => [kind || w.noKind, count] as const)}
        all={all}
      />
      {flow.byUnit.length > 0 && (
        <>
          <h3>{w.byUnit}</h3>
          <div class="table-wrap short">
            <table>
              <ColumnHeads names={[w.unit, { amount: w.count }, { amount: w.late }]} />
              <tbody>
                {flow.byUnit.map((each) => (
                  <tr key={each.unit}>
                    <td>{each.name || each.code || each.unit}</td>
                    <td class="number amount">{countText(each.count)}</td>
                    <td class="number amount">
                      {each.late > 0 ? <Tag tone="bad">{countText(each.late)}</Tag> : '0'}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}

/** Words, number and a bar that only repeats the number. */
function Split({
  title,
  rows,
  all,
}: {
  readonly title: string;
  readonly rows: readonly (readonly [string, number])[];
  readonly all: number;
}) {
  const some = rows.filter(([, n]) => n > 0);
  if (some.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="bars">
        {some.map(([name, n]) => (
          <li key={name}>
            <span>{name}</span>
            <meter min={0} max={all} value={n} aria-hidden="true" />
            <span class="number amount">{countText(n)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Looks({ presence }: { readonly presence: Presence }) {
  return (
    <section class="card">
      <h2>{w.presence}</h2>
      <p class="muted">{w.presenceHow(presence.workingDays)}</p>
      <div class="table-wrap">
        <table>
          <ColumnHeads names={[w.person, { amount: w.looked }, { amount: w.rate }, w.today]} />
          <tbody>
            {presence.people.map((person) => (
              <tr key={person.email}>
                <td>
                  {person.name}
                  <div class="muted">{[person.position, person.email].filter(Boolean).join(' · ')}</div>
                </td>
                <td class="number amount">
                  {person.done}/{person.expected}
                </td>
                <td class="number amount">{percent(person.done, person.expected)}</td>
                <td>
                  <ul class="slots">
                    {person.today.map(({ window, state }) => (
                      <li key={window}>
                        <Tag tone={state === 'done' ? 'good' : state === 'missed' ? 'warn' : ''}>
                          {window}: {words.overview.slot[state]}
                        </Tag>
                      </li>
                    ))}
                  </ul>
                </td>
              </tr>
            ))}
            <tr>
              <th scope="row">{w.everybody}</th>
              <td class="number amount">
                {presence.done}/{presence.expected}
              </td>
              <td class="number amount">{percent(presence.done, presence.expected)}</td>
              <td />
            </tr>
          </tbody>
        </table>
      </div>
    </section>
  );
}

// S1 Tổng quan: a card only for what needs a person today; every count links to its list.

import type { Overview as Counts } from '../../contract.ts';
import { nowMs } from '../clock.ts';
import { agoText } from '../format.ts';
import { useMay } from '../me.ts';
import { Empty, Link, Loading, Tag, Title } from '../widgets/basics.tsx';
import { Reminders } from '../widgets/reminders.tsx';
import { words } from '../words.ts';
import { practiceWords } from '../words-practice.ts';

const w = words.overview;

export function Overview({ overview }: { readonly overview: Counts | undefined }) {
  const may = useMay();
  if (!overview) return <Loading />;
  const reads = may('document.read');
  const cards = [
    reads &&
      overview.waiting > 0 && {
        to: '/den?trang-thai=waiting',
        n: overview.waiting,
        title: w.waiting,
        tone: overview.unreadUrgent > 0 ? 'bad' : '',
        how: [
          w.waitingHow,
          overview.unreadUrgent > 0 ? w.urgent(overview.unreadUrgent) : '',
          overview.oldestWaitingMs ? w.oldest(agoText(overview.oldestWaitingMs, nowMs())) : '',
        ]
          .filter(Boolean)
          .join(' '),
      },
    reads &&
      overview.requests > 0 && {
        to: '/den?trang-thai=asked',
        n: overview.requests,
        title: w.requests,
        tone: 'bad',
        how: w.requestsHow,
      },
    reads &&
      overview.reminded > 0 && {
        to: '/den?trang-thai=reminded',
        n: overview.reminded,
        title: w.reminded,
        tone: 'warn',
        how: w.remindedHow,
      },
    may('document.progress') &&
      overview.tasks > 0 && { to: '/theo-doi', n: overview.tasks, title: w.tasks, tone: '', how: w.tasksHow },
    may('statistics.read') &&
      overview.late > 0 && {
        to: '/theo-doi?han=qua',
        n: overview.late,
        title: w.late,
        tone: 'bad',
        how: w.lateHow,
      },
    may('statistics.read') &&
      overview.near > 0 && {
        to: '/theo-doi?han=gan',
        n: overview.near,
        title: w.near,
        tone: 'warn',
        how: w.nearHow,
      },
    may('document.judge') &&
      overview.held > 0 && { to: '/giu-lai', n: overview.held, title: w.held, tone: 'bad', how: w.heldHow },
    reads &&
      overview.failed > 0 && {
        to: '/di?trang-thai=failed',
        n: overview.failed,
        title: w.failed,
        tone: 'bad',
        how: w.failedHow,
      },
    reads &&
      overview.returned > 0 && {
        to: '/di?trang-thai=returned',
        n: overview.returned,
        title: w.returned,
        tone: 'bad',
        how: w.returnedHow,
      },
    reads &&
      overview.unsent > 0 && {
        to: '/di?trang-thai=queued',
        n: overview.unsent,
        title: w.unsent,
        tone: 'warn',
        how: w.unsentHow,
      },
    reads &&
      overview.unanswered > 0 && {
        to: '/di?trang-thai=unanswered',
        n: overview.unanswered,
        title: w.unanswered,
        tone: 'warn',
        how: w.unansweredHow,
      },
    may('document.draft') &&
      overview.drafts > 0 && {
        to: '/du-thao',
        n: overview.drafts,
        title: w.drafts,
        tone: '',
        how: w.draftsHow,
      },
    may('node.operate') &&
      overview.alarms > 0 && {
        to: '/he-thong/canh-bao',
        n: overview.alarms,
        title: w.alarms,
        tone: 'warn',
        how: w.alarmsHow,
      },
  ].filter((card) => card !== false);
  return (
    <>
      <Title>{w.title}</Title>
      <Reminders overview={overview} />
      {cards.length === 0 ? (
        <Empty title={w.empty} how={w.emptyHow}>
          {reads && <Link to="/thuc-hanh">{practiceWords.link}</Link>}
        </Empty>
      ) : (
        <div class="cards">
          {cards.map((card) => (
            <Link key={card.to} to={card.to} class={card.tone}>
              <span class="big number">{card.n}</span>
              <strong>{card.title}</strong>
              <div class="muted">{card.how}</div>
            </Link>
          ))}
        </div>
      )}
      <div class="today">
        {reads && (
          <section class="card">
            <h2>{w.today}</h2>
            <p class="number">
              {w.arrivedToday(overview.today.arrived)} · {w.sentToday(overview.today.sent)}
            </p>
          </section>
        )}
        <section class="card">
          <h2>{w.presence}</h2>
          <ul class="slots">
            {overview.slots.map(({ window, state }) => (
              <li key={window}>
                <Tag tone={state === 'done' ? 'good' : state === 'missed' ? 'warn' : ''}>
                  {window}: {w.slot[state]}
                </Tag>
              </li>
            ))}
          </ul>
          {overview.slots.every(({ state }) => state === 'free') && <p class="muted">{w.free}</p>}
        </section>
      </div>
    </>
  );
}

// S10 Hệ thống: the line, certificates, alarms, people, audit; a tab for each that the role may see.

import type { StatusView } from '../../contract.ts';
import { post } from '../api.ts';
import { nowMs } from '../clock.ts';
import { agoText, bytesText, countText, timeText } from '../format.ts';
import { useLive } from '../live.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { RowAct } from '../widgets/acts.tsx';
import { ColumnHeads, Empty, Link, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { SelfTests } from '../widgets/self-tests.tsx';
import { say } from '../widgets/toasts.tsx';
import { words } from '../words.ts';
import { testWords } from '../words-figures.ts';
import { ApiKeys } from './api-keys.tsx';
import { Audit } from './audit.tsx';
import { People } from './people.tsx';

const w = words.system;

export function System({ tab }: { readonly tab: string; readonly sub: string | undefined }) {
  const may = useMay();
  const tabs: readonly (readonly [string, string])[] = [
    ['', w.connection],
    ['canh-bao', w.alarms],
    ...(may('node.operate') ? [['kiem-tra', testWords.tab] as const] : []),
    ['nguoi-dung', w.people],
    ...(may('key.manage') ? [['khoa-api', words.apiKeys.title] as const] : []),
    ...(may('audit.read') ? [['nhat-ky', w.audit] as const] : []),
  ];
  return (
    <>
      <Title>{w.title}</Title>
      <nav class="tabs" aria-label={w.title}>
        {tabs.map(([path, label]) => (
          <Link
            key={path}
            to={path ? `/he-thong/${path}` : '/he-thong'}
            {...(tab === path ? { 'aria-current': 'page' } : {})}
          >
            {label}
          </Link>
        ))}
      </nav>
      {tab === '' && <Connection />}
      {tab === 'canh-bao' && <Alarms />}
      {tab === 'kiem-tra' && may('node.operate') && <SelfTests />}
      {tab === 'nguoi-dung' && <People />}
      {tab === 'khoa-api' && may('key.manage') && <ApiKeys />}
      {tab === 'nhat-ky' && may('audit.read') && <Audit />}
    </>
  );
}

function Backup({ standing, last, warnDays }: StatusView['backup']) {
  if (!last)
    return (
      <>
        <Tag tone="warn">{w.backupNone}</Tag>
        <div class="muted">{w.backupNoneHow}</div>
      </>
    );
  return (
    <>
      {agoText(last.madeMs, nowMs())} ({timeText(last.madeMs)}), {bytesText(last.bytes)}{' '}
      {standing === 'old' && <Tag tone="warn">{w.backupOld(warnDays)}</Tag>}
      {standing === 'incomplete' && <Tag tone="bad">{w.backupIncomplete(last.missing)}</Tag>}
      <div class="muted">{last.path}</div>
    </>
  );
}

function Connection() {
  const { value: status, problem, again } = useLoad<StatusView>('/status');
  const act = useAct();
  const may = useMay();
  useLive(
    (event) => {
      if (event.kind === 'link' || event.kind === 'other') again();
    },
    [again],
  );
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!status) return <Loading />;
  const { hub, disk, clock } = status;
  const good = hub.state === 'connected';
  const offset = clock.offsetMs;
  return (
    <>
      <ProblemNotice problem={act.problem} />
      <section class="card">
        <h2>{w.connection}</h2>
        <div class={`notice ${good ? 'good' : 'bad'}`}>
          <p>
            {hub.words.vi}
            {hub.code && <span class="muted"> {words.problem.code(hub.code)}</span>}
          </p>
        </div>
        <dl class="facts">
          <dt>{w.last}</dt>
          <dd>
            {hub.lastContactMs
              ? `${agoText(hub.lastContactMs, nowMs())} (${timeText(hub.lastContactMs)})`
              : words.people.never}
          </dd>
          <dt>{w.waiting}</dt>
          <dd>{countText(status.outbox.waiting)}</dd>
          <dt>{w.receipts}</dt>
          <dd>{countText(status.receipts.waiting)}</dd>
          <dt>{w.aside}</dt>
          <dd>{countText(status.inbox.aside)}</dd>
          <dt>{w.disk}</dt>
          <dd>
            {disk.nearlyFull ? <Tag tone="bad">{w.diskFull}</Tag> : w.diskFree(bytesText(disk.freeBytes))}
          </dd>
          <dt>{w.clock}</dt>
          <dd>
            {offset === undefined
              ? w.clockUnknown
              : w.clockOff((Math.abs(offset) / 1000).toFixed(1).replace('.', ','))}
          </dd>
          <dt>{w.directory}</dt>
          <dd>{w.directoryUnits(countText(status.directory.units))}</dd>
          <dt>{w.version}</dt>
          <dd>{status.version}</dd>
          <dt>{w.backup}</dt>
          <dd>
            <Backup {...status.backup} />
          </dd>
          <dt>{w.atRest}</dt>
          <dd>
            {status.atRest.words.vi}
            {status.atRest.mode !== 'off' && !status.atRest.recoveryConfirmed && (
              <Tag tone="warn">{w.recoveryUnconfirmed}</Tag>
            )}
          </dd>
        </dl>
        {may('node.operate') && !good && (
          <p style={{ marginTop: '12px' }}>
            <button
              type="button"
              class="main"
              data-main
              disabled={act.busy}
              onClick={() =>
                act.run(async () => {
                  await post('/status/retry');
                  say(w.retried);
                  setTimeout(again, 1_500);
                })
              }
            >
              {w.retry}
            </button>
          </p>
        )}
      </section>
      <section class="card">
        <h2>{w.certificates}</h2>
        <div class="table-wrap">
          <table>
            <ColumnHeads names={[w.file, w.left, words.list.state]} />
            <tbody>
              {status.certificates.map((each) => (
                <tr key={each.file}>
                  <td>{each.file.includes('seal') ? w.sealOf : w.node}</td>
                  <td class="number">{w.days(each.daysLeft)}</td>
                  <td>
                    {each.daysLeft < 0 || each.renewalDue ? (
                      <Tag tone={each.daysLeft < 0 ? 'bad' : 'warn'}>{w.renew}</Tag>
                    ) : (
                      <Tag tone="good">{w.fine}</Tag>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </>
  );
}

function Alarms() {
  const { value: status, problem, again } = useLoad<StatusView>('/status');
  const act = useAct();
  const may = useMay();
  if (problem) return <ProblemNotice problem={problem} again={again} />;
  if (!status) return <Loading />;
  if (status.alarms.length === 0) return <Empty title={w.noAlarms} how={w.noAlarmsHow} />;
  return (
    <>
      <ProblemNotice problem={act.problem} />
      <div class="table-wrap">
        <table>
          <ColumnHeads names={[words.audit.time, words.audit.act, words.audit.about, { hidden: w.seen }]} />
          <tbody>
            {status.alarms.map((alarm) => (
              <tr key={alarm.id}>
                <td class="tight number">{timeText(alarm.atMs)}</td>
                <td>
                  {alarm.titleVi ?? alarm.code} <span class="muted">{words.problem.code(alarm.code)}</span>
                  <div class="muted">{alarm.remedyVi}</div>
                </td>
                <td>
                  {alarm.about} {alarm.said}
                  {alarm.count > 1 && <Tag>{w.times(alarm.count)}</Tag>}
                </td>
                <td class="tight">
                  {may('node.operate') && (
                    <RowAct
                      label={w.seen}
                      act={act}
                      onAct={async () => {
                        await post('/alarms/seen', { id: alarm.id });
                        again();
                      }}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

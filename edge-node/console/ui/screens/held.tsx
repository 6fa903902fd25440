// Văn bản bị giữ lại: what a check held, with what was found; a second person lets it go or keeps it out, with a reason.
import { useState } from 'preact/hooks';
import type { HeldRow } from '../../../core.ts';
import { post } from '../api.ts';
import { timeText } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { Empty, Field, Loading, ProblemNotice, Tag, Title } from '../widgets/basics.tsx';
import { say } from '../widgets/toasts.tsx';
import { words } from '../words.ts';

const w = words.safety;

export function Held() {
  const { value, problem, again } = useLoad<{ rows: readonly HeldRow[] }>('/held');
  return (
    <>
      <Title>{w.heldTitle}</Title>
      <ProblemNotice problem={problem} again={again} />
      {!value && !problem && <Loading />}
      {value?.rows.length === 0 && <Empty title={w.empty} how={w.emptyHow} />}
      {value?.rows.map((row) => (
        <One key={row.id} row={row} again={again} />
      ))}
    </>
  );
}

function One({ row, again }: { readonly row: HeldRow; readonly again: () => void }) {
  const [why, setWhy] = useState('');
  const act = useAct();
  const judge = (verb: 'release' | 'reject') =>
    act.run(async () => {
      const { result } = await post<{ result: string }>(`/held/${row.id}`, {
        act: verb,
        why,
        direction: row.direction,
      });
      say(result === 'first' ? w.first : w.done);
      again();
    });
  return (
    <section class="card">
      <h2>
        <Tag>{row.direction === 'in' ? words.menu.inbox : words.menu.outbox}</Tag> {row.from}
      </h2>
      <p class="muted">{timeText(row.sinceMs)}</p>
      {row.findings.map((finding) => (
        <p key={`${finding.code} ${finding.part}`}>
          {finding.words.vi} {finding.said && <span class="muted">{finding.said}</span>}{' '}
          <span class="muted">{words.problem.code(finding.code)}</span>
        </p>
      ))}
      {row.first && (
        <p>
          {row.first.by}: {row.first.why}
        </p>
      )}
      <ProblemNotice problem={act.problem} />
      <Field label={w.why} value={why} onValue={setWhy} lengthMax={1_000} required />
      <div class="acts">
        {row.secret ? (
          <p class="notice bad">{w.secret}</p>
        ) : (
          <button type="button" disabled={act.busy || why.trim() === ''} onClick={() => judge('release')}>
            {w.release}
          </button>
        )}
        <button
          type="button"
          class="danger"
          disabled={act.busy || why.trim() === ''}
          onClick={() => judge('reject')}
        >
          {w.reject}
        </button>
      </div>
    </section>
  );
}

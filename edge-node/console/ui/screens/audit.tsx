// Nhật ký: who did what when, for those who oversee. Facts only; no titles, no content.
import type { AuditRow } from '../../../core.ts';
import { timeText } from '../format.ts';
import { ColumnHeads, Empty, Loading, ProblemNotice } from '../widgets/basics.tsx';
import { usePages } from '../widgets/more.tsx';
import { words } from '../words.ts';

const w = words.audit;

export function Audit() {
  const list = usePages<AuditRow>('/audit', {});
  return (
    <>
      <ProblemNotice problem={list.problem} again={list.again} />
      {!list.rows && !list.problem && <Loading />}
      {list.rows?.length === 0 && <Empty title={w.empty} how="" />}
      {list.rows && list.rows.length > 0 && (
        <div class="table-wrap">
          <table>
            <ColumnHeads names={[w.time, w.who, w.act, w.about, w.said]} />
            <tbody>
              {list.rows.map((row) => (
                <tr key={row.id}>
                  <td class="tight number">{timeText(row.atMs)}</td>
                  <td>{row.actor}</td>
                  <td>{w.acts[row.act] ?? row.act}</td>
                  <td class="code">{row.about}</td>
                  <td>{saidText(row)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.more && (
        <button type="button" onClick={list.more}>
          {words.list.more}
        </button>
      )}
    </>
  );
}

/** Names of roles and ways to sign in as a person calls them; the row itself is kept for programs. */
const saidText = ({ act, said }: AuditRow): string =>
  /^(sign-in|person-add|person-change)/.test(act)
    ? said.replace(/[a-z]{4,}/g, (word) => words.roles[word] ?? w.saidWords[word] ?? word)
    : said;

// S7 Sổ văn bản: exactly the ten columns of Decree 30/2020 Appendix IV, by year; print, export, paper entries by hand; gaps and repeats are told.

import { useState } from 'preact/hooks';
import type { BookView, EntryView, RegisterCheck } from '../../../office/core.ts';
import { post, queryOf } from '../api.ts';
import { isoToDay, todayIso } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay } from '../me.ts';
import { go } from '../router.ts';
import { SheetActs } from '../widgets/acts.tsx';
import {
  ColumnHeads,
  DayField,
  Dialog,
  Empty,
  Field,
  Link,
  Loading,
  ProblemNotice,
  SelectField,
  Tag,
  Title,
} from '../widgets/basics.tsx';
import { usePages } from '../widgets/more.tsx';
import { say } from '../widgets/toasts.tsx';
import { words } from '../words.ts';

const w = words.registers;
type Kind = 'in' | 'out';
type Check = RegisterCheck & { readonly books: readonly BookView[] };

export function Registers({ kind, year }: { readonly kind: Kind; readonly year: string }) {
  const list = usePages<EntryView>(`/registers/${kind}`, { year });
  const check = useLoad<Check>(`/registers/${kind}/check${queryOf({ year })}`);
  const may = useMay();
  const [adding, setAdding] = useState(false);
  const thisYear = Number(todayIso().slice(0, 4));
  const closed = check.value?.books.some((book) => book.year === Number(year) && book.closedMs !== undefined);
  const file = (sheet: string, format: string) =>
    `/c/v1/registers/${sheet}/files/${format}${queryOf({ year })}`;
  return (
    <>
      <Title>{w.title}</Title>
      <nav class="tabs" aria-label={w.title}>
        {(['in', 'out'] as const).map((each) => (
          <Link
            key={each}
            to={each === 'in' ? '/so' : '/so/di'}
            {...(kind === each ? { 'aria-current': 'page' } : {})}
          >
            {w.kinds[each]}
          </Link>
        ))}
      </nav>
      <div class="filters">
        <SelectField
          label={w.year}
          value={year}
          onValue={(chosen) => go(`${kind === 'in' ? '/so' : '/so/di'}?nam=${chosen}`, { replace: true })}
          options={[0, 1, 2, 3, 4].map((back) => [String(thisYear - back), String(thisYear - back)])}
        />
        {may('register.write') && !closed && (
          <button type="button" class="main" onClick={() => setAdding(true)}>
            {w.paper}
          </button>
        )}
        {list.rows && list.rows.length > 0 && (
          <>
            <a class="button" href={file(kind, 'pdf')} download>
              {w.print}
            </a>
            <a class="button" href={file(kind, 'xlsx')} download>
              {w.excel}
            </a>
            <a class="button" href={file(kind, 'csv')} download>
              {w.csv}
            </a>
            {kind === 'in' && (
              <a class="button" href={file('followup', 'pdf')} download>
                {w.follow}
              </a>
            )}
          </>
        )}
      </div>
      <ProblemNotice problem={list.problem} again={list.again} />
      {closed && <p class="notice">{w.closed}</p>}
      <Remarks check={check.value} />
      {!list.rows && !list.problem && <Loading />}
      {list.rows?.length === 0 && <Empty title={w.empty} how={w.emptyHow} />}
      {list.rows && list.rows.length > 0 && <Book kind={kind} rows={list.rows} />}
      {list.more && (
        <button type="button" onClick={list.more}>
          {words.list.more}
        </button>
      )}
      {adding && (
        <Paper
          kind={kind}
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            list.again();
            check.again();
          }}
        />
      )}
    </>
  );
}

function Remarks({ check }: { readonly check: Check | undefined }) {
  if (!check || check.gaps.length + check.repeated.length + check.unregistered.length === 0) return null;
  const gaps = check.gaps
    .map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`))
    .join(', ');
  return (
    <div class="notice warn">
      {gaps && <p>{w.gaps(gaps)}</p>}
      {check.repeated.length > 0 && (
        <p>
          {w.repeated(check.repeated.map(({ notation, numbers }) => `${notation} (${numbers})`).join('; '))}
        </p>
      )}
      {check.unregistered.length > 0 && <p>{w.unregistered(check.unregistered.length)}</p>}
    </div>
  );
}

function Book({ kind, rows }: { readonly kind: Kind; readonly rows: readonly EntryView[] }) {
  const cells = (row: EntryView): readonly string[] => {
    const what = row.erased ? w.erased : [row.type, row.subject].filter(Boolean).join(': ');
    return kind === 'in'
      ? [
          isoToDay(row.day),
          row.registered,
          row.author,
          row.notation,
          isoToDay(row.issueDay),
          what,
          row.places,
          isoToDay(row.forwardedDay),
          row.receipt,
          row.note,
        ]
      : [
          row.notation || row.registered,
          isoToDay(row.issueDay),
          what,
          row.signer,
          row.places,
          row.keeper,
          row.copies ? String(row.copies) : '',
          isoToDay(row.day),
          row.receipt,
          row.note,
        ];
  };
  const columns = kind === 'in' ? w.columnsIn : w.columnsOut;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls sideways, also by keyboard.
    <section class="table-wrap" tabIndex={0} aria-label={w.kinds[kind]}>
      <table>
        <ColumnHeads names={columns} />
        <tbody>
          {rows.map((row) => (
            <tr key={row.entry}>
              {cells(row).map((cell, i) => (
                <td key={columns[i]} class={/^\d\d\/\d\d\/\d{4}$/.test(cell) ? 'tight number' : ''}>
                  {cell}
                  {i === 9 && row.struck !== undefined && (
                    <Tag tone="bad">{`${w.struck}: ${row.struck}`}</Tag>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Paper({
  kind,
  onClose,
  onDone,
}: {
  readonly kind: Kind;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const [number, setNumber] = useState('');
  const [fields, setFields] = useState<Record<string, string>>({ day: todayIso() });
  const act = useAct();
  const field = (name: string) => ({
    value: fields[name] ?? '',
    onValue: (value: string) => setFields((before) => ({ ...before, [name]: value })),
  });
  return (
    <Dialog title={w.paper} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.run(async () => {
            const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
            const made = await post<{ registered: string }>(`/registers/${kind}`, {
              ...(number ? { number } : {}),
              fields: given,
            });
            say(w.entered(made.registered));
            onDone();
          });
        }}
      >
        <ProblemNotice problem={act.problem} />
        <div class="row">
          <DayField label={w.day} {...field('day')} />
          <Field label={w.number} value={number} onValue={setNumber} lengthMax={20} />
        </div>
        {kind === 'in' && <Field label={w.author} {...field('author')} required lengthMax={300} />}
        <div class="row">
          <Field label={words.list.name} {...field('notation')} lengthMax={120} required={kind === 'out'} />
          <DayField label={words.compose.issueDate} {...field('issueDay')} />
        </div>
        <Field label={words.compose.type} {...field('type')} lengthMax={100} />
        <Field label={words.compose.subject} {...field('subject')} rows={2} lengthMax={2_000} required />
        {kind === 'out' && <Field label={words.compose.signerName} {...field('signer')} lengthMax={300} />}
        <Field
          label={kind === 'in' ? words.work.places : words.compose.recipients}
          {...field('places')}
          lengthMax={4_000}
        />
        <Field label={words.work.note} {...field('note')} lengthMax={1_000} />
        <SheetActs label={w.save} disabled={act.busy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

// The small pieces of every screen: link, problem, notice, empty state, tag, fields, dialog. Each names itself to a screen reader.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ProblemBody } from '../api.ts';
import { dayToIso, isoToDay } from '../format.ts';
import { follow } from '../router.ts';
import { words } from '../words.ts';

type Children = { readonly children?: ComponentChildren };

export function Link({
  to,
  children,
  ...rest
}: Children & {
  readonly to: string;
  readonly class?: string | undefined;
  readonly 'aria-current'?: 'page';
  readonly 'data-row'?: string;
  readonly 'data-key'?: string;
}) {
  return (
    <a href={to} onClick={(event) => follow(event, to)} {...rest}>
      {children}
    </a>
  );
}

/** What happened, what the system does next, what the person can do, the code. */
export function ProblemNotice({
  problem,
  again,
}: {
  readonly problem: ProblemBody | undefined;
  readonly again?: () => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  // It may stand far from the button that failed.
  useEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), [problem]);
  if (!problem) return null;
  const next = words.problem[problem.retry as 'never' | 'later' | 'operator'] ?? words.problem.never;
  const wait = problem.retryAfterMs ? ` ${words.problem.wait(Math.ceil(problem.retryAfterMs / 1000))}` : '';
  return (
    <div class="notice bad" role="alert" ref={box}>
      <p>
        <strong>{problem.titleVi.replace(/\.$/, '')}</strong>
        {problem.detail ? `: ${problem.detail.replace(/\.$/, '')}.` : '.'}
      </p>
      <p>
        {next}
        {wait} {problem.remedyVi}{' '}
        <span class="muted">{words.problem.code(problem.code, problem.technical)}</span>
      </p>
      {again && (
        <button type="button" onClick={again}>
          {words.problem.again}
        </button>
      )}
    </div>
  );
}

export function Empty({ title, how, children }: Children & { readonly title: string; readonly how: string }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      <p class="muted">{how}</p>
      {children}
    </div>
  );
}

export const Loading = () => (
  <p class="muted" role="status">
    {words.loading}
  </p>
);

export type Tone = 'good' | 'warn' | 'bad' | '';
export const Tag = ({ tone = '', children }: Children & { readonly tone?: Tone }) => (
  <span class={`tag ${tone}`}>{children}</span>
);

type FieldProps = {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly hint?: string | undefined;
  readonly wrong?: string | undefined;
  readonly type?: 'text' | 'password';
  readonly required?: boolean;
  readonly autocomplete?: string;
  readonly lengthMax?: number;
  readonly rows?: number;
  readonly list?: readonly string[];
  readonly inputmode?: 'numeric' | 'email' | 'text';
  readonly autofocus?: boolean;
  readonly placeholder?: string;
};

export function Field(props: FieldProps) {
  const id = useId();
  const { label, value, onValue, hint, wrong, rows, list } = props;
  const described = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ');
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.autofocus) first.current?.focus();
  }, []);
  const common = {
    id,
    value,
    required: props.required ?? false,
    ...(props.placeholder ? { placeholder: props.placeholder } : {}),
    'aria-invalid': wrong !== undefined,
    ...(props.autofocus ? { 'data-first': '' } : {}),
    ...(described ? { 'aria-describedby': described } : {}),
    ...(props.lengthMax ? { maxLength: props.lengthMax } : {}),
  };
  const typed = {
    ...common,
    ref: first,
    autocomplete: props.autocomplete ?? 'off',
    ...(props.inputmode ? { inputMode: props.inputmode } : {}),
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => onValue(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>
        {label}
        {props.required && <span aria-hidden="true"> *</span>}
      </label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {rows ? (
        <textarea {...common} rows={rows} onInput={(event) => onValue(event.currentTarget.value)} />
      ) : (
        <input
          {...typed}
          {...(props.type === 'password' ? { type: 'password' } : list ? { list: `${id}-list` } : {})}
        />
      )}
      {list && (
        <datalist id={`${id}-list`}>
          {list.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
      {wrong && (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </div>
  );
}

/** A day typed as dd/MM/yyyy; `value` and `onValue` are yyyy-MM-dd or ''. What is no day is kept on the screen and told. */
export function DayField(props: {
  readonly label: string;
  readonly value: string;
  readonly onValue: (iso: string) => void;
  readonly required?: boolean;
}) {
  const [typed, setTyped] = useState(isoToDay(props.value));
  const [left, setLeft] = useState(false);
  useEffect(() => {
    if (props.value !== '' && dayToIso(typed) !== props.value) setTyped(isoToDay(props.value));
  }, [props.value]);
  const bad = typed.trim() !== '' && dayToIso(typed) === undefined;
  return (
    <div onFocusOut={() => setLeft(true)}>
      <Field
        label={props.label}
        value={typed}
        placeholder={words.compose.dateHint}
        wrong={bad && left ? words.compose.dateBad : undefined}
        inputmode="numeric"
        required={props.required ?? false}
        lengthMax={10}
        onValue={(text) => {
          setTyped(text);
          const iso = dayToIso(text);
          if (iso !== undefined || text.trim() === '') props.onValue(iso ?? '');
        }}
      />
    </div>
  );
}

export function SelectField(props: {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly options: readonly (readonly [value: string, label: string])[];
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={(event) => props.onValue(event.currentTarget.value)}>
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Tick(props: {
  readonly label: string;
  readonly value: boolean;
  readonly onValue: (on: boolean) => void;
}) {
  return (
    <label class="tick field">
      <input
        type="checkbox"
        checked={props.value}
        onChange={(event) => props.onValue(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}

type Head = string | { readonly hidden: string } | { readonly amount: string };

/** The heads of a table's columns; `amount`: of numbers; `hidden`: a column of buttons, named to a screen reader alone. `first` stands in the first one in place of its name. */
export const ColumnHeads = ({
  names,
  first,
}: {
  readonly names: readonly Head[];
  readonly first?: ComponentChildren;
}) => (
  <thead>
    <tr>
      {names.map((name, i) => {
        if (typeof name !== 'string' && 'hidden' in name)
          return <th key={name.hidden} scope="col" aria-label={name.hidden} />;
        const [label, kind] = typeof name === 'string' ? [name, ''] : [name.amount, 'number amount'];
        return (
          <th key={label} scope="col" class={kind}>
            {i === 0 && first ? first : label}
          </th>
        );
      })}
    </tr>
  </thead>
);

/** Modal: the rest of the page is out of reach until it is closed; Esc closes it. */
export function Dialog({
  title,
  onClose,
  children,
}: Children & { readonly title: string; readonly onClose: (() => void) | undefined }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before a field of the sheet takes the focus: there it returns to.
  const [before] = useState(() => document.activeElement as HTMLElement | null);
  useEffect(() => {
    element.current?.showModal();
    // Showing it moves the focus to its first field; before that none of its fields can take it.
    element.current?.querySelector<HTMLElement>('[data-first]')?.focus();
    // What opened it may be gone by now.
    return () => (before?.isConnected ? before : document.getElementById('noi-dung'))?.focus();
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

/** The heading of a screen: takes the focus when the screen opens, so that a reader says where one is. */
export function Title({ children }: Children) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent ?? ''} – ${words.product}`;
  });
  return <h1 ref={heading}>{children}</h1>;
}

// Nơi nhận: found by name without diacritics or by code, pasted as a list; chips that can be taken away. Enter picks, never while an input
// method composes. What a pasted list names and the directory does not is given back for paper.
import { useEffect, useId, useState } from 'preact/hooks';
import type { DirectoryEntry } from '../../../core.ts';
import type { DraftRecipient } from '../../contract.ts';
import { get, post, queryOf } from '../api.ts';
import { composing } from '../keys.ts';
import { useAct } from '../load.ts';
import { words } from '../words.ts';
import { Field, ProblemNotice, Tag } from './basics.tsx';
import { useSearch } from './more.tsx';

const w = words.compose;
type Props = {
  readonly recipients: readonly DraftRecipient[];
  readonly onRecipients: (recipients: readonly DraftRecipient[]) => void;
  readonly onMissed: (lines: readonly string[]) => void;
};

export function RecipientPicker({ recipients, onRecipients, onMissed }: Props) {
  const add = (found: readonly DraftRecipient[]) => {
    const known = new Set(recipients.map(({ code }) => code));
    onRecipients([...recipients, ...found.filter(({ code }) => !known.has(code) && known.add(code))]);
  };
  return (
    <>
      <Search onPick={(entry) => add([{ code: entry.code, name: entry.name }])} />
      {recipients.length > 0 && <p class="muted">{w.chosen(recipients.length)}</p>}
      <ul class="chips">
        {recipients.map((to) => (
          <li key={to.code}>
            <span>
              {to.name || to.code} {to.name && <span class="muted">{to.code}</span>}
            </span>
            <button
              type="button"
              aria-label={w.removeRecipient(to.name || to.code)}
              onClick={() => onRecipients(recipients.filter(({ code }) => code !== to.code))}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
      <Paste onFound={add} onMissed={onMissed} />
    </>
  );
}

function Search({ onPick }: { readonly onPick: (entry: DirectoryEntry) => void }) {
  const id = useId();
  const search = useSearch();
  const [found, setFound] = useState<readonly DirectoryEntry[]>();
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (search.asked === '') {
      setFound(undefined);
      return;
    }
    const asked = new AbortController();
    get<{ entries: readonly DirectoryEntry[] }>(
      `/directory${queryOf({ text: search.asked, limit: 12 })}`,
      asked.signal,
    ).then(
      ({ entries }) => {
        setFound(entries.filter(({ here }) => !here));
        setAt(0);
        setOpen(true);
      },
      () => setFound(undefined),
    );
    return () => asked.abort();
  }, [search.asked]);
  const shown = open && search.typed.trim() !== '' ? found : undefined;
  useEffect(() => {
    if (shown && shown.length > 0)
      document.getElementById(`${id}-list`)?.scrollIntoView({ block: 'nearest' });
  }, [shown]);
  const pick = (entry: DirectoryEntry | undefined) => {
    if (!entry) return;
    onPick(entry);
    search.clear();
    setOpen(false);
  };
  return (
    <div class="suggest field">
      <label for={id}>{w.search}</label>
      <input
        id={id}
        type="text"
        role="combobox"
        aria-expanded={shown !== undefined}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={shown?.[at] ? `${id}-${at}` : undefined}
        autocomplete="off"
        placeholder={w.searchHint}
        value={search.typed}
        onInput={search.onInput}
        onCompositionEnd={search.onCompositionEnd}
        onKeyDown={(event) => {
          if (composing(event) || !shown) return;
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            setAt(Math.min(shown.length - 1, Math.max(0, at + (event.key === 'ArrowDown' ? 1 : -1))));
          } else if (event.key === 'Enter' && !event.ctrlKey) {
            event.preventDefault();
            pick(shown[at]);
          } else if (event.key === 'Escape') {
            event.preventDefault();
            setOpen(false);
          }
        }}
      />
      {/* The options are reached by the arrow keys of the field. */}
      <div
        id={`${id}-list`}
        class="options"
        role="listbox"
        aria-label={w.search}
        hidden={!shown || shown.length === 0}
      >
        {shown?.map((entry, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above handles the keys.
          <div
            key={entry.unit}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            tabIndex={-1}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(entry)}
          >
            {entry.name} <span class="muted">{entry.code}</span>{' '}
            {entry.state !== 'active' && (
              <Tag tone="warn">{words.directory.states[entry.state] ?? entry.state}</Tag>
            )}
          </div>
        ))}
      </div>
      {shown?.length === 0 && (
        <p class="hint" role="status">
          {w.noneFound}
        </p>
      )}
    </div>
  );
}

type Matched = { readonly found: readonly DraftRecipient[]; readonly missed: readonly string[] };

function Paste({
  onFound,
  onMissed,
}: {
  readonly onFound: (found: readonly DraftRecipient[]) => void;
  readonly onMissed: (lines: readonly string[]) => void;
}) {
  const [text, setText] = useState('');
  const [missed, setMissed] = useState<readonly string[]>([]);
  const act = useAct();
  return (
    <details class="field">
      <summary>{w.paste}</summary>
      <ProblemNotice problem={act.problem} />
      <Field label={w.paste} hint={w.pasteHow} value={text} onValue={setText} rows={5} lengthMax={60_000} />
      <button
        type="button"
        disabled={act.busy || text.trim() === ''}
        onClick={() =>
          act.run(async () => {
            const lines = text
              .split(/\r?\n/)
              .map((line) => line.trim())
              .filter(Boolean)
              .slice(0, 1_024);
            const matched = await post<Matched>('/directory/match', { lines });
            onFound(matched.found);
            setMissed(matched.missed);
            if (matched.missed.length > 0) onMissed(matched.missed);
            setText('');
          })
        }
      >
        {w.pasteAdd}
      </button>
      {missed.length > 0 && (
        <div class="notice warn" role="status">
          <p>{w.pasteMissed}</p>
          <p>{missed.join('; ')}</p>
        </div>
      )}
    </details>
  );
}

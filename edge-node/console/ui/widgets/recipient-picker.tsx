// Nơi nhận: found by name without diacritics or by code, pasted as a list; chips that can be taken away. Enter picks, never while an input
// method composes. What a pasted list names and the directory does not is given back for paper.
import { useEffect, useId, useState } from 'preact/hooks';
import type { DirectoryEntry } from '../../../core.ts';
import type { DraftRecipient, GroupRow, Matched } from '../../contract.ts';
import { get, post, queryOf } from '../api.ts';
import { composing } from '../keys.ts';
import { useAct, useLoad } from '../load.ts';
import { words } from '../words.ts';
import { Field, ProblemNotice, Tag } from './basics.tsx';
import { useSearch } from './more.tsx';
import { say } from './toasts.tsx';

const w = words.compose;
type Props = {
  readonly recipients: readonly DraftRecipient[];
  /** Lines of "Nơi nhận" as they stand in the main document. */
  readonly printed: readonly string[];
  readonly onRecipients: (recipients: readonly DraftRecipient[]) => void;
  readonly onMissed: (lines: readonly string[]) => void;
};
const manyChips = 30;

export function RecipientPicker({ recipients, printed, onRecipients, onMissed }: Props) {
  const groups = useLoad<{ rows: readonly GroupRow[] }>('/groups');
  const add = (found: readonly DraftRecipient[]) => {
    const known = new Set(recipients.map(({ code }) => code));
    onRecipients([...recipients, ...found.filter(({ code }) => !known.has(code) && known.add(code))]);
  };
  return (
    <>
      <Search groups={groups.value?.rows ?? []} onPick={(to) => add([to])} />
      {recipients.length > 0 && (
        <p class="muted">
          {w.chosen(recipients.length)}{' '}
          {recipients.length > manyChips && (
            <button type="button" class="plain" onClick={() => onRecipients([])}>
              {w.clearAll}
            </button>
          )}
        </p>
      )}
      <ul class={recipients.length > manyChips ? 'chips many' : 'chips'}>
        {recipients.map((to) => (
          <li key={to.code}>
            <span>
              {to.name || to.code} {to.name && <span class="muted">{to.code.replace(/^group:/, '')}</span>}
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
      <Paste printed={printed} onFound={add} onMissed={onMissed} />
      {recipients.length > 1 && <SaveGroup recipients={recipients} onSaved={groups.again} />}
    </>
  );
}

type Offer = DraftRecipient & { readonly note: string; readonly state: string };

const plain = (text: string): string =>
  text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replaceAll('đ', 'd');

/** Groups whose name has what was typed stand before the units. */
const groupsNamed = (groups: readonly GroupRow[], asked: string): Offer[] =>
  groups
    .filter(({ name, code }) => plain(`${name} ${code}`).includes(plain(asked)))
    .slice(0, 4)
    .map(({ code, name, units }) => ({
      code: `group:${code}`,
      name,
      note: `${w.group}, ${w.groupUnits(units)}`,
      state: 'active',
    }));

function Search({
  groups,
  onPick,
}: {
  readonly groups: readonly GroupRow[];
  readonly onPick: (to: DraftRecipient) => void;
}) {
  const id = useId();
  const search = useSearch();
  const [found, setFound] = useState<readonly Offer[]>();
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
        setFound([
          ...groupsNamed(groups, search.asked),
          ...entries
            .filter(({ here }) => !here)
            .map(({ code, name, state }) => ({ code, name, note: code, state })),
        ]);
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
  const pick = (offer: Offer | undefined) => {
    if (!offer) return;
    onPick({ code: offer.code, name: offer.name });
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
            key={entry.code}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            tabIndex={-1}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(entry)}
          >
            {entry.name} <span class="muted">{entry.note}</span>{' '}
            {entry.state !== 'active' && (
              <Tag tone="warn">{words.directory.states[entry.state] ?? entry.state}</Tag>
            )}
          </div>
        ))}
      </div>
      {shown?.length === 0 && (
        <p class="hint none-found" role="status">
          {w.noneFound}
        </p>
      )}
    </div>
  );
}

function Paste({
  printed,
  onFound,
  onMissed,
}: {
  readonly printed: readonly string[];
  readonly onFound: (found: readonly DraftRecipient[]) => void;
  readonly onMissed: (lines: readonly string[]) => void;
}) {
  const [text, setText] = useState('');
  const [matched, setMatched] = useState<Matched>();
  const act = useAct();
  const match = (pasted: string) =>
    act.run(async () => {
      const got = await post<Matched>('/directory/match', { text: pasted });
      onFound(got.found);
      setMatched(got);
      if (got.missed.length > 0) onMissed(got.missed);
      setText('');
    });
  const settle = (place: string) =>
    setMatched(matched && { ...matched, several: matched.several.filter((each) => each.text !== place) });
  return (
    <>
      {printed.length > 0 && (
        <div class="notice">
          <p>
            <strong>{w.printed}:</strong> {printed.join(' ')}
          </p>
          <button type="button" disabled={act.busy} onClick={() => match(printed.join('\n'))}>
            {w.printedMatch}
          </button>
        </div>
      )}
      <details class="field">
        <summary>{w.paste}</summary>
        <Field label={w.paste} hint={w.pasteHow} value={text} onValue={setText} rows={5} lengthMax={60_000} />
        <button type="button" disabled={act.busy || text.trim() === ''} onClick={() => match(text)}>
          {w.pasteAdd}
        </button>
      </details>
      <ProblemNotice problem={act.problem} />
      {matched && <p role="status">{w.pasteFound(matched.found.length)}</p>}
      {matched?.several.map((place) => (
        <div key={place.text} class="notice warn">
          <p>{w.pasteSeveral(place.text)}</p>
          <div class="acts">
            {place.candidates.map((to) => (
              <button
                key={to.code}
                type="button"
                onClick={() => {
                  onFound([to]);
                  settle(place.text);
                }}
              >
                {to.name} ({to.code})
              </button>
            ))}
            <button
              type="button"
              onClick={() => {
                onMissed([place.text]);
                settle(place.text);
              }}
            >
              {w.toPaper}
            </button>
          </div>
        </div>
      ))}
      {matched && matched.missed.length > 0 && (
        <div class="notice warn" role="status">
          <p>{w.pasteMissed}</p>
          <p>{matched.missed.join('; ')}</p>
        </div>
      )}
    </>
  );
}

/** The chosen places under a name, for the next time. */
function SaveGroup({
  recipients,
  onSaved,
}: {
  readonly recipients: readonly DraftRecipient[];
  readonly onSaved: () => void;
}) {
  const [name, setName] = useState('');
  const act = useAct();
  return (
    <details class="field">
      <summary>{w.saveGroup}</summary>
      <ProblemNotice problem={act.problem} />
      <Field label={w.groupName} value={name} onValue={setName} lengthMax={100} />
      <button
        type="button"
        disabled={act.busy || name.trim() === ''}
        onClick={() =>
          act.run(async () => {
            await post('/groups', { name: name.trim(), members: recipients.map(({ code }) => code) });
            say(w.groupSaved(name.trim()));
            setName('');
            onSaved();
          })
        }
      >
        {w.groupSave}
      </button>
    </details>
  );
}

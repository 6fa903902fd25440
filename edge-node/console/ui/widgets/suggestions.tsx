// What the files of a draft say of themselves: looked at by the node once, shown beside the fields as suggestions that a person takes with one key.
// Never fills a field by itself, and never writes over what a person typed unless he takes that very suggestion.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DraftFields, DraftPart, PartLook, SuggestedField } from '../../contract.ts';
import { type ProblemBody, post, problemOf } from '../api.ts';
import { isoToDay, timeText, todayIso } from '../format.ts';
import { composing } from '../keys.ts';
import { words } from '../words.ts';

const w = words.compose;
export type Looks = ReadonlyMap<string, PartLook | ProblemBody | undefined>;
const isLook = (look: PartLook | ProblemBody | undefined): look is PartLook =>
  look !== undefined && 'suggestions' in look;

/** One look at each file. Undefined while the node looks. */
export function useLooks(parts: readonly DraftPart[]): Looks {
  const [looks, setLooks] = useState<Looks>(new Map());
  const asked = useRef(new Set<string>());
  useEffect(() => {
    for (const { handle, name } of parts) {
      if (asked.current.has(handle)) continue;
      asked.current.add(handle);
      post<PartLook>('/drafts/look', { handle, name }).then(
        (look) => setLooks((before) => new Map(before).set(handle, look)),
        (error: unknown) => setLooks((before) => new Map(before).set(handle, problemOf(error))),
      );
    }
  }, [parts.map(({ handle }) => handle).join(' ')]);
  return looks;
}

const good = (verdict: string): boolean => verdict === 'original-value' || verdict === 'organisation-only';

/** Under a file: its signature in words, who signed when, and what a check would say. */
export function PartSaid({ look }: { readonly look: PartLook | ProblemBody | undefined }) {
  if (look === undefined)
    return (
      <p class="hint" role="status">
        {w.looking}
      </p>
    );
  if (!isLook(look)) return <p class="hint">{look.titleVi}</p>;
  return (
    <>
      {look.signature && (
        <p class={`notice ${good(look.signature.verdict) ? 'good' : 'warn'}`}>
          {look.signature.sentence}
          {look.signature.signers
            .filter(({ name }) => name)
            .map(({ name, atMs }) => (
              <span key={name} class="muted">
                {' '}
                {w.signedBy(name, atMs ? timeText(atMs) : '')}.
              </span>
            ))}
        </p>
      )}
      {look.findings
        .filter(({ code }) => code !== 'pdf-signature-bad')
        .map(({ code, words: said }) => (
          <p key={code} class="notice warn">
            {said}
          </p>
        ))}
    </>
  );
}

export type Suggested = {
  readonly look: PartLook | undefined;
  /** Under the field that it is about. */
  readonly under: (field: SuggestedField, label: string) => preact.JSX.Element | null;
  readonly waiting: number;
  readonly takeAll: () => void;
};

/** The suggestions of the main document. */
export function useSuggestions(
  look: PartLook | ProblemBody | undefined,
  fields: DraftFields,
  change: (some: Partial<DraftFields>) => void,
): Suggested {
  const [taken, setTaken] = useState<ReadonlySet<string>>(new Set());
  const said = isLook(look) ? look.suggestions : {};
  const entries = Object.entries(said) as [SuggestedField, { value: string; from: 'text' | 'signature' }][];
  const differing = entries.filter(([field, { value }]) => fields[field] !== value);
  /** The day of today stands there only because a new draft has it. */
  const untouched = differing.filter(
    ([field]) => fields[field].trim() === '' || (field === 'issueDate' && fields.issueDate === todayIso()),
  );
  const take = (some: typeof entries) => {
    setTaken(new Set([...taken, ...some.map(([field]) => field)]));
    change(Object.fromEntries(some.map(([field, { value }]) => [field, value])));
  };
  const takeAll = useRef(() => {});
  takeAll.current = () => untouched.length > 0 && take(untouched);
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (composing(event) || !event.altKey || event.ctrlKey || event.code !== 'KeyY') return;
      event.preventDefault();
      takeAll.current();
    };
    addEventListener('keydown', listener);
    return () => removeEventListener('keydown', listener);
  }, []);
  return {
    look: isLook(look) ? look : undefined,
    waiting: untouched.length,
    takeAll: () => takeAll.current(),
    under(field, label) {
      const suggestion = said[field];
      if (!suggestion) return null;
      if (fields[field] === suggestion.value)
        return taken.has(field) ? <p class="said taken">{w.suggested}</p> : null;
      const shown = field === 'issueDate' ? isoToDay(suggestion.value) : suggestion.value;
      return (
        <p class="said">
          <span>
            {w.said[suggestion.from]}: <strong>{shown}</strong>
          </span>
          <button
            type="button"
            aria-label={w.takeNamed(label, shown)}
            onClick={() => take([[field, suggestion]])}
          >
            {w.take}
          </button>
        </p>
      );
    },
  };
}

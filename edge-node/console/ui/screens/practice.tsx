// Thực hành: the daily tasks with sample documents, in a space that is marked as such. It lives in this page alone: no request is made, nothing is stored, so
// nothing of it can reach a register, the outbox or the hub.

import { useState } from 'preact/hooks';
import { SheetActs } from '../widgets/acts.tsx';
import { ColumnHeads, Dialog, Field, SelectField, Tag, Tick, Title } from '../widgets/basics.tsx';
import { Urgency } from '../widgets/document-rows.tsx';
import { words } from '../words.ts';
import { type Sample, samples, practiceWords as w } from '../words-practice.ts';

type Outcome =
  | { readonly kind: 'accepted'; readonly n: number }
  | { readonly kind: 'returned'; readonly reason: string };
type Outcomes = Readonly<Record<string, Outcome>>;

export function Practice() {
  const [outcomes, setOutcomes] = useState<Outcomes>({});
  const [sent, setSent] = useState<string>();
  const [open, setOpen] = useState<string>();
  const [round, setRound] = useState(0);
  const done = [
    outcomes['mau-1']?.kind === 'accepted',
    outcomes['mau-2']?.kind === 'returned',
    outcomes['mau-3']?.kind === 'returned',
    sent !== undefined,
  ];
  const shown = samples.find(({ id }) => id === open);
  return (
    <div class="practice">
      <p class="practice-banner" role="note">
        {w.banner}
      </p>
      <Title>{w.title}</Title>
      <p>{w.how}</p>
      <ol class="steps">
        {w.tasks.map((task, at) => (
          <li key={task}>
            <Tag tone={done[at] ? 'good' : ''}>{done[at] ? w.done : w.todo}</Tag> {task}
          </li>
        ))}
      </ol>
      {done.every(Boolean) && (
        <div class="notice good" role="status">
          <p>{w.allDone}</p>
        </div>
      )}
      <button
        type="button"
        onClick={() => {
          setOutcomes({});
          setSent(undefined);
          setOpen(undefined);
          setRound(round + 1);
        }}
      >
        {w.again}
      </button>
      {shown ? (
        <SampleDocument
          key={`${shown.id} ${round}`}
          sample={shown}
          outcome={outcomes[shown.id]}
          number={1 + Object.values(outcomes).filter(({ kind }) => kind === 'accepted').length}
          onOutcome={(outcome) => setOutcomes({ ...outcomes, [shown.id]: outcome })}
          onBack={() => setOpen(undefined)}
        />
      ) : (
        <SampleList outcomes={outcomes} onOpen={setOpen} />
      )}
      <Writing key={round} sent={sent} onSent={setSent} />
    </div>
  );
}

function SampleList({
  outcomes,
  onOpen,
}: {
  readonly outcomes: Outcomes;
  readonly onOpen: (id: string) => void;
}) {
  return (
    <section>
      <h2>{w.inbox}</h2>
      <div class="table-wrap">
        <table class="rows">
          <ColumnHeads
            names={[
              words.list.urgency,
              words.list.name,
              words.list.subject,
              words.list.sender,
              words.list.state,
            ]}
          />
          <tbody>
            {samples.map((sample) => (
              <tr key={sample.id}>
                <td class="tight">
                  <Urgency urgency={sample.urgency} />
                </td>
                <td class="tight">
                  {sample.number}/{sample.notation}
                </td>
                <td>
                  <button type="button" class="plain" onClick={() => onOpen(sample.id)}>
                    {sample.subject}
                  </button>
                </td>
                <td>{sample.sender}</td>
                <td>
                  <Stands outcome={outcomes[sample.id]} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Stands({ outcome }: { readonly outcome: Outcome | undefined }) {
  if (!outcome) return <Tag tone="warn">{words.standing['01']}</Tag>;
  return outcome.kind === 'accepted' ? (
    <Tag tone="good">{w.registered(outcome.n)}</Tag>
  ) : (
    <Tag tone="bad">{w.returned(outcome.reason)}</Tag>
  );
}

type DocumentProps = {
  readonly sample: Sample;
  readonly outcome: Outcome | undefined;
  readonly number: number;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly onBack: () => void;
};

function SampleDocument({ sample, outcome, number, onOutcome, onBack }: DocumentProps) {
  const [returning, setReturning] = useState(false);
  const [reason, setReason] = useState('');
  const [hint, setHint] = useState('');
  const rightful = sample.id === 'mau-1';
  return (
    <section class="card">
      <h2>
        {sample.type} {sample.number}/{sample.notation}: {sample.subject}
      </h2>
      <div class={`notice ${sample.good ? 'good' : 'bad'}`}>
        <p>{sample.verdict}</p>
      </div>
      <p>{sample.text}</p>
      <p>
        <Stands outcome={outcome} />
      </p>
      {hint && (
        <div class="notice warn" role="status">
          <p>{hint}</p>
        </div>
      )}
      {!outcome && (
        <div class="acts">
          <button
            type="button"
            class="main"
            disabled={!sample.good}
            onClick={() => (rightful ? onOutcome({ kind: 'accepted', n: number }) : setHint(w.mistake))}
          >
            {w.accept}
          </button>
          <button type="button" onClick={() => (rightful ? setHint(w.kept) : setReturning(true))}>
            {w.return}
          </button>
        </div>
      )}
      {returning && !outcome && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (reason) onOutcome({ kind: 'returned', reason });
          }}
        >
          <SelectField
            label={w.reason}
            value={reason}
            options={[['', w.choose], ...w.reasons.map((each) => [each, each] as const)]}
            onValue={setReason}
          />
          <button type="submit" class="main" disabled={reason === ''}>
            {w.return}
          </button>
        </form>
      )}
      <button type="button" class="plain" onClick={onBack}>
        {w.back}
      </button>
    </section>
  );
}

function Writing({
  sent,
  onSent,
}: {
  readonly sent: string | undefined;
  readonly onSent: (said: string) => void;
}) {
  const [number, setNumber] = useState('');
  const [notation, setNotation] = useState('');
  const [subject, setSubject] = useState('');
  const [places, setPlaces] = useState<readonly string[]>([]);
  const [asking, setAsking] = useState(false);
  const ready = Boolean(number && notation && subject) && places.length >= 2;
  const name = `${number}/${notation}`;
  return (
    <section class="card">
      <h2>{w.compose}</h2>
      {sent ? (
        <p role="status">{sent}</p>
      ) : (
        <>
          <div class="row">
            <Field label={w.number} value={number} onValue={setNumber} lengthMax={10} />
            <Field label={w.notation} value={notation} onValue={setNotation} lengthMax={40} />
          </div>
          <Field label={w.subject} value={subject} onValue={setSubject} lengthMax={500} />
          <fieldset>
            <legend>{w.placesTitle}</legend>
            {w.places.map((place) => (
              <Tick
                key={place}
                label={place}
                value={places.includes(place)}
                onValue={(on) => setPlaces(on ? [...places, place] : places.filter((each) => each !== place))}
              />
            ))}
          </fieldset>
          {!ready && <p class="muted">{w.missing}</p>}
          <button type="button" class="main" disabled={!ready} onClick={() => setAsking(true)}>
            {w.send}
          </button>
        </>
      )}
      {asking && (
        <Dialog title={w.confirm(name, places.length)} onClose={() => setAsking(false)}>
          <ul>
            {places.map((place) => (
              <li key={place}>{place}</li>
            ))}
          </ul>
          <SheetActs
            label={w.sendNow}
            onMain={() => {
              setAsking(false);
              onSent(w.sentTo(name, places.join(', ')));
            }}
            onClose={() => setAsking(false)}
            close={w.cancel}
          />
        </Dialog>
      )}
    </section>
  );
}

// What a clerk does with an arrival: accept and register (the main act), give it back with a reason, forward to persons. Each asks in a sheet of
// its own; a second clerk who was faster is named by the server.

import { useState } from 'preact/hooks';
import type { UnitPerson } from '../../../accounts/person.ts';
import type { DocumentView } from '../../../core.ts';
import { signatureRefused } from '../../../safety/signature-refused.ts';
import { Problem, post } from '../api.ts';
import { nowMs } from '../clock.ts';
import { dayText, dayToIso } from '../format.ts';
import { useAct, useLoad } from '../load.ts';
import { useMay, useMe } from '../me.ts';
import { words } from '../words.ts';
import { SheetActs } from './acts.tsx';
import { DayField, Dialog, Field, ProblemNotice, SelectField, Tick } from './basics.tsx';
import { say } from './toasts.tsx';

const w = words.work;
type Props = { readonly view: DocumentView; readonly base: string; readonly again: () => void };
type Sheet = 'accept' | 'return' | 'forward' | undefined;

export function ReceiveActs({ view, base, again, bad }: Props & { readonly bad: boolean }) {
  const [sheet, setSheet] = useState<Sheet>();
  // What the sender asks is answered first: its button is the main one then.
  const asked = view.requests.some(({ state }) => state === 'open');
  const refused = signatureRefused(view) !== undefined;
  const may = useMay();
  const code = view.envelopes[0]?.recipients[0]?.status?.code ?? '01';
  const waits = code === '01' && view.destroyedMs === undefined;
  const given = view.envelopes[0]?.recipients[0]?.dueMs;
  const close = () => setSheet(undefined);
  const done = () => {
    close();
    again();
  };
  return (
    <>
      {waits && may('document.receive') && (
        <>
          <button
            type="button"
            class={bad || asked ? '' : 'main'}
            data-main={bad || asked || sheet ? undefined : true}
            disabled={refused}
            title={refused ? w.signatureRefused : undefined}
            onClick={() => setSheet('accept')}
          >
            {w.accept}
          </button>
          <button
            type="button"
            class={bad && !asked ? 'main' : 'danger'}
            data-main={bad && !asked && !sheet ? true : undefined}
            onClick={() => setSheet('return')}
          >
            {w.giveBack}
          </button>
        </>
      )}
      {/^0[345]$/.test(code) && may('document.assign') && view.destroyedMs === undefined && (
        <button
          type="button"
          class={asked ? '' : 'main'}
          data-main={asked || sheet ? undefined : true}
          onClick={() => setSheet('forward')}
        >
          {w.forward}
        </button>
      )}
      {sheet === 'accept' && <Accept base={base} onClose={close} onDone={done} onLate={again} />}
      {sheet === 'return' && <GiveBack base={base} onClose={close} onDone={done} />}
      {sheet === 'forward' && <Forward base={base} given={given} onClose={close} onDone={done} />}
    </>
  );
}

type SheetProps = { readonly base: string; readonly onClose: () => void; readonly onDone: () => void };

/** The end of the working day. */
const endOf = (day: string): string => `${day}T17:00:00+07:00`;

function Accept({ base, onClose, onDone, onLate }: SheetProps & { readonly onLate: () => void }) {
  const [number, setNumber] = useState('');
  const [places, setPlaces] = useState('');
  const [note, setNote] = useState('');
  const [due, setDue] = useState('');
  const [twice, setTwice] = useState(false);
  const [late, setLate] = useState(false);
  const act = useAct();
  const submit = (evenIfDuplicate: boolean) =>
    act.run(async () => {
      try {
        const made = await post<{ registered: string }>(`${base}/accept`, {
          number,
          places,
          note,
          ...(due ? { due: endOf(due) } : {}),
          ...(evenIfDuplicate ? { evenIfDuplicate } : {}),
        });
        say(w.accepted(made.registered));
        onDone();
      } catch (error) {
        if (
          error instanceof Problem &&
          error.body.code === 'document-duplicate-suspected' &&
          !evenIfDuplicate
        ) {
          setTwice(true);
          return;
        }
        // Another clerk was faster; the problem names him, the page behind shows his number.
        if (error instanceof Problem && error.body.code === 'document-registered') {
          setLate(true);
          onLate();
        }
        throw error;
      }
    });
  return (
    <Dialog title={w.accept} onClose={onClose}>
      {!late && <p class="muted">{w.acceptHow}</p>}
      <ProblemNotice problem={act.problem} />
      {!late && (
        <>
          <Field label={w.places} value={places} onValue={setPlaces} lengthMax={1_000} autofocus />
          <div class="row">
            <Field label={w.number} value={number} onValue={setNumber} lengthMax={20} />
            <DayField label={w.dueOptional} value={due} onValue={setDue} />
          </div>
          <Field label={w.note} value={note} onValue={setNote} lengthMax={1_000} />
        </>
      )}
      {twice && (
        <div class="notice warn" role="alert">
          <p>{w.duplicate}</p>
        </div>
      )}
      <SheetActs
        label={late ? undefined : twice ? w.acceptAnyway : w.accept}
        disabled={act.busy}
        onMain={() => submit(twice)}
        onClose={onClose}
        close={late ? words.people.close : words.people.cancel}
      />
    </Dialog>
  );
}

function GiveBack({ base, onClose, onDone }: SheetProps) {
  const { value } = useLoad<{ reasons: readonly { reason: number; vi: string }[] }>('/words');
  const [reason, setReason] = useState('');
  const [text, setText] = useState('');
  const act = useAct();
  return (
    <Dialog title={w.giveBackTitle} onClose={onClose}>
      <ProblemNotice problem={act.problem} />
      <SelectField
        label={w.reason}
        value={reason}
        onValue={setReason}
        options={[
          ['', w.needReason],
          ...(value?.reasons ?? []).map(({ reason: n, vi }) => [String(n), vi] as const),
        ]}
      />
      <Field label={w.reasonText} value={text} onValue={setText} rows={3} lengthMax={1_000} />
      <SheetActs
        label={w.giveBack}
        disabled={act.busy || reason === ''}
        onMain={() =>
          act.run(async () => {
            await post(`${base}/return`, { reason: Number(reason), text });
            say(w.gaveBack);
            onDone();
          })
        }
        onClose={onClose}
      />
    </Dialog>
  );
}

function Forward({ base, onClose, onDone, given }: SheetProps & { readonly given: number | undefined }) {
  const { value, problem } = useLoad<{ people: readonly UnitPerson[] }>('/people');
  const me = useMe();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [instruction, setInstruction] = useState('');
  // What the document was accepted with, while that is to come.
  const [due, setDue] = useState(
    given !== undefined && given > nowMs() ? (dayToIso(dayText(given)) ?? '') : '',
  );
  const act = useAct();
  const people = value?.people.filter(({ state }) => state !== 'disabled') ?? [];
  // The sheet opens with its persons, so that the focus begins there.
  if (!value && !problem) return null;
  return (
    <Dialog title={w.forwardTitle} onClose={onClose}>
      <ProblemNotice problem={act.problem ?? problem} />
      {value && people.every(({ email }) => email === me.email) && <p class="muted">{w.nobody}</p>}
      <fieldset>
        <legend>{w.persons}</legend>
        {people.map(({ email, name, position }) => (
          <Tick
            key={email}
            label={`${name}${position ? ` – ${position}` : ''}${chosen[0] === email ? ` (${w.lead})` : ''}`}
            value={chosen.includes(email)}
            onValue={(on) => setChosen(on ? [...chosen, email] : chosen.filter((each) => each !== email))}
          />
        ))}
      </fieldset>
      <Field label={w.instruction} value={instruction} onValue={setInstruction} rows={3} lengthMax={2_000} />
      <DayField label={w.due} value={due} onValue={setDue} />
      <SheetActs
        label={w.forward}
        disabled={act.busy || chosen.length === 0}
        onMain={() =>
          act.run(async () => {
            await post(`${base}/forward`, {
              to: chosen.map((who, i) => ({ who, lead: i === 0 })),
              instruction,
              ...(due ? { due: endOf(due) } : {}),
            });
            say(w.forwarded);
            onDone();
          })
        }
        onClose={onClose}
      />
    </Dialog>
  );
}

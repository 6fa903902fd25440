// Test buttons beside what they test, and the one-click file for those who support the node. Each says what was tried, what was found, what to do.
import { useState } from 'preact/hooks';
import type { SelfTest, SelfTestName } from '../../contract-figures.ts';
import { post } from '../api.ts';
import { clockText } from '../format.ts';
import { useAct } from '../load.ts';
import { words } from '../words.ts';
import { testWords as w } from '../words-figures.ts';
import { ProblemNotice, Tag } from './basics.tsx';

const names: readonly SelfTestName[] = ['line', 'clock', 'certificate', 'scanner'];

export function SelfTests() {
  const [results, setResults] = useState<Partial<Record<SelfTestName, SelfTest>>>({});
  const [running, setRunning] = useState<SelfTestName>();
  const act = useAct();
  const run = (wanted: readonly SelfTestName[]) =>
    act.run(async () => {
      try {
        for (const name of wanted) {
          setRunning(name);
          const result = await post<SelfTest>(`/tests/${name}`);
          setResults((before) => ({ ...before, [name]: result }));
        }
      } finally {
        setRunning(undefined);
      }
    });
  return (
    <>
      <ProblemNotice problem={act.problem} />
      <div class="acts">
        <button type="button" class="main" data-main disabled={act.busy} onClick={() => run(names)}>
          {w.all}
        </button>
      </div>
      {names.map((name) => (
        <section key={name} class="card" aria-busy={running === name}>
          <h2>{w.titles[name]}</h2>
          <p class="muted">{w.hows[name]}</p>
          <div aria-live="polite">
            {running === name && <p>{w.running}</p>}
            {results[name] && running !== name && <Result result={results[name]} />}
          </div>
          <button
            type="button"
            disabled={act.busy}
            aria-label={w.runNamed(w.titles[name])}
            onClick={() => run([name])}
          >
            {w.run}
          </button>
        </section>
      ))}
      <section class="card">
        <h2>{w.bundle}</h2>
        <p class="muted">{w.bundleHow}</p>
        <a class="button" href="/c/v1/support-bundle" download>
          {w.bundleGet}
        </a>
      </section>
    </>
  );
}

function Result({ result }: { readonly result: SelfTest }) {
  return (
    <div class={`notice ${result.good ? 'good' : 'bad'}`}>
      <p>
        <strong>{result.good ? w.good : w.bad}</strong> <span class="muted">{clockText(result.atMs)}</span>
      </p>
      <ul class="steps">
        {result.steps.map((step) => (
          <li key={step.name}>
            <Tag tone={step.good ? 'good' : 'bad'}>{step.good ? w.stepGood : w.stepBad}</Tag> {step.name}:{' '}
            {step.found} {step.code && <span class="muted">{words.problem.code(step.code)}</span>}
            {step.remedyVi && <div>{step.remedyVi}</div>}
          </li>
        ))}
      </ul>
    </div>
  );
}

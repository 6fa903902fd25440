// Trợ giúp: the two main tasks, the keys, what an error message is made of. Short on purpose: help stands where the work is.
import { Link, Title } from '../widgets/basics.tsx';
import { words } from '../words.ts';
import { practiceWords } from '../words-practice.ts';

const w = words.help;

export function Help() {
  return (
    <>
      <Title>{w.title}</Title>
      <section class="card">
        <h2>{w.first}</h2>
        <p>{w.send}</p>
        <p>{w.receive}</p>
      </section>
      <section class="card">
        <h2>{practiceWords.title}</h2>
        <p>{practiceWords.linkHow}</p>
        <Link to="/thuc-hanh" class="button">
          {practiceWords.link}
        </Link>
      </section>
      <section class="card">
        <h2>{w.keys}</h2>
        <dl class="facts">
          {w.rows.map(([key, what]) => (
            <>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </>
          ))}
        </dl>
      </section>
      <section class="card">
        <h2>{w.contact}</h2>
        <p>{w.contactHow}</p>
      </section>
    </>
  );
}

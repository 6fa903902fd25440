// The whole: before signing in the one card, after it the frame with the screen that the address names. A session that ends while somebody writes
// is renewed in a dialog over the page; nothing on the page is lost.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Me, Start } from '../contract.ts';
import { get, onSessionEnded, Problem, type ProblemBody, problemOf, tellEntered } from './api.ts';
import { Frame } from './frame.tsx';
import { MeContext } from './me.ts';
import { go } from './router.ts';
import { SignIn } from './screens/sign-in.tsx';
import { Dialog, Loading, ProblemNotice } from './widgets/basics.tsx';
import { say, Toasts } from './widgets/toasts.tsx';
import { words } from './words.ts';

export function App() {
  const [start, setStart] = useState<Start>();
  const [me, setMe] = useState<Me>();
  const [ended, setEnded] = useState(false);
  const [problem, setProblem] = useState<ProblemBody>();

  async function look(): Promise<void> {
    setProblem(undefined);
    try {
      setStart(await get<Start>('/start'));
      setMe(await get<Me>('/me'));
      setEnded(false);
    } catch (error) {
      if (!(error instanceof Problem && error.body.code === 'session-ended')) setProblem(problemOf(error));
    }
  }
  useEffect(() => {
    void look();
  }, []);
  const asking = useRef(false);
  /** A request of the old session may be answered after the new one began: only who asks now and is refused is out. */
  function refused(): void {
    if (asking.current) return;
    asking.current = true;
    get<Me>('/me')
      .catch((error: unknown) => {
        if (error instanceof Problem && error.body.code === 'session-ended') setEnded(true);
      })
      .finally(() => {
        asking.current = false;
      });
  }
  useEffect(() => onSessionEnded(refused), []);

  async function entered(told: { failures: number; newBrowser: boolean }): Promise<void> {
    const before = me?.email;
    await look();
    if (told.failures > 0) say(words.signIn.failures(told.failures), { ms: 20_000 });
    // Another person at the same screen begins at the first screen, not in somebody's draft.
    const now = await get<Me>('/me');
    if (before !== undefined && before !== now.email) {
      setMe(undefined);
      go('/', { replace: true });
      setMe(now);
    } else tellEntered();
  }

  function left(): void {
    setMe(undefined);
    setEnded(false);
    go('/', { replace: true });
    void look();
  }

  return (
    <>
      {me ? (
        <MeContext.Provider value={me}>
          <Frame
            key={`${me.email} ${me.unit.unit}`}
            onLeft={left}
            onChanged={() => void look()}
            onEnded={refused}
          />
          {ended && (
            <Dialog title={words.signIn.title} onClose={undefined}>
              <p>{words.signIn.ended}</p>
              <SignIn start={start} email={me.email} onEntered={entered} />
            </Dialog>
          )}
        </MeContext.Provider>
      ) : start ? (
        <div class="entry">
          <main class="card" style={{ overflow: 'visible' }}>
            <SignIn start={start} email="" onEntered={entered} titled />
          </main>
        </div>
      ) : (
        <div class="entry">
          {problem ? <ProblemNotice problem={problem} again={() => void look()} /> : <Loading />}
        </div>
      )}
      {!me && <Toasts />}
    </>
  );
}

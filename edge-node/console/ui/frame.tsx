// The frame of every screen: who and where, the line to the hub in words, the menu with counts where somebody must act, the screen itself. A new
// document announces itself here: in the title, by a sound when it is flash, and on the desktop without any content.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { LiveEvent, Overview } from '../contract.ts';
import { get, post } from './api.ts';
import { chime } from './chime.ts';
import { nowMs, useWrongClock } from './clock.ts';
import { agoText } from './format.ts';
import { useKeys } from './keys.ts';
import { startLive, useLive } from './live.ts';
import { useLoad } from './load.ts';
import { useMay, useMe } from './me.ts';
import { cameBack, go, usePath } from './router.ts';
import { Screen } from './screen.tsx';
import { Link } from './widgets/basics.tsx';
import { say, Toasts } from './widgets/toasts.tsx';
import { words } from './words.ts';

type Status = {
  readonly hub: {
    readonly state: string;
    readonly lastContactMs?: number;
    readonly words: { readonly vi: string };
  };
};
type Props = { readonly onLeft: () => void; readonly onChanged: () => void; readonly onEnded: () => void };

export function Frame({ onLeft, onChanged, onEnded }: Props) {
  const me = useMe();
  const [open, setOpen] = useState(false);
  const path = usePath();
  const overview = useLoad<Overview>('/overview');
  const status = useLoad<Status>('/status');
  const main = useRef<HTMLElement>(null);
  useKeys();
  useEffect(() => startLive(onEnded), []);
  useEffect(() => {
    const timer = setInterval(() => {
      status.again();
      overview.again();
    }, 60_000);
    return () => clearInterval(timer);
  }, [status.again, overview.again]);
  useLive(
    (event) => {
      announce(event);
      if (event.kind === 'link' || event.kind === 'other') status.again();
      if (event.kind !== 'link') overview.again();
    },
    [status.again, overview.again],
  );
  useEffect(() => {
    setOpen(false);
    // A new screen begins at its top, for eyes and for a screen reader.
    if (!cameBack()) main.current?.focus({ preventScroll: true });
    overview.again();
  }, [path]);
  return (
    <div class="frame">
      <header class="head">
        {/* biome-ignore lint/a11y/useValidAnchor: a skip link, whose target is taken by focus so that the address stays the screen's. */}
        <a
          class="skip"
          href="#noi-dung"
          onClick={(event) => {
            event.preventDefault();
            main.current?.focus();
          }}
        >
          {words.menu.skip}
        </a>
        <button type="button" class="menu-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
          {words.menu.open}
        </button>
        <strong>{words.product}</strong>
        <span class="unit">{me.unit.name}</span>
        <span class="space" />
        {status.value && <LinkPill status={status.value} />}
        <Link to="/tai-khoan">{me.name}</Link>
        <button type="button" class="plain" onClick={() => void post('/sign-out').then(onLeft, onLeft)}>
          {words.menu.signOut}
        </button>
      </header>
      <Menu open={open} path={path} overview={overview.value} />
      <main id="noi-dung" ref={main} tabIndex={-1}>
        <WrongClock />
        <Screen path={path} overview={overview.value} onChanged={onChanged} />
      </main>
      <Toasts />
    </div>
  );
}

function WrongClock() {
  const aheadMs = useWrongClock();
  return aheadMs === undefined ? null : (
    <div class="notice warn" role="status">
      <p>{words.wrongClock(aheadMs)}</p>
    </div>
  );
}

function LinkPill({ status: { hub } }: { readonly status: Status }) {
  const good = hub.state === 'connected';
  const ago = good && hub.lastContactMs ? ` · ${agoText(hub.lastContactMs, nowMs())}` : '';
  return (
    <Link to="/he-thong" class={`pill ${good ? '' : hub.state === 'starting' ? 'waiting' : 'off'}`}>
      {words.link[hub.state] ?? hub.words.vi}
      {ago}
    </Link>
  );
}

function Menu({
  open,
  path,
  overview,
}: {
  readonly open: boolean;
  readonly path: string;
  readonly overview: Overview | undefined;
}) {
  const may = useMay();
  const at = path.split('?')[0]!;
  const inBox = path.startsWith(unsentAt);
  const item = (to: string, label: string, count?: number, urgent?: boolean) => (
    <li key={to}>
      <a
        href={to}
        aria-current={
          (inBox ? to === unsentAt : at === to || (to !== '/' && at.startsWith(`${to}/`)))
            ? 'page'
            : undefined
        }
        onClick={(event) => {
          event.preventDefault();
          go(to);
        }}
      >
        {label}
        {count !== undefined && count > 0 && <span class={`count ${urgent ? 'urgent' : ''}`}>{count}</span>}
      </a>
    </li>
  );
  const reads = may('document.read');
  return (
    <nav class={`nav ${open ? 'open' : ''}`} aria-label={words.menu.label}>
      {may('document.draft') && (
        <Link to="/soan" class="button main-act">
          {words.menu.compose}
        </Link>
      )}
      <ul>
        {item('/', words.menu.overview)}
        {reads && item('/den', words.menu.inbox, overview?.waiting, (overview?.unreadUrgent ?? 0) > 0)}
        {reads && item('/di', words.menu.outbox)}
        {may('document.draft') && item('/du-thao', words.menu.drafts, overview?.drafts)}
        {/* Only while something has not left, or did not arrive. */}
        {reads &&
          ((overview?.outbox ?? 0) > 0 || inBox) &&
          item(unsentAt, words.menu.unsent, overview?.outbox, (overview?.failed ?? 0) > 0)}
      </ul>
      <hr />
      <ul>
        {may('register.read') && item('/so', words.menu.registers)}
        {(may('document.progress') || may('statistics.read')) &&
          item('/theo-doi', words.menu.follow, overview?.tasks)}
        {may('statistics.read') && item('/thong-ke', words.menu.figures)}
        {item('/danh-ba', words.menu.directory)}
        {item('/he-thong', words.menu.system, may('node.operate') ? overview?.alarms : undefined, true)}
        {item('/tai-khoan', words.menu.account)}
        {item('/tro-giup', words.menu.help)}
      </ul>
    </nav>
  );
}

const unsentAt = '/di?trang-thai=unsent';

const plainTitle = () => document.title.replace(/^\(\d+\) /, '');
let waiting = 0;
addEventListener('focus', () => {
  waiting = 0;
  document.title = plainTitle();
});

/** Flash documents cannot be silenced here; others are told by words alone. No content in any of it. */
function announce(event: LiveEvent): void {
  if (event.kind !== 'arrived') return;
  const flash = event.urgency >= 3;
  const text = flash ? words.inbox.arrivedFlash : words.inbox.arrivedLive;
  say(text, { ms: flash ? 60_000 : 8_000, act: { label: words.menu.inbox, run: () => go('/den') } });
  if (flash) chime();
  if (!document.hasFocus()) {
    waiting += 1;
    document.title = `(${waiting}) ${plainTitle()}`;
    if ('Notification' in window && Notification.permission === 'granted')
      new Notification(words.product, { body: text, tag: 'lienthong', requireInteraction: flash });
  }
}

export const loadOverview = (): Promise<Overview> => get<Overview>('/overview');

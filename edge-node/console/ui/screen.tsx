// Which screen an address shows. The first segments are the ones that the server answers with the page (console/routes-pages-static.ts).
import type { Overview as Counts } from '../contract.ts';
import { todayIso } from './format.ts';
import { Account } from './screens/account.tsx';
import { Arrival } from './screens/arrival.tsx';
import { Compose } from './screens/compose.tsx';
import { Directory } from './screens/directory.tsx';
import { Drafts } from './screens/drafts.tsx';
import { Figures } from './screens/figures.tsx';
import { Follow } from './screens/follow.tsx';
import { Held } from './screens/held.tsx';
import { Help } from './screens/help.tsx';
import { Inbox } from './screens/inbox.tsx';
import { Outbox } from './screens/outbox.tsx';
import { Overview } from './screens/overview.tsx';
import { Practice } from './screens/practice.tsx';
import { Registers } from './screens/registers.tsx';
import { Sending } from './screens/sending.tsx';
import { System } from './screens/system.tsx';
import { Empty, Title } from './widgets/basics.tsx';
import { words } from './words.ts';

type Props = { readonly path: string; readonly overview: Counts | undefined; readonly onChanged: () => void };

export function Screen({ path, overview, onChanged }: Props) {
  const url = new URL(path, 'http://here');
  const [first = '', second, third] = url.pathname.split('/').slice(1);
  if (first === '') return <Overview overview={overview} />;
  if (first === 'den')
    return second ? (
      <Arrival key={second} id={second} />
    ) : (
      <Inbox key={url.searchParams.get('xem') ?? ''} state={url.searchParams.get('trang-thai') ?? ''} />
    );
  if (first === 'di')
    return second ? (
      <Sending key={second} id={second} />
    ) : (
      <Outbox key={url.searchParams.get('xem') ?? ''} state={url.searchParams.get('trang-thai') ?? ''} />
    );
  if (first === 'soan')
    return (
      <Compose
        key={second ?? 'new'}
        draft={second}
        to={url.searchParams.get('toi') ?? undefined}
        answers={url.searchParams.get('tra-loi') ?? undefined}
        replaces={url.searchParams.get('thay-the') ?? undefined}
        furtherOf={url.searchParams.get('gui-them') ?? undefined}
      />
    );
  if (first === 'so')
    return (
      <Registers
        kind={second === 'di' ? 'out' : 'in'}
        year={url.searchParams.get('nam') ?? todayIso().slice(0, 4)}
      />
    );
  if (first === 'theo-doi') return <Follow />;
  if (first === 'thong-ke') return <Figures month={url.searchParams.get('thang') ?? ''} />;
  if (first === 'giu-lai') return <Held />;
  if (first === 'du-thao') return <Drafts />;
  if (first === 'danh-ba') return <Directory />;
  if (first === 'he-thong') return <System tab={second ?? ''} sub={third} />;
  if (first === 'tai-khoan') return <Account onChanged={onChanged} />;
  if (first === 'thuc-hanh') return <Practice />;
  if (first === 'tro-giup') return <Help />;
  return (
    <>
      <Title>{words.notFound.title}</Title>
      <Empty title={words.notFound.title} how={words.notFound.how} />
    </>
  );
}

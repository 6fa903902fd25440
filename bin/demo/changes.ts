// The second act of the demo: what offices do with a document after it has arrived. A registered number comes back, a document is returned
// with its reason, one is recalled over two hubs and destroyed, one is replaced. Every word shown is the sender's own view of it.
import type { DocumentView, RecipientView } from '../../edge-node/core.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import type { District, Office } from './district.ts';
import { whenChecked } from './story.ts';

type Say = (line: string) => void;
/** `good`: the sender saw it as it should be. */
export type Change = {
  readonly what: string;
  readonly who: string;
  readonly seen: string;
  readonly good: boolean;
};

const patienceMs = 60_000;

/** In order, each seen at the sender before the next begins. */
export async function playChanges({ offices }: District, say: Say): Promise<Change[]> {
  const { district, communeA, communeB, province } = offices;
  const changes: Change[] = [];
  const note = (change: Change) => {
    changes.push(change);
    say(`  ${change.good ? '✓' : '✗'} ${change.what} — ${change.who}: ${change.seen}`);
  };
  say('Sau khi văn bản tới nơi: số đến, trả lại, thu hồi, thay thế');

  const first = await handIn(district, {
    number: '301',
    subject: 'Về việc tổng kết năm',
    to: [communeA, communeB],
  });
  await reach(district, first, communeA, ({ status }) => status?.code === '01');
  await reach(district, first, communeB, ({ status }) => status?.code === '01');
  await act(communeA, `/v1/inbox/${first}/status`, {
    code: '03',
    registeredNumber: '214',
    person: 'Nguyễn Thị Bình',
  });
  note(
    await outcome(
      'Tiếp nhận, vào sổ',
      communeA,
      reach(district, first, communeA, ({ status }) => status?.registeredNumber === '214'),
    ),
  );
  await act(communeB, `/v1/inbox/${first}/status`, {
    code: '02',
    reason: 4,
    text: 'Thuộc địa bàn xã Bình Mẫu',
  });
  note(
    await outcome(
      'Trả lại',
      communeB,
      reach(district, first, communeB, ({ status }) => status?.code === '02'),
    ),
  );

  const wrong = await handIn(district, {
    number: '302',
    subject: 'Gửi nhầm dự thảo',
    to: [communeB, province],
  });
  for (const office of [communeB, province])
    await reach(district, wrong, office, ({ status }) => status?.code === '01');
  await act(district, `/v1/documents/${wrong}/recall`, { reason: 'Gửi nhầm bản dự thảo' });
  for (const office of [communeB, province])
    note(
      await outcome(
        'Thu hồi',
        office,
        reach(district, wrong, office, ({ change }) => change?.state === 'agreed'),
      ),
    );

  const next = await handIn(district, {
    number: '303',
    subject: 'Về việc tổng kết năm (thay thế)',
    to: [communeA],
    replaces: first,
  });
  await reach(district, next, communeA, ({ status }) => status?.code === '01');
  const old = await communeA.running.ask<DocumentView>('GET', `/v1/inbox/${first}`);
  note({
    what: 'Thay thế',
    who: communeA.name,
    seen: old.replacedBy.includes(next)
      ? 'Văn bản 301 đã được thay thế bằng 303, bản cũ vẫn giữ'
      : 'chưa thay thế',
    good: old.replacedBy.includes(next) && old.metadata !== undefined,
  });
  return changes;
}

const act = (office: Office, path: string, body: object): Promise<unknown> =>
  whenChecked(() => office.running.ask('POST', path, body));

type Letter = {
  readonly number: string;
  readonly subject: string;
  readonly to: readonly Office[];
  readonly replaces?: string;
};

async function handIn(from: Office, letter: Letter): Promise<string> {
  const { number, subject, to, replaces } = letter;
  const { documentId } = await from.running.ask<{ documentId: string }>('POST', '/v1/documents', {
    idempotencyKey: `demo ${number}`,
    recipients: to.map(({ code }) => code),
    parts: [
      {
        name: `${number}.txt`,
        mediaType: 'text/plain',
        contentBase64: Buffer.from(subject).toString('base64'),
      },
    ],
    subject,
    number,
    notation: 'UBND-VP',
    type: 'Công văn',
    signers: [{ name: 'Trần Văn Mẫu', position: 'Phó Chủ tịch', competence: 'KT.' }],
    ...(replaces
      ? {
          kind: 'replacement',
          reason: 'Sai số liệu',
          links: [{ relation: 'replaces', documentId: replaces }],
        }
      : {}),
  });
  return documentId;
}

/** The sender's view of one recipient, as soon as it fits; the last one if it never does. */
async function reach(
  sender: Office,
  documentId: string,
  { code }: Office,
  fits: (recipient: RecipientView) => boolean,
): Promise<{ readonly recipient: RecipientView | undefined; readonly good: boolean }> {
  const untilMs = systemClock.monotonicMs() + patienceMs;
  for (;;) {
    const view = await sender.running.ask<DocumentView>('GET', `/v1/documents/${documentId}`);
    const recipient = view.envelopes
      .flatMap(({ recipients }) => recipients)
      .find((each) => each.code === code);
    if (recipient && fits(recipient)) return { recipient, good: true };
    if (systemClock.monotonicMs() > untilMs) return { recipient, good: false };
    await systemClock.sleep(100);
  }
}

async function outcome(what: string, office: Office, seen: ReturnType<typeof reach>): Promise<Change> {
  const { recipient, good } = await seen;
  const words = recipient?.change?.words.vi ?? recipient?.status?.words.vi ?? 'chưa thấy';
  return { what, who: office.name, seen: words, good };
}

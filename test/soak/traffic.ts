// The office software of the soak: hands documents in under idempotency keys, repeats what was not answered or is not finished, asks for the end
// of each. It never gives up while it may go on, and never sends the same key with other content.
import { isExchangeError } from '../../protocol/errors.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { handIn, type Office, type Paper, showSent } from '../support/processes.ts';
import type { Chance } from './random.ts';

export type Tracked = Paper & {
  /** When the node first answered for it. */
  acknowledgedMs: number | undefined;
  final: boolean;
  /** Ids under which it was acknowledged; more than one only where the node's store was restored in between. */
  readonly ids: string[];
  /** How often the node's store had been restored at the last acknowledgement. */
  restoresSeen: number;
  lastError: string;
};

export type TrafficOptions = {
  readonly offices: readonly Office[];
  readonly chance: Chance;
  readonly largestBytes: number;
  /** Restores of this office's node so far. */
  readonly restoresOf: (office: Office) => number;
  /** A promise of the program that it did not keep. */
  readonly wrong: (line: string) => void;
  /** True: nothing new is handed in any more. */
  readonly ended: () => boolean;
  /** True: give up, the run is over. */
  readonly over: () => boolean;
};

const urgencies = ['normal', 'urgent', 'veryUrgent', 'flash', 'flashTimed'] as const;
const deskCount = 2;
const recipientsMax = 6;
/** Large documents on their way at once, in the whole district: the machine's disk is not what is tried here. */
const largeMax = 3;

export function startTraffic(options: TrafficOptions): { papers: Tracked[]; done: Promise<unknown> } {
  const papers: Tracked[] = [];
  const follows: Promise<void>[] = [];
  let largeNow = 0;

  function draw(office: Office, chance: Chance): Tracked {
    const others = options.offices.filter((each) => each !== office);
    const to = chance.some(others, chance.next() < 0.6 ? 1 : chance.whole(1, recipientsMax));
    const key = `paper ${papers.length} of ${office.code}.`;
    const kind = largeNow < largeMax ? chance.next() : chance.next() * 0.85;
    const lengthBytes =
      kind < 0.1
        ? 1
        : kind < 0.6
          ? chance.whole(1, 20_000)
          : kind < 0.85
            ? chance.whole(20_000, 262_144)
            : kind < 0.95
              ? chance.whole(262_145, 3_000_000)
              : kind < 0.99
                ? chance.whole(3_000_000, 9_000_000)
                : options.largestBytes;
    const first = { seed: key, lengthBytes: Math.min(lengthBytes, options.largestBytes) };
    const more = chance.next() < 0.2 ? [{ seed: `${key} annex`, lengthBytes: chance.whole(1, 40_000) }] : [];
    const fresh = { documentId: undefined, acknowledgedMs: undefined, final: false, lastError: '' };
    return {
      key,
      from: office,
      to,
      parts: [first, ...more],
      urgency: chance.pick(urgencies),
      ids: [],
      restoresSeen: 0,
      ...fresh,
    };
  }

  async function desk(office: Office, chance: Chance): Promise<void> {
    while (!options.ended()) {
      const paper = draw(office, chance);
      papers.push(paper);
      const large = paper.parts[0]!.lengthBytes > 262_144;
      if (large) largeNow += 1;
      await handInUntilAnswered(paper, options);
      follows.push(
        follow(paper, options).finally(() => {
          if (large) largeNow -= 1;
        }),
      );
      await systemClock.sleep(chance.whole(100, 1200));
    }
  }

  const desks = options.offices.flatMap((office) =>
    Array.from({ length: deskCount }, (_, i) =>
      desk(office, options.chance.fork(`${office.code} desk ${i}`)),
    ),
  );
  const done = Promise.all(desks).then(() => Promise.all(follows));
  return { papers, done };
}

/** The same request, again and again, until there is an answer. */
async function handInUntilAnswered(paper: Tracked, options: TrafficOptions): Promise<void> {
  while (!options.over()) {
    const restores = options.restoresOf(paper.from);
    try {
      const { documentId } = await handIn(paper);
      const known = paper.documentId;
      // A store that is an older one may have forgotten what had not left it: only then a second id is right.
      if (
        known !== undefined &&
        known !== documentId &&
        paper.restoresSeen === options.restoresOf(paper.from)
      )
        options.wrong(`${paper.key}: acknowledged as ${known}, then as ${documentId}`);
      if (known !== documentId) paper.ids.push(documentId);
      paper.documentId = documentId;
      paper.restoresSeen = restores;
      paper.acknowledgedMs ??= systemClock.monotonicMs();
      return;
    } catch (error) {
      paper.lastError = isExchangeError(error) ? `${error.code} ${error.detail}` : String(error);
      if (isExchangeError(error) && error.row.retry === 'never') {
        options.wrong(`${paper.key}: refused with ${paper.lastError}`);
        return;
      }
      await systemClock.sleep(250);
    }
  }
}

/** Asks until everybody's end is known; hands in again what the node does not know any more, and now and then for no reason. */
async function follow(paper: Tracked, options: TrafficOptions): Promise<void> {
  const moving: readonly string[] = ['queued', 'accepted', 'relayed'];
  let waitMs = 400;
  for (let asked = 1; !options.over(); asked += 1) {
    await systemClock.sleep(waitMs);
    waitMs = Math.min(3_000, waitMs * 1.5);
    try {
      if (asked % 7 === 0) await handInUntilAnswered(paper, options);
      const view = await showSent(paper.from, paper.documentId ?? '');
      paper.lastError = view.envelopes[0]?.lastError ?? '';
      paper.final = view.envelopes[0]?.recipients.every(({ state }) => !moving.includes(state)) ?? false;
      if (paper.final) return;
    } catch (error) {
      paper.lastError = isExchangeError(error) ? `${error.code} ${error.detail}` : String(error);
      if (isExchangeError(error, 'document-unknown')) await handInUntilAnswered(paper, options);
    }
  }
}

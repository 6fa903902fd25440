// Fetches the large parts of arrivals into the content folder, several documents at once, bounded: small documents never wait behind a
// large one. Each range that is asked for renews the lease at the hub. What is fetched survives a restart; the row does not exist
// before the last byte is verified.
import { isExchangeError } from '../../protocol/errors.ts';
import { crashPoint } from '../../protocol/node/crash.ts';
import { downloadPart } from '../../protocol/node/transfer.ts';
import type { EdgeContext } from '../context.ts';
import type { TakenDelivery } from '../store/types.ts';

export type Fetching = { delivery: TakenDelivery; readonly large: readonly number[] };
export type Downloads = {
  /** False: too many wait, the hub should hand it out again later. A delivery that is already being fetched takes its newer ids over. */
  add(fetching: Fetching): boolean;
  count(): number;
  /** Resolves when nothing is being fetched. */
  settled(): Promise<void>;
};

/** Within a lease: a part that made no progress for this long is given back, so that the line serves others. */
const patienceMs = 10 * 60_000;

export function createDownloads(
  context: EdgeContext,
  options: {
    readonly signal: AbortSignal;
    /** All parts are in place. */
    readonly done: (delivery: TakenDelivery) => Promise<void>;
    /** The document goes back to the hub, or is refused, by the code. */
    readonly failed: (delivery: TakenDelivery, error: unknown) => Promise<void>;
  },
): Downloads {
  const { clock, content, link, disk, config, log } = context;
  const { signal } = options;
  const waiting: Fetching[] = [];
  const known = new Map<string, Fetching>();
  const running = new Set<Promise<void>>();

  const keyOf = ({ sender, envelopeId }: TakenDelivery): string =>
    `${sender} ${Buffer.from(envelopeId).toString('hex')}`;

  async function fetchAll(fetching: Fetching): Promise<void> {
    const { parts } = fetching.delivery;
    for (const index of fetching.large) {
      const { length: lengthBytes, sha256, treeRoot } = parts[index]!;
      disk.assertRoom(lengthBytes);
      // The newest id: after a lapsed lease the hub has handed it out again.
      const deliveryId = String(fetching.delivery.recipients[0]!.deliveryId);
      const wanted = { deliveryId, part: index, lengthBytes, sha256, treeRoot };
      await downloadPart(link.downloads, content, wanted, {
        clock,
        signal,
        random: context.random,
        patienceMs,
      });
    }
  }

  async function run(fetching: Fetching): Promise<void> {
    try {
      await fetchAll(fetching);
      // 3 Every large part is in the content folder; a crash here finds them there and fetches nothing again.
      crashPoint('receive.3');
      await options.done(fetching.delivery);
    } catch (error) {
      if (signal.aborted) return;
      if (!isExchangeError(error)) log.error({ event: 'worker.waiting', worker: 'downloads', err: error });
      await options.failed(fetching.delivery, error);
    }
  }

  function start(): void {
    while (running.size < config.receive.downloads && waiting.length > 0) {
      const fetching = waiting.shift()!;
      const work = run(fetching).finally(() => {
        running.delete(work);
        known.delete(keyOf(fetching.delivery));
        if (!signal.aborted) start();
      });
      running.add(work);
    }
  }

  return {
    add(fetching) {
      const same = known.get(keyOf(fetching.delivery));
      if (same && Buffer.compare(same.delivery.digest, fetching.delivery.digest) === 0) {
        same.delivery = fetching.delivery;
        return true;
      }
      if (same || waiting.length >= config.receive.waitingMax) return false;
      known.set(keyOf(fetching.delivery), fetching);
      waiting.push(fetching);
      start();
      return true;
    },
    count: () => known.size,
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

// What every part of a border shares. Made once by border.ts.
import type { Directory } from '../../protocol/directory.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { ContentStore } from '../../protocol/node/content-store.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { SigningKey } from '../../protocol/signature.ts';
import type { ContentTurns } from '../content-turns.ts';
import type { SettleDeps } from '../delivery/statements.ts';
import type { AcceptDeps } from '../ingress/accept.ts';
import type { BorderStore } from '../store/border-store.ts';
import type { HubStore } from '../store/store.ts';
import type { Connector } from './connector.ts';
import type { BorderPlaces } from './places.ts';

/** As `lienthong hub upstream add` stores it. Times in seconds, for people. */
export type BorderSettings = {
  readonly url: string;
  readonly systemId: string;
  /** Code of the system or centre under which offices are registered. */
  readonly parentCode: string;
  /** PEM of the CAs that the other side's certificate hangs under; '' uses those of the machine. */
  readonly ca: string;
  /** How often it is asked for new messages. */
  readonly pollSeconds: number;
  /** How often the list of offices is asked for changes. */
  readonly directorySeconds: number;
  /** The largest message that may leave; 0 is without bound. No official number is known. */
  readonly messageBytesMax: number;
};

export const borderDefaults: BorderSettings = {
  url: '',
  systemId: '',
  parentCode: '',
  ca: '',
  // The documents of one hub's offices in one question; five code bases ask every few minutes, and a clerk waits for it.
  pollSeconds: 60,
  directorySeconds: 3600,
  messageBytesMax: 0,
};

/** VN-DOMAIN §2.3: five tries at 30, 60, 120, 240 and 480 seconds, then every quarter of an hour. Who polls faster tries faster. */
export function retryWaitMs(attempts: number, { pollSeconds }: BorderSettings): number {
  const firstSeconds = Math.min(30, Math.max(1, pollSeconds));
  return 1000 * Math.min(900, firstSeconds * 2 ** Math.min(10, Math.max(0, attempts - 1)));
}

export type BorderRecord = {
  readonly name: string;
  readonly connector: string;
  readonly system: string;
  readonly unit: string;
  readonly node: string;
  readonly settings: BorderSettings;
  readonly state: 'active' | 'paused';
  readonly directoryVersion: number;
  readonly directoryMs: number | null;
};

export type BorderContext = AcceptDeps &
  SettleDeps & {
    readonly record: BorderRecord;
    readonly key: SigningKey;
    readonly connector: Connector;
    readonly places: BorderPlaces;
    readonly store: HubStore;
    readonly border: BorderStore;
    readonly directory: () => Directory;
    readonly content: ContentStore;
    readonly clock: Clock;
    readonly log: Log;
    readonly random: () => number;
    readonly turns: ContentTurns;
  };

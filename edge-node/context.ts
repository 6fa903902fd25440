// What the workers of a node share, made once by edge.ts and passed on as plain objects.
import type { Signers } from '../certs/signers.ts';
import type { AtRestState } from '../protocol/node/at-rest/master.ts';
import type { Clock } from '../protocol/node/clock.ts';
import type { ContentStore } from '../protocol/node/content-store.ts';
import type { HubLink } from '../protocol/node/hub-link.ts';
import type { Log } from '../protocol/node/logger.ts';
import type { Verifier } from '../protocol/signature.ts';
import type { EdgeConfig } from './config.ts';
import type { EdgeEvent } from './core.ts';
import type { DirectoryCache } from './directory-cache.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { Identity } from './identity.ts';
import type { Line } from './line.ts';
import type { UploadProgress } from './outbox/progress.ts';
import type { Safety } from './safety/safety.ts';
import type { Store } from './store/store.ts';

export type EdgeContext = {
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** Fresh random bytes for ids and salts. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** [0,1), for jitter. */
  readonly random: () => number;
  readonly store: Store;
  readonly content: ContentStore;
  readonly directory: DirectoryCache;
  readonly signers: Signers;
  readonly verifier: Verifier;
  readonly disk: DiskGuard;
  readonly link: HubLink;
  readonly line: Line;
  /** Of large parts that are on their way to the hub. */
  readonly uploading: UploadProgress;
  readonly safety: Safety;
  /** How the data lie on this disk. */
  readonly atRest: () => AtRestState | undefined;
  /** Changes at `reloadIdentity`. */
  readonly identity: () => Identity;
  readonly emit: (event: EdgeEvent) => void;
};

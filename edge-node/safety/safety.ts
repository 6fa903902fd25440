// What a node checks documents with: the policy file, the inspection process, the scanner. Made once by edge.ts. It decides nothing itself:
// quick.ts looks at once, checker.ts looks to the end, protocol/safety/findings.ts decides.
import { createInspector, type Inspector } from '../../certs/inspect/inspector.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { openPolicyFile, type PolicyFile } from '../../protocol/node/safety/policy-file.ts';
import { createScanner, type Scanner } from '../../protocol/node/safety/scanner.ts';
import type { EdgeConfig } from '../config.ts';
import type { Store } from '../store/store.ts';

export type Safety = {
  readonly policy: PolicyFile;
  readonly inspector: Inspector;
  readonly scanner: Scanner;
  /** A check was begun. Set by the worker. */
  nudge: () => void;
};

export function createSafety(options: {
  readonly dir: string;
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
}): Safety {
  const { dir, config, clock, log, store } = options;
  const anchorsDir = config.safety?.anchorsDir;
  return {
    policy: openPolicyFile(dir, {
      onMistake({ line, en }) {
        log.error({ event: 'policy.refused', line, said: en });
        const said = `policy.conf:${line}: ${en}`;
        void store
          .write('alarm', { atMs: clock.nowMs(), code: 'policy-invalid', about: 'policy.conf', said })
          .catch((err: unknown) => log.error({ event: 'request.internal', err }));
      },
    }),
    inspector: createInspector({ clock, ...(anchorsDir === undefined ? {} : { anchorsDir }) }),
    scanner: createScanner(config.safety?.scanner, clock),
    nudge: () => {},
  };
}

// What operators reach of a hub: the control socket, on which commands speak, and the local port for health and figures. Under hub.ts. Must never be
// reached from another machine: who may use the socket is the folder's mode, and the local port answers nothing that names a document.
import { atRestState, modeWords } from '../../protocol/node/at-rest/master.ts';
import { createServer } from '../../protocol/node/http-server.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { Borders } from '../axis/borders.ts';
import { createHealth, type HealthDeps } from '../health.ts';
import type { OwnCertificates } from '../own-certificates.ts';
import type { createHubSafety } from '../safety/safety.ts';
import type { Removals } from '../takedown/removals.ts';
import type { Admin } from './acts.ts';
import { addBorderOfficeRoutes } from './border-office-routes.ts';
import { addBorderRoutes } from './border-routes.ts';
import { addCaRoutes } from './ca-routes.ts';
import { nameCallers } from './caller.ts';
import { addConsoleCertificateRoutes } from './console-certificate.ts';
import { commandActor } from './operators.ts';
import { type AdminRoutes, addAdminRoutes, adminBodyBytesMax } from './routes.ts';
import { addSafetyRoutes } from './safety-routes.ts';
import { addTakedownRoutes } from './takedown-routes.ts';

export type OperatorSide = HealthDeps &
  Required<Pick<AdminRoutes, 'upstreamChanged' | 'invitationMs'>> & {
    readonly dir: string;
    readonly log: Log;
    readonly via: 'socket' | 'files';
    /** The account of this process, as the system names it. */
    readonly owner: string;
    readonly admin: Admin;
    readonly own: OwnCertificates;
    readonly removals: Removals;
    readonly borders: Borders;
    readonly safety: ReturnType<typeof createHubSafety>;
    readonly aboveHubId: () => string;
    readonly wake: (peers: readonly string[]) => void;
    /** Further facts for `hub status`. */
    readonly live: () => Readonly<Record<string, unknown>>;
  };

/** Nothing listens yet. */
export function openOperatorSide(deps: OperatorSide) {
  const { dir, log, clock, store, admin, own, safety } = deps;
  const health = createHealth(deps);
  const local = createServer({ log, clock, bodyLimitBytes: 1024 });
  health.addRoutes(local.app);
  const control = createServer({ log, clock, bodyLimitBytes: adminBodyBytesMax });
  nameCallers(control.app, commandActor({ store, clock, log, via: deps.via, owner: deps.owner }));
  const atRest = () => {
    const { mode, ...state } = atRestState(dir) ?? { mode: 'off' as const };
    return { mode, ...state, words: modeWords[mode] };
  };
  addAdminRoutes(control.app, admin, {
    invitationMs: deps.invitationMs,
    live: () => ({ safety: safety.status(), atRest: atRest(), checks: health.checks(), ...deps.live() }),
    upstreamChanged: deps.upstreamChanged,
    upstream: deps.aboveHubId,
  });
  addCaRoutes(control.app, admin, own);
  addConsoleCertificateRoutes(control.app, admin, own);
  addSafetyRoutes(control.app, admin, deps.wake);
  addTakedownRoutes(control.app, admin, deps.removals);
  health.addRoutes(control.app);
  addBorderRoutes(control.app, admin, deps.borders);
  addBorderOfficeRoutes(control.app, admin, deps.borders);
  return { local, control: control.app };
}

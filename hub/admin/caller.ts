// Who makes the running request, for the audit: kept beside the request (AsyncLocalStorage) from a listener's hook to the operation, so that
// no route has to carry it and none can forget it. A claim of the command line is a claim; only a passphrase proves an operator.
// Must never let a peer or a person choose the name under which an act is recorded.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hubPeer } from '../peers.ts';
import { type Actor, programActor } from '../store/audit.ts';

const storage = new AsyncLocalStorage<Actor>();

/** The actor of the running request; the program itself outside of one. */
export const actorNow = (): Actor => storage.getStore() ?? programActor;

/** Gives every request of `app` its actor. After the body was read, since a body's events leave the context; before every handler. */
export function nameCallers(
  app: FastifyInstance,
  actorOf: (request: FastifyRequest) => Actor | Promise<Actor>,
): void {
  app.addHook('preValidation', (request, _reply, done) => {
    const actor = actorOf(request);
    // At once where nothing is proved: documents pass here too.
    if (!(actor instanceof Promise)) storage.run(actor, done);
    else actor.then((proved) => storage.run(proved, done), done);
  });
}

/** A peer of the exchange: its certificate names it. */
export function peerActor(request: FastifyRequest): Actor {
  const { kind, id } = hubPeer(request.peer);
  return { who: `${kind}:${id}`, from: `exchange ${request.ip}` };
}

/**
 * What a command says of itself: account, machine, and who stands behind sudo. On the control socket (mode 0600) only its owner and root can
 * speak: the system vouches for that and for no more, since a program without native code cannot ask who is at the other end.
 */
export type CallerClaim = {
  readonly account: string;
  readonly host: string;
  /** Account that called sudo, address of the ssh client, terminal: where the system knows them. */
  readonly sudo?: string;
  readonly ssh?: string;
  /** Proved by `passphrase`, which is verified and forgotten. */
  readonly operator?: string;
  readonly passphrase?: string;
};

export const callerHeader = 'lienthong-caller';

export const callerHeaders = (claim: CallerClaim | undefined): Record<string, string> =>
  claim ? { [callerHeader]: Buffer.from(JSON.stringify(claim)).toString('base64url') } : {};

const short = (value: unknown): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is recorded is read on terminals.
  typeof value === 'string' ? value.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, 64) : '';

/** Undefined when there is no claim, or none that can be read: an older command. */
export function claimOf(header: unknown): CallerClaim | undefined {
  if (typeof header !== 'string' || header.length > 4096) return undefined;
  try {
    const said = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as Record<string, unknown>;
    return {
      account: short(said.account),
      host: short(said.host),
      ...(said.sudo ? { sudo: short(said.sudo) } : {}),
      ...(said.ssh ? { ssh: short(said.ssh) } : {}),
      ...(said.operator ? { operator: short(said.operator) } : {}),
      ...(typeof said.passphrase === 'string' ? { passphrase: said.passphrase.slice(0, 1024) } : {}),
    };
  } catch {
    // Not JSON: nothing is claimed.
    return undefined;
  }
}

/**
 * The actor of a command on the control socket (or on the files of a stopped hub). `proved`: the operator's name, verified. `owner` is the
 * account that the process runs under: whoever says another one, and is not root, is named by it, with what he said beside it.
 */
export function actorOfClaim(
  claim: CallerClaim | undefined,
  via: string,
  { proved, owner }: { readonly proved?: string; readonly owner?: string } = {},
): Actor {
  if (!claim) return { who: 'account:unknown', from: via };
  const { sudo, host, ssh } = claim;
  const possible = owner === undefined || claim.account === owner || claim.account === 'root';
  const account = possible ? claim.account : `${owner} (said ${claim.account})`;
  const person = sudo && sudo !== account ? `${account} (sudo ${sudo})` : account;
  return {
    who: proved === undefined ? `account:${person}` : `operator:${proved}`,
    from: [
      via,
      host,
      ...(ssh ? [`ssh ${ssh}`] : []),
      ...(proved === undefined ? [] : [`account ${person}`]),
    ].join(', '),
  };
}

// Passphrases of operators: made into verifiers (scrypt, RFC 7914) and checked. A verifier is stored, a passphrase never.
// Must never tell by words or by time whether it was the name or the passphrase that was wrong.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Log } from '../../protocol/node/logger.ts';
import type { Actor } from '../store/audit.ts';
import type { HubStore } from '../store/store.ts';
import { actorOfClaim, callerHeader, claimOf } from './caller.ts';

/** 32 MiB and about 0.1 s for one try: a thief of the database tries a million in a day at most. */
const cost = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const HASH_BYTES = 32;
/** Shorter ones fall to a list of words; the bound above keeps a try cheap to refuse. */
const PASSPHRASE_CHARS = { min: 10, max: 1024 } as const;

function derive(passphrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // One text typed on two keyboards (Telex, VNI) may be composed or decomposed letters.
    scrypt(passphrase.normalize('NFKC'), salt, HASH_BYTES, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

/** `request-malformed` when it is too short to keep anybody out. */
export async function makeVerifier(passphrase: string): Promise<string> {
  const { length } = [...passphrase];
  if (length < PASSPHRASE_CHARS.min || length > PASSPHRASE_CHARS.max)
    throw new ExchangeError(
      'request-malformed',
      `a passphrase has ${PASSPHRASE_CHARS.min} characters or more`,
    );
  const salt = randomBytes(16);
  return `scrypt$${cost.N}$${cost.r}$${salt.toString('base64')}$${(await derive(passphrase, salt)).toString('base64')}`;
}

/**
 * `request-malformed` when another operator has the same passphrase: two names behind one secret are one person. About 0.1 s for each
 * operator.
 */
export async function assertOwnPassphrase(
  store: Pick<HubStore, 'reader'>,
  { name, passphrase }: { readonly name: string; readonly passphrase: string },
): Promise<void> {
  const others = store.reader.all<{ verifier: string }>(
    'SELECT verifier FROM operators WHERE removed_ms IS NULL AND name <> ?',
    name,
  );
  for (const { verifier } of others)
    if (await verifies(verifier, passphrase))
      throw new ExchangeError('request-malformed', 'another operator has this passphrase');
}

async function verifies(verifier: string | undefined, passphrase: string): Promise<boolean> {
  const [, , , salt = '', wanted = ''] = (verifier ?? '').split('$');
  const made = await derive(passphrase, salt ? Buffer.from(salt, 'base64') : Buffer.alloc(16));
  const expected = Buffer.from(wanted, 'base64');
  return expected.length === made.length && timingSafeEqual(expected, made);
}

export function assertOperatorName(name: string): string {
  if (!/^[a-z][a-z0-9._-]{1,31}$/.test(name))
    throw new ExchangeError('request-malformed', 'an operator name is 2 to 32 of a-z 0-9 . _ -');
  return name;
}

/** Throws `operator-refused`, with an alarm: somebody on this machine tries names. Returns the name. */
export async function proveOperator(
  store: Pick<HubStore, 'reader' | 'alarm'>,
  claim: { readonly operator: string; readonly passphrase: string },
  nowMs: number,
): Promise<string> {
  const row = store.reader.get<{ verifier: string }>(
    'SELECT verifier FROM operators WHERE name = ? AND removed_ms IS NULL',
    claim.operator,
  );
  // Also for a name that is none: it takes as long.
  if (await verifies(row?.verifier, claim.passphrase)) return claim.operator;
  const said = 'a wrong passphrase, or a name that is no operator';
  await store.alarm({ code: 'operator-refused', about: claim.operator.slice(0, 64), said, nowMs });
  throw new ExchangeError('operator-refused');
}

/** The actor of each command: what it claims, and as operator only what its passphrase proves. `operator-needed` without one. */
export function commandActor(deps: {
  readonly store: Pick<HubStore, 'reader' | 'alarm'>;
  readonly clock: Clock;
  readonly log: Log;
  /** `socket`: the running hub; `files`: a hub that is not running. */
  readonly via: string;
  /** The account of this process, as the system names it. */
  readonly owner?: string;
}): (request: FastifyRequest) => Actor | Promise<Actor> {
  const { store, clock, log, via } = deps;
  const owner = deps.owner === undefined ? {} : { owner: deps.owner };
  return (request) => {
    const claim = claimOf(request.headers[callerHeader]);
    if (claim?.operator === undefined) return actorOfClaim(claim, via, owner);
    const { operator, passphrase } = claim;
    if (passphrase === undefined) return Promise.reject(new ExchangeError('operator-needed'));
    return proveOperator(store, { operator, passphrase }, clock.nowMs()).then(
      (name) => actorOfClaim(claim, via, { ...owner, proved: name }),
      (error: unknown) => {
        if (isExchangeError(error, 'operator-refused'))
          log.warn({ event: 'operator.refused', said: operator });
        throw error;
      },
    );
  };
}

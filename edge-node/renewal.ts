// Renews this node's certificates by itself in the last third of their life: the next key is durable before the hub is asked, the same
// request is asked again until it is answered, and old and new overlap. A connection certificate is used at once; a seal when the
// directory has named it for a while, so that no receiver meets a stranger. Must never touch what works for the sake of what might.
import type { Certificate } from '../certs/certificate.ts';
import { keepNext, nextKeyOf, type PairFiles, readNext, takeNext } from '../certs/pair-files.ts';
import { certificatePem } from '../certs/pem.ts';
import { renewalDueMs } from '../certs/profile.ts';
import { buildRenewal, type RenewableRole, settledMs, verifyRenewed } from '../certs/renewal.ts';
import { renewalTimeMs } from '../certs/roots.ts';
import { issuingOf } from '../certs/signers.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { backoffMs } from '../protocol/node/clock.ts';
import { type StepResult, startWorker, type WorkLoop } from '../protocol/node/worker.ts';
import type { SigningKey } from '../protocol/signature.ts';
import type { EdgeContext } from './context.ts';
import { firstCertificate, nodePair, sealPair } from './identity.ts';

/** A look costs microseconds, and the clock of a machine that slept or was set has moved without a timer noticing. */
const lookMs = 2_000;

type Holder = {
  readonly role: RenewableRole;
  readonly subject: string;
  readonly pair: PairFiles;
  readonly present: Certificate;
  readonly key: SigningKey;
};

export type RenewalHooks = {
  readonly dir: string;
  /** Reads the folder again and uses what lies there. */
  readonly reload: () => Promise<void>;
};

export function startRenewal(context: EdgeContext, { dir, reload }: RenewalHooks): WorkLoop {
  const { clock, line, link, log, store, identity } = context;
  const askedAgainMs = new Map<string, { readonly sinceMs: number; readonly nextMs: number }>();

  function holders(): Holder[] {
    const { nodeId, tlsCertificate, tlsKey, units } = identity();
    const seals = units.map(
      ({ unit, certificate, key }): Holder => ({
        role: 'unit-seal',
        subject: unit,
        pair: sealPair(dir, unit),
        present: certificate,
        key,
      }),
    );
    const tls = { subject: nodeId, pair: nodePair(dir), present: tlsCertificate, key: tlsKey };
    return [{ role: 'node-tls', ...tls }, ...seals];
  }

  async function step(signal: AbortSignal): Promise<StepResult> {
    let changed = false;
    let asked = false;
    for (const holder of holders()) {
      const waiting = readNext(holder.pair);
      if (waiting !== undefined && settled(holder, firstCertificate(waiting))) {
        takeNext(holder.pair);
        changed = true;
      } else if (waiting === undefined && clock.nowMs() >= dueMs(holder))
        asked = (await ask(holder, signal)) || asked;
    }
    if (changed) await reload();
    return asked ? 'more' : 'idle';
  }

  function dueMs({ present }: Holder): number {
    const { hubId, anchors } = identity();
    const part = context.directory.current().hub(hubId);
    return renewalTimeMs(present, { issuingsDer: part ? issuingOf(part) : [], anchors });
  }

  function settled({ role, subject }: Holder, next: Certificate): boolean {
    if (role === 'node-tls') return true;
    const named = context.directory.current().key(Buffer.from(next.keyId, 'hex'));
    return named?.id === subject && clock.nowMs() >= settledMs(next);
  }

  /** One request, or none while the line is down or a refusal is young. True when the next certificate is here. */
  async function ask(holder: Holder, signal: AbortSignal): Promise<boolean> {
    const { role, subject, pair, present } = holder;
    await warn(holder);
    const tried = askedAgainMs.get(subject);
    // On a line that is down the poll finds out when it is back; a certificate that has ended renews nothing.
    const ended = clock.nowMs() >= present.notAfterMs + 1000;
    if (ended || !line.usable() || !line.connected() || (tried && clock.monotonicMs() < tried.nextMs))
      return false;
    const { hubId, anchors } = identity();
    const next = nextKeyOf(pair);
    try {
      const draft = { hub: hubId, role, subject, current: holder.key, next, nowMs: clock.nowMs() };
      const answer = await link.renew(await buildRenewal(draft), signal);
      const facts = verifyRenewed({
        certificateDer: answer.certificate,
        issuingDer: answer.issuingCertificate,
        rootsDer: anchors,
        expected: { hub: hubId, role, subject },
        next,
        nowMs: clock.nowMs(),
      });
      keepNext(pair, certificatePem(answer.certificate) + certificatePem(answer.issuingCertificate));
      askedAgainMs.delete(subject);
      log.info({
        event: 'certificate.renewed',
        profile: role,
        serial: facts.serialHex,
        notAfter: new Date(facts.notAfterMs).toISOString(),
      });
      return true;
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      const sinceMs = tried?.sinceMs ?? clock.monotonicMs();
      const waitMs = Math.max(
        error.retryAfterMs ?? 0,
        backoffMs(clock.monotonicMs() - sinceMs, context.random),
      );
      askedAgainMs.set(subject, { sinceMs, nextMs: clock.monotonicMs() + waitMs });
      const { serialHex, notAfterMs } = present;
      log.warn({
        event: 'certificate.expiring',
        serial: serialHex,
        notAfter: new Date(notAfterMs).toISOString(),
        code: error.code,
        said: error.detail,
      });
      return false;
    }
  }

  const warned = new Set<string>();
  /** Half of the last third is over and nothing has come: a person should look, while there is still time. */
  async function warn({ subject, present }: Holder): Promise<void> {
    const { notAfterMs, fingerprint } = present;
    const halfMs = (renewalDueMs(present) + notAfterMs) / 2;
    if (clock.nowMs() < halfMs || warned.has(fingerprint)) return;
    warned.add(fingerprint);
    const said = `ends ${new Date(notAfterMs).toISOString()}`;
    await store.write('alarm', { atMs: clock.nowMs(), code: 'renewal-failing', about: subject, said });
  }

  return startWorker({
    clock,
    random: context.random,
    step,
    idleMs: lookMs,
    onError: (error, waitMs) => log.error({ event: 'worker.waiting', worker: 'renewal', waitMs, err: error }),
  });
}

// Why TLS with the hub fails, in words: a machine whose clock stands in 1970 or 2000 (a dead CMOS battery) finds every certificate "not yet
// valid", and a node that slept through a change of roots finds a stranger. Both are learnt from the hub's enrolment listener, which
// anybody may answer: the time only explains, and a hand-over of roots carries its own signature. Must never set a clock or believe a root.
import { ExchangeError } from '../protocol/errors.ts';
import { clockBounds } from '../protocol/grace.ts';
import type { Clock } from '../protocol/node/clock.ts';
import type { ProxyOptions } from '../protocol/node/connector.ts';
import { unverifiedHandovers, unverifiedTime } from './enrol-fetch.ts';

export type DiagnosisDeps = {
  /** Of the enrolment listener; empty when this node does not know it. */
  readonly enrolUrl: () => string;
  readonly proxy: ProxyOptions | undefined;
  readonly clock: Clock;
  /** Verified there; returns whether a root was followed. */
  readonly follow: (handovers: readonly Uint8Array[]) => Promise<boolean>;
};

/** The cause that a person can do something about; undefined when it is none of these, or was mended here. */
export async function diagnose({
  enrolUrl,
  proxy,
  clock,
  follow,
}: DiagnosisDeps): Promise<ExchangeError | undefined> {
  const url = enrolUrl();
  if (url === '') return undefined;
  const contact = { url, ...(proxy ? { proxy } : {}) };
  const hubMs = await unverifiedTime(contact);
  if (hubMs !== undefined && Math.abs(clock.nowMs() - hubMs) > clockBounds.nodeFailMs)
    return new ExchangeError('clock-wrong', clockWords(clock.nowMs(), hubMs));
  await follow(await unverifiedHandovers(contact));
  return undefined;
}

/** Dates rather than minutes where whole days are missing: "2000-01-01" is what a dead battery looks like. */
export function clockWords(nowMs: number, hubMs: number): string {
  const text = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  return `this machine says ${text(nowMs)} UTC, the hub ${text(hubMs)} UTC`;
}

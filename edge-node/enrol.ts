// "node init": makes the folder and the keys on this box, shows the invitation to the hub, and stores what it answers after checking all
// of it. Must never send the secret before the root's fingerprint was compared, nor let a private key leave, nor touch existing data.
// Every step is durable before the next, and every step may be repeated: a lost answer or a power cut costs nothing.
import fs from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  buildEnrolRequest,
  checkRootFingerprint,
  type EnrolAnswer,
  enrolAnswerSchema,
  verifyEnrolAnswer,
} from '../certs/enrol.ts';
import { type Invitation, parseInvitation } from '../certs/invitation.ts';
import type { HeldKey, OwnKey } from '../certs/keys.ts';
import { refuseNoHub } from '../certs/listen.ts';
import { certificatePem } from '../certs/pem.ts';
import { enrolPaths } from '../protocol/api.ts';
import { ExchangeError, isExchangeError } from '../protocol/errors.ts';
import type { Clock } from '../protocol/node/clock.ts';
import type { ProxyOptions } from '../protocol/node/connector.ts';
import { makeDirDurable, writeFileDurable } from '../protocol/node/durable.ts';
import { createHttpClient, type HttpClient, readBounded } from '../protocol/node/http-client.ts';
import { assertOwnAccount } from '../protocol/node/lock.ts';
import { holdExclusive } from '../protocol/node/sqlite.ts';
import { firstContact } from './enrol-fetch.ts';
import {
  enrolFiles,
  invitationName,
  keysFor,
  readEnrolled,
  replacementKey,
  storeEnrolment,
} from './enrol-files.ts';
import { assertHandedOver, enterHub } from './rehome.ts';
import { createStore, storeFile } from './store/store.ts';

export type EnrolOptions = {
  readonly dir: string;
  /** Pasted texts. */
  readonly invitations: readonly string[];
  readonly proxy?: ProxyOptions;
  readonly clock: Clock;
  readonly version: string;
  /** Values of a new config.json; an existing one is never touched. */
  readonly config?: object;
  /** Told as each step is done; for people. */
  readonly onStep?: (said: { readonly vi: string; readonly en: string }) => void;
};

export type Enrolled = {
  readonly unit: string;
  readonly code: string;
  readonly name: string;
  readonly words: string;
  readonly confirmed: boolean;
  /** True when this box had this unit before: certificates were renewed. */
  readonly again: boolean;
};
export type EnrolResult = {
  readonly nodeId: string;
  readonly hubId: string;
  readonly exchangeUrl: string;
  readonly units: readonly Enrolled[];
  /** This machine's clock minus the hub's. */
  readonly clockOffsetMs: number | undefined;
};

/** Five minutes are what certificates are backdated by and what the hub tolerates: beyond it nothing works. */
const CLOCK_OFF_MS = 5 * 60_000;
const ANSWER_BYTES_MAX = 256 * 1024;
const isAnswer = new Ajv2020({ strict: true }).compile<EnrolAnswer>(enrolAnswerSchema);

/**
 * Codes: invitation-*, root-fingerprint-mismatch, tls-inspected, tls-failed, hub-*, proxy-*, certificate-*, enrol-answer-refused,
 * config-invalid (another hub's invitation), dir-exists (a hub's folder), dir-in-use (another init), key-file-*. What was enrolled before a failure stays.
 */
export async function enrolNode(options: EnrolOptions): Promise<EnrolResult> {
  const invitations = options.invitations.map(parseInvitation);
  if (invitations.length === 0) throw new ExchangeError('invitation-damaged', 'no invitation was given');
  const paths = enrolFiles(options.dir);
  if (['hub.sqlite', 'ca', 'root.key'].some((name) => fs.existsSync(join(options.dir, name))))
    throw new ExchangeError(
      'dir-exists',
      `${options.dir} holds a hub or a CA; a node needs a folder of its own`,
    );
  assertOwnAccount(options.dir);
  for (const path of [options.dir, paths.keys, paths.certs]) makeDirDurable(path, 0o700);
  const release = holdExclusive(join(options.dir, 'init.lock'));
  if (!release) throw new ExchangeError('dir-in-use', `another "node init" is at work in ${options.dir}`);
  try {
    // Created before the first certificate: a folder with an identity always has a database.
    // What a first try that failed left is mended by the next: a mistyped proxy, say. Of a node that is enrolled nothing is touched.
    if (!readEnrolled(options.dir) || !fs.existsSync(paths.config))
      writeFileDurable(
        paths.config,
        `${JSON.stringify({ ...configThere(paths.config), ...options.config }, null, 2)}\n`,
      );
    if (!fs.existsSync(join(options.dir, storeFile))) createStore(options.dir);
    const units: Enrolled[] = [];
    let clockOffsetMs: number | undefined;
    for (const invitation of invitations) {
      const done = await patient(options.clock, () => enrolOne(invitation, options));
      units.push(done.unit);
      clockOffsetMs = done.clockOffsetMs ?? clockOffsetMs;
    }
    const { nodeId, hubId, exchangeUrl } = readEnrolled(options.dir)!;
    return { nodeId, hubId, exchangeUrl, units, clockOffsetMs };
  } finally {
    release();
  }
}

function configThere(path: string): object {
  if (!fs.existsSync(path)) return {};
  try {
    return JSON.parse(fs.readFileSync(path, 'utf8')) as object;
  } catch (cause) {
    throw new ExchangeError('config-invalid', `${path} is not JSON`, { cause });
  }
}

/** How long an invitation waits at a hub that says "not so fast": a district's boxes are set up on one morning, behind one address. */
const patienceMs = 60_000;

/** Enrolment may be repeated with the same keys, so what the hub asks to be repeated is repeated here rather than by the clerk. */
async function patient<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const untilMs = clock.monotonicMs() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const waitMs = isExchangeError(error, 'rate-limited', 'overloaded')
        ? (error.retryAfterMs ?? 1000)
        : undefined;
      if (waitMs === undefined || clock.monotonicMs() + waitMs > untilMs) throw error;
      await clock.sleep(waitMs + 250);
    }
  }
}

async function enrolOne(
  invitation: Invitation,
  options: EnrolOptions,
): Promise<{ unit: Enrolled; clockOffsetMs: number | undefined }> {
  const { dir, clock } = options;
  const name = invitationName(invitation);
  const had = readEnrolled(dir)?.units.find((each) => each.invitation === name);
  if (had) return { unit: { ...had, unit: had.unitId, again: true }, clockOffsetMs: undefined };
  const keys = keysFor(dir, name);
  const { sealKey } = keys;
  let { tlsKey } = keys;
  options.onStep?.({ vi: 'Đã tạo khoá trên máy này.', en: 'The keys were made on this machine.' });
  const { rootDer, hubMs } = await firstContact({
    url: invitation.url,
    ...(options.proxy ? { proxy: options.proxy } : {}),
  });
  checkRootFingerprint(rootDer, invitation);
  options.onStep?.({
    vi: 'Chứng thư gốc khớp với giấy mời.',
    en: 'The root certificate is the one that the invitation names.',
  });
  const client = createHttpClient({
    origin: new URL(invitation.url).origin,
    tls: { ca: certificatePem(rootDer), refuseServer: refuseNoHub },
    ...(options.proxy ? { proxy: options.proxy } : {}),
    connections: 1,
  });
  try {
    const clockOffsetMs = await strictTime(client, clock, hubMs);
    const ask = () => askFor(client, { invitation, tlsKey, sealKey, version: options.version });
    const answer = await ask().catch(async (error: unknown) => {
      // The new paper is the operator's word that this office may come back; the old key may not.
      if (!isExchangeError(error, 'peer-revoked', 'certificate-revoked')) throw error;
      tlsKey = replacementKey(dir, name);
      options.onStep?.({
        vi: 'Khoá kết nối cũ đã bị thu hồi; đã tạo khoá mới. Các đơn vị khác của nút này cũng cần giấy mời mới.',
        en: 'The old connection key was revoked; a new one was made. Other units of this node need new invitations too.',
      });
      return await ask();
    });
    const verified = verifyEnrolAnswer({
      answer,
      invitation,
      tlsPublicKeyDer: tlsKey.publicKeyDer,
      sealPublicKeyDer: sealKey.publicKeyDer,
      nowMs: clock.nowMs(),
    });
    const nowMs = clock.nowMs();
    const before = readEnrolled(dir);
    const rehomed = before !== undefined && before.hubId !== answer.hubId;
    if (rehomed) {
      assertHandedOver(dir, { unit: answer.unitId, hubId: answer.hubId, nowMs });
      // First: a crash between the two leaves a node that offers to its old hub again what that hub has, which is no harm.
      enterHub(dir);
      options.onStep?.({
        vi: 'Đơn vị đã được bàn giao cho trung tâm này; văn bản chưa xong sẽ gửi tiếp qua trung tâm mới.',
        en: 'The unit was handed over to this hub; what is not settled goes on through it.',
      });
    }
    const again = storeEnrolment({
      dir,
      invitation: name,
      tlsKey,
      sealKey,
      answer,
      verified,
      enrolUrl: invitation.url,
      nowMs,
    });
    const { unitId: unit, unitCode: code, unitName, words, confirmed } = answer;
    return { unit: { unit, code, name: unitName, words, confirmed, again }, clockOffsetMs };
  } finally {
    await client.close();
  }
}

/**
 * The first strict connection. When it fails and the clocks differ by more than certificates allow, the clock is the cause that a person
 * can do something about.
 */
async function strictTime(
  client: HttpClient,
  clock: Clock,
  hintMs: number | undefined,
): Promise<number | undefined> {
  let hubMs: number;
  try {
    const { nowMs } = (await getJson(client, enrolPaths.time)) as { nowMs?: unknown };
    if (typeof nowMs !== 'number' || !Number.isSafeInteger(nowMs)) return undefined;
    hubMs = nowMs;
  } catch (error) {
    if (hintMs !== undefined && isExchangeError(error, 'tls-failed'))
      assertClock(clock.nowMs() - hintMs, error);
    throw error;
  }
  const offsetMs = clock.nowMs() - hubMs;
  assertClock(offsetMs, undefined);
  return offsetMs;
}

function assertClock(offsetMs: number, cause: unknown): void {
  if (Math.abs(offsetMs) <= CLOCK_OFF_MS) return;
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const side = offsetMs > 0 ? 'ahead of' : 'behind';
  throw new ExchangeError(
    'certificate-not-yet-valid',
    `this machine's clock is ${minutes} minutes ${side} the hub's`,
    {
      cause,
    },
  );
}

async function getJson(client: HttpClient, path: string): Promise<unknown> {
  const { body } = await client.request({ method: 'GET', path });
  return parseJson(await readBounded(body, ANSWER_BYTES_MAX));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new ExchangeError('hub-answer-malformed', 'not JSON', { cause });
  }
}

async function askFor(
  client: HttpClient,
  {
    invitation,
    tlsKey,
    sealKey,
    version,
  }: { invitation: Invitation; tlsKey: OwnKey; sealKey: HeldKey; version: string },
): Promise<EnrolAnswer> {
  const request = await buildEnrolRequest({ invitation, tlsKey, sealKey, nodeVersion: version });
  const { body } = await client.request({
    method: 'POST',
    path: enrolPaths.enrol,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  const answer = parseJson(await readBounded(body, ANSWER_BYTES_MAX));
  if (!isAnswer(answer)) {
    const field = isAnswer.errors?.[0];
    throw new ExchangeError('hub-answer-malformed', `${field?.instancePath ?? ''} ${field?.message ?? ''}`);
  }
  return answer;
}

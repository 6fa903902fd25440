// All borders of a hub: made, started, stopped and asked. The one place that knows where a border's seal key and its credentials lie, and which
// connector stands behind which name. A border that cannot start (no credentials, a damaged key) is an alarm, never the end of the hub.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import type { Issuer } from '../../certs/ca.ts';
import { parseCertificate } from '../../certs/certificate.ts';
import { createKeyFile, loadKeyFile, type OwnKey } from '../../certs/keys.ts';
import { renewalDueMs } from '../../certs/profile.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { newNodeId, newUnitId, parseUnitId, type UnitId } from '../../protocol/ids.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import type { Admin } from '../admin/acts.ts';
import { assertCode, assertUnitName } from '../admin/unit-names.ts';
import type { CertificateRecord } from '../store/certificate-rows.ts';
import { type Border, type BorderDeps, startBorder } from './border.ts';
import type { Connector } from './connector.ts';
import { type BorderRecord, type BorderSettings, borderDefaults } from './context.ts';
import { readCredential, writeCredential } from './credentials.ts';
import { createLgsp } from './lgsp.ts';
import { createVxp } from './vxp.ts';

type ConnectorOptions = {
  readonly url: string;
  readonly systemId: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly tls?: { readonly ca: string; readonly minVersion: 'TLSv1.2' };
};
/** A further protocol is one more line here and one more file beside vxp.ts. */
const connectors: Readonly<Record<string, (options: ConnectorOptions) => Connector>> = {
  vxp: createVxp,
  lgsp: createLgsp,
};
export const connectorNames = Object.keys(connectors);

export type NewBorder = {
  readonly name: string;
  readonly connector: string;
  readonly system: string;
  readonly code: string;
  readonly unitName: string;
  readonly settings: Partial<BorderSettings> & Pick<BorderSettings, 'url' | 'systemId'>;
  readonly secret: string;
};

export type BordersDeps = Omit<BorderDeps, 'record' | 'key' | 'connector' | 'refreshDirectory'> & {
  readonly dir: string;
  readonly issuer: () => Issuer;
  readonly admin: Admin;
};

export type Borders = {
  list(): readonly BorderRecord[];
  running(name: string): Border | undefined;
  add(border: NewBorder): Promise<BorderRecord>;
  set(
    name: string,
    change: { readonly state?: 'active' | 'paused'; readonly settings?: Partial<BorderSettings> },
  ): Promise<BorderRecord>;
  secret(name: string, secret: string): Promise<void>;
  /** Starts what is active; call once the hub listens. */
  start(): Promise<void>;
  /** What becomes due by the clock: the seal certificates of borders, for the same keys. */
  tend(): Promise<void>;
  /** These peers have something waiting. */
  nudge(peers: readonly string[]): void;
  stop(): Promise<void>;
};

const namePattern = /^[a-z][a-z0-9-]{0,31}$/;
const paths = (dir: string, name: string) => ({
  key: join(dir, 'keys', `border-${name}.pem`),
  credential: join(dir, 'keys', `border-${name}.credential`),
});

type Row = {
  name: string;
  connector: string;
  system: string;
  unit: string;
  node: string;
  settings: string;
  state: 'active' | 'paused';
  directory_version: number;
  directory_ms: number | null;
};

export function borderRecords(db: Database): BorderRecord[] {
  return db.all<Row>('SELECT * FROM borders ORDER BY name').map((row) => ({
    name: row.name,
    connector: row.connector,
    system: row.system,
    unit: row.unit,
    node: row.node,
    settings: { ...borderDefaults, ...(JSON.parse(row.settings) as Partial<BorderSettings>) },
    state: row.state,
    directoryVersion: row.directory_version,
    directoryMs: row.directory_ms,
  }));
}

/** Throws `config-invalid`. */
function assertSettings({ url, systemId, ca }: BorderSettings): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ExchangeError('config-invalid', 'the address of the other system is http:// or https://');
  if (systemId === '' || systemId.length > 100) throw new ExchangeError('config-invalid', 'system id');
  if (ca !== '' && !ca.includes('BEGIN CERTIFICATE'))
    throw new ExchangeError('config-invalid', 'the CA file is no PEM');
}

export function createBorders(deps: BordersDeps): Borders {
  const { dir, admin, clock, log, store } = deps;
  const running = new Map<string, Border>();
  const byNode = new Map<string, string>();
  let started = false;

  const records = () => borderRecords(store.reader);
  function need(name: string): BorderRecord {
    const found = records().find((record) => record.name === name);
    if (!found) throw new ExchangeError('border-unknown', name.slice(0, 64));
    return found;
  }

  function open(record: BorderRecord): Border {
    const key = loadKeyFile(paths(dir, record.name).key);
    const { url, systemId, ca } = record.settings;
    const secret = readCredential(paths(dir, record.name).credential, {
      sealKey: key.privateKey,
      name: record.name,
    });
    const connector = connectors[record.connector]?.({
      url,
      systemId,
      secret,
      clock,
      ...(ca === '' ? {} : { tls: { ca, minVersion: 'TLSv1.2' as const } }),
    });
    if (!connector) throw new ExchangeError('config-invalid', `no connector ${record.connector}`);
    return startBorder({
      ...deps,
      record,
      key: { keyId: Buffer.from(key.keyId, 'hex'), privateKey: key.privateKey },
      connector,
      refreshDirectory: () => {
        admin.directory.refresh();
        admin.records.refresh();
      },
    });
  }

  async function restart(name: string): Promise<void> {
    const before = running.get(name);
    running.delete(name);
    await before?.stop();
    const record = need(name);
    byNode.set(record.node, name);
    if (!started || record.state !== 'active') return;
    try {
      running.set(name, open(record));
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      log.error({ event: 'border.waiting', border: name, code: error.code, said: error.detail });
      await store.alarm({
        code: error.code,
        about: `border ${name}`,
        said: error.detail,
        nowMs: clock.nowMs(),
      });
    }
  }

  /** What the connector cannot use is refused before anything is kept. Throws `config-invalid`. */
  async function assertSecret(connector: string, { url, systemId }: BorderSettings, secret: string) {
    await connectors[connector]?.({ url, systemId, secret, clock }).close();
  }

  /** The key is made here and leaves nowhere; a leftover of an addition that was cut off is used again. */
  function sealKey(name: string): OwnKey {
    const { key } = paths(dir, name);
    return fs.existsSync(key) ? loadKeyFile(key) : createKeyFile(key);
  }

  async function certify(unit: UnitId, key: OwnKey, nowMs: number): Promise<CertificateRecord> {
    const { der } = await deps.issuer().issue({
      role: 'unit-seal',
      subjectId: unit,
      key: { publicKeyDer: key.publicKeyDer },
      nowMs,
    });
    const { serialHex, keyId, notBeforeMs, notAfterMs } = parseCertificate(der);
    return { serial: serialHex, role: 'unit-seal', subject: unit, keyId, der, notBeforeMs, notAfterMs };
  }

  return {
    list: records,
    running: (name) => running.get(name),
    async add(given) {
      if (!namePattern.test(given.name))
        throw new ExchangeError('config-invalid', 'a name is lower-case letters, digits and hyphens');
      if (!Object.hasOwn(connectors, given.connector))
        throw new ExchangeError('config-invalid', `no connector ${given.connector}`);
      assertUnitName(given.unitName);
      const code = assertCode(given.code);
      const settings: BorderSettings = { ...borderDefaults, ...given.settings };
      assertSettings(settings);
      await assertSecret(given.connector, settings, given.secret);
      if (records().some(({ name }) => name === given.name))
        throw new ExchangeError('unit-exists', given.name);
      const nowMs = clock.nowMs();
      const key = sealKey(given.name);
      const unit = newUnitId(randomBytes(10));
      const seal = await certify(unit, key, nowMs);
      writeCredential(paths(dir, given.name).credential, {
        sealKey: key.privateKey,
        name: given.name,
        secret: given.secret,
      });
      await admin.act('borderAdd', {
        name: given.name,
        connector: given.connector,
        system: given.system,
        unit,
        node: newNodeId(randomBytes(10)),
        unitName: given.unitName,
        code,
        seal,
        settings: JSON.stringify(settings),
        nowMs,
      });
      await restart(given.name);
      return need(given.name);
    },
    async set(name, { state, settings }) {
      const record = need(name);
      const changed = { ...record.settings, ...settings };
      assertSettings(changed);
      await admin.act('borderSet', {
        name,
        ...(state === undefined ? {} : { state }),
        ...(settings === undefined ? {} : { settings: JSON.stringify(changed) }),
      });
      await restart(name);
      return need(name);
    },
    async secret(name, secret) {
      const record = need(name);
      await assertSecret(record.connector, record.settings, secret);
      const key = loadKeyFile(paths(dir, record.name).key);
      writeCredential(paths(dir, name).credential, { sealKey: key.privateKey, name, secret });
      await restart(name);
    },
    async start() {
      started = true;
      for (const { name } of records()) await restart(name);
    },
    async tend() {
      const nowMs = clock.nowMs();
      for (const { name, unit } of records()) {
        const newest = store.reader.get<{ notBeforeMs: number; notAfterMs: number }>(
          `SELECT not_before_ms AS "notBeforeMs", not_after_ms AS "notAfterMs" FROM certificates
           WHERE subject = ? AND role = 'unit-seal' ORDER BY not_after_ms DESC LIMIT 1`,
          unit,
        );
        if (newest && renewalDueMs(newest) > nowMs) continue;
        const record = await certify(parseUnitId(unit), loadKeyFile(paths(dir, name).key), nowMs);
        await admin.act('ownCertificateRenewed', { record, nowMs });
        log.info({ event: 'certificate.renewed', serial: record.serial, notAfter: record.notAfterMs });
      }
    },
    nudge(peers) {
      for (const peer of peers) {
        const name = byNode.get(peer);
        if (name !== undefined) running.get(name)?.nudge();
      }
    },
    async stop() {
      started = false;
      const all = [...running.values()];
      running.clear();
      await Promise.all(all.map((border) => border.stop()));
    },
  };
}

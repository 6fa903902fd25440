// The hub's config.json: schema, defaults with their reasons, and the text that `hub init` writes. Read once at start; secrets are never in it.
import { join } from 'node:path';
import type { Lifetimes } from '../certs/ca.ts';
import { type LeafRole, leafProfiles } from '../certs/profile.ts';
import { assertFolderOf, loadConfig } from '../protocol/node/config.ts';
import { scannerSchema } from '../protocol/node/safety/scanner.ts';
import type { HubSafetyConfig } from './safety/safety.ts';
import { type SecondPersonKind, secondPersonKinds } from './store/audit-acts.ts';

export type HubConfig = {
  /** Where nodes and hubs below connect (mutual TLS). `publicUrl` is what invitations and answers tell them. */
  readonly exchange: { readonly host: string; readonly port: number; readonly publicUrl: string };
  /** Enrolment, without client certificate. */
  readonly enrolment: { readonly host: string; readonly port: number; readonly publicUrl: string };
  /** Health and metrics; only ever this machine. Port 0 chooses one. */
  readonly local: { readonly host: string; readonly port: number };
  /** False: a unit is active as soon as it enrols, without the six words. Only for practice. */
  readonly confirmUnits: boolean;
  /** Kinds of acts that take force only when two operators agreed (audit-acts.ts), and how long a proposal waits. */
  readonly secondPerson: { readonly acts: readonly SecondPersonKind[]; readonly waitHours: number };
  /** What files are checked with; the policy itself is policy.conf. */
  readonly safety: HubSafetyConfig;
  readonly invitationDays: number;
  /** A last backup older than this is a warning of the health checks. */
  readonly backupWarnDays: number;
  readonly directoryDays: number;
  /** Lives of certificates from now on; at most those of certs/profile.ts. */
  readonly certificateDays: Readonly<Record<keyof typeof roleOfLife, number>>;
  /** Days after the last delivery ended; -1 keeps for ever. */
  readonly retention: { readonly contentDays: number; readonly metadataDays: number };
  /** Bytes that may wait for the recipients of one unit's documents; 0 is without bound. */
  readonly quotaBytesDefault: number;
  readonly rate: { readonly documentsPerSecond: number; readonly burst: number };
  /** Space that stays free for the database and for what is already accepted. */
  readonly diskReserveBytes: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
};

const DAY_MS = 86_400_000;
/** Names of config.certificateDays. */
const roleOfLife = {
  hubTls: 'hub-tls',
  hubLink: 'hub-link',
  hubReceipts: 'hub-receipts',
  hubDirectory: 'hub-directory',
  hubCheckpoints: 'hub-checkpoints',
  nodeTls: 'node-tls',
  unitSeal: 'unit-seal',
} as const satisfies Record<string, LeafRole>;
const lives = Object.keys(roleOfLife) as readonly (keyof typeof roleOfLife)[];
const longestDays = (): HubConfig['certificateDays'] =>
  Object.fromEntries(
    lives.map((name) => [name, leafProfiles[roleOfLife[name]].lifetimeMs / DAY_MS]),
  ) as HubConfig['certificateDays'];

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

export const hubDefaults: HubConfig = {
  exchange: { host: '0.0.0.0', port: 9443, publicUrl: 'https://localhost:9443' },
  enrolment: { host: '0.0.0.0', port: 9444, publicUrl: 'https://localhost:9444' },
  local: { host: '127.0.0.1', port: 9445 },
  // Words read over the telephone are what stops an invitation that was read by somebody else.
  confirmUnits: true,
  // A district office often has one operator; where there are two, name the kinds here. Three days: a weekend passes between.
  secondPerson: { acts: [], waitHours: 72 },
  // The nodes look first; the hub looks again since a node may be old or dishonest.
  safety: { inspect: true },
  // A week: the clerk may be on leave; longer lies around.
  invitationDays: 7,
  // Keys, units and the ledger are nowhere else; documents since then come again from the nodes.
  backupWarnDays: 7,
  // A node works on without the hub for as long as its directory is good.
  directoryDays: 30,
  // The reasons stand beside the profiles. Shorter: a stolen key is worth less, and a box that was off comes back less often by itself.
  certificateDays: longestDays(),
  // Regulation Đ5.2: data are kept centrally. A district decides on less.
  retention: { contentDays: -1, metadataDays: -1 },
  // A commune's month of documents; a unit that fills it has recipients that do not fetch.
  quotaBytesDefault: 50 * GiB,
  // A bulk mailing of a province passes in the burst; an office that runs wild is slowed to this.
  rate: { documentsPerSecond: 500, burst: 10_000 },
  diskReserveBytes: 512 * MiB,
  logLevel: 'info',
};

const port = { type: 'integer', minimum: 0, maximum: 65_535 };
const listener = {
  type: 'object',
  additionalProperties: false,
  required: ['host', 'port', 'publicUrl'],
  properties: { host: { type: 'string' }, port, publicUrl: { type: 'string', pattern: '^https://[^/]+$' } },
};
const days = { type: 'integer', minimum: -1, maximum: 36_500 };
const count = { type: 'integer', minimum: 0 };

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    exchange: listener,
    enrolment: listener,
    local: {
      type: 'object',
      additionalProperties: false,
      required: ['host', 'port'],
      properties: { host: { enum: ['127.0.0.1', '::1', 'localhost'] }, port },
    },
    confirmUnits: { type: 'boolean' },
    secondPerson: {
      type: 'object',
      additionalProperties: false,
      required: ['acts', 'waitHours'],
      properties: {
        acts: { type: 'array', uniqueItems: true, items: { enum: [...secondPersonKinds] } },
        waitHours: { type: 'integer', minimum: 1, maximum: 720 },
      },
    },
    safety: {
      type: 'object',
      additionalProperties: false,
      required: ['inspect'],
      properties: {
        inspect: { type: 'boolean' },
        scanner: scannerSchema,
        anchorsDir: { type: 'string', format: 'path' },
      },
    },
    invitationDays: { type: 'integer', minimum: 1, maximum: 90 },
    backupWarnDays: { type: 'integer', minimum: 1, maximum: 400 },
    directoryDays: { type: 'integer', minimum: 1, maximum: 365 },
    certificateDays: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        Object.entries(longestDays()).map(([name, longest]) => [
          name,
          { type: 'integer', minimum: 3, maximum: longest },
        ]),
      ),
    },
    retention: {
      type: 'object',
      additionalProperties: false,
      required: ['contentDays', 'metadataDays'],
      properties: { contentDays: days, metadataDays: days },
    },
    quotaBytesDefault: count,
    rate: {
      type: 'object',
      additionalProperties: false,
      required: ['documentsPerSecond', 'burst'],
      properties: {
        documentsPerSecond: { type: 'integer', minimum: 1 },
        burst: { type: 'integer', minimum: 1 },
      },
    },
    diskReserveBytes: count,
    logLevel: { enum: ['debug', 'info', 'warn', 'error', 'silent'] },
  },
};

/** config.certificateDays as certs/ca.ts takes it. */
export const lifetimesOf = ({ certificateDays }: Pick<HubConfig, 'certificateDays'>): Lifetimes =>
  Object.fromEntries(lives.map((name) => [roleOfLife[name], certificateDays[name] * DAY_MS]));

/** DIR/config.json over the defaults. `config-invalid` names every wrong key. */
export function loadHubConfig(dir: string): HubConfig {
  assertFolderOf('hub', dir);
  return loadConfig<HubConfig>(join(dir, 'config.json'), schema, hubDefaults);
}

/** What `hub init` writes: every key with its value, so that the file shows all there is to change. */
export function initialConfigText({
  host,
  port: first,
}: {
  readonly host: string;
  readonly port?: number;
}): string {
  const exchangePort = first ?? hubDefaults.exchange.port;
  const named = host.includes(':') ? `[${host}]` : host;
  const config: HubConfig = {
    ...hubDefaults,
    exchange: { ...hubDefaults.exchange, port: exchangePort, publicUrl: `https://${named}:${exchangePort}` },
    enrolment: {
      ...hubDefaults.enrolment,
      port: exchangePort && exchangePort + 1,
      publicUrl: `https://${named}:${exchangePort + 1}`,
    },
    local: { ...hubDefaults.local, port: exchangePort && exchangePort + 2 },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

// DIR/config.json of a node: written by hand, strict, every default here with its reason. Secrets are paths to files, never values.
// Must never hold what the console changes (settings.json) or what enrolment wrote (identity.json).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { grace } from '../protocol/grace.ts';
import { limits } from '../protocol/limits.ts';
import { assertFolderOf, type JsonSchema, loadConfig } from '../protocol/node/config.ts';
import type { ProxyOptions } from '../protocol/node/connector.ts';
import { type ScannerConfig, scannerSchema } from '../protocol/node/safety/scanner.ts';
import type { NotifyConfig } from './console/notify.ts';

export type EdgeConfig = {
  readonly local: { readonly address: string; readonly port: number };
  /** The clerk's console; absent: none. */
  readonly console?: {
    readonly address: string;
    readonly port: number;
    /** Host name under which people call it; also checked in requests. */
    readonly name?: string;
    readonly tls?: { readonly certificateFile: string; readonly keyFile: string };
    /** Mail and web hook when something urgent comes; no content. */
    readonly notify?: NotifyConfig;
    /** The province's shared sign-in (OpenID Connect). A private CA: NODE_EXTRA_CA_CERTS. */
    readonly outside?: {
      readonly issuer: string;
      readonly clientId: string;
      readonly clientSecretFile: string;
      /** Claim with the official e-mail; default `email`. */
      readonly claim?: string;
      /** Words on the button. */
      readonly label?: string;
      /** Passwords only for emergency accounts. */
      readonly only?: boolean;
    };
  };
  readonly proxy?: { readonly url: string; readonly userFile?: string; readonly passwordFile?: string };
  readonly poll: { readonly holdMs: number; readonly itemsMax: number; readonly bytesMax: number };
  readonly send: { readonly batches: number; readonly uploads: number };
  readonly receive: { readonly batches: number; readonly downloads: number; readonly waitingMax: number };
  readonly disk: { readonly floorBytes: number };
  readonly directory: { readonly staleMs: number };
  readonly backup: { readonly warnDays: number };
  /** Malware scanner and the certificates that signatures of PDFs are judged by; without them nothing is scanned, nothing trusted. */
  readonly safety?: { readonly scanner?: Partial<ScannerConfig>; readonly anchorsDir?: string };
  /** Watched folders (folder/): office software without a program for the API hands documents in as files, and is given what arrives. */
  readonly folders?: readonly FolderConfig[];
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent' };
};

export type FolderConfig = {
  /** On this machine or a mounted share; never in, or around, the node's own folder. */
  readonly path: string;
  /** Whose folder it is; may be left out on a node of one unit. */
  readonly unit?: string;
  /** What has not changed for so long is whole, unless NAME.ready says so sooner. Default 5. */
  readonly quietSeconds?: number;
};

/** Of a console in a new config.json. */
export const defaultConsolePort = 8090;

export const configDefaults = {
  /** The office software runs on this machine or comes through the office's own reverse proxy; nothing listens to the outer world. */
  local: { address: '127.0.0.1', port: 8080 },
  poll: {
    /** As long as the hub allows: an empty poll costs the line about 1 kB. Shorter only where a box cuts idle connections. */
    holdMs: limits.pollHoldMs,
    itemsMax: limits.batchItemsMax,
    /** Over 64 kbit/s a larger answer takes longer than the lease. */
    bytesMax: limits.batchBytesMax,
  },
  send: {
    /** Batches in flight. Two hide the hub's commit; four also hide a slow disk's; more only queue at the hub. */
    batches: 4,
    /** Documents whose large parts go up at once; each shares the line. */
    uploads: 2,
  },
  receive: {
    /** Poll answers being stored while the next one is fetched; each holds at most `bytesMax` in memory. */
    batches: 3,
    /** Documents with large parts fetched at once. */
    downloads: 3,
    /** Documents with large parts waiting for their turn; those beyond are deferred, so that no lease runs out here. */
    waitingMax: 16,
  },
  /** Below this new work is refused; what was accepted still needs room for receipts, the WAL and the log. */
  disk: { floorBytes: 512 * 1024 * 1024 },
  /** Without a newer directory for this long the status warns; nothing stops. */
  directory: { staleMs: grace.directory.alarmsMs },
  /** A backup older than this is a warning: what came since can be had again from the hub, keys and accounts cannot. */
  backup: { warnDays: 7 },
  log: { level: 'info' },
} as const satisfies EdgeConfig;

const whole = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum }) as const;
const object = (properties: Record<string, unknown>, required: readonly string[] = Object.keys(properties)) =>
  ({ type: 'object', additionalProperties: false, required, properties }) as const;

export const configSchema: JsonSchema = object(
  {
    local: object({ address: { type: 'string', minLength: 2, maxLength: 64 }, port: whole(0, 65_535) }),
    console: object(
      {
        address: { type: 'string', minLength: 2, maxLength: 64 },
        port: whole(0, 65_535),
        name: { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]{0,252})$' },
        tls: object({
          certificateFile: { type: 'string', format: 'path' },
          keyFile: { type: 'string', format: 'secret-path' },
        }),
        notify: object(
          {
            mail: object(
              {
                host: { type: 'string', minLength: 1, maxLength: 253 },
                port: whole(1, 65_535),
                from: { type: 'string', minLength: 3, maxLength: 254 },
                to: {
                  type: 'array',
                  minItems: 1,
                  maxItems: 20,
                  items: { type: 'string', minLength: 3, maxLength: 254 },
                },
                secure: { type: 'boolean' },
              },
              ['host', 'port', 'from', 'to'],
            ),
            webhook: object({ url: { type: 'string', pattern: '^https?://', maxLength: 500 } }),
            urgency: whole(0, 4),
            digest: object({ at: { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' } }),
          },
          [],
        ),
        outside: object(
          {
            issuer: {
              type: 'string',
              pattern: '^(https://|http://(127\\.0\\.0\\.1|localhost)[:/])',
              maxLength: 500,
            },
            clientId: { type: 'string', minLength: 1, maxLength: 200 },
            clientSecretFile: { type: 'string', format: 'secret-path' },
            claim: { type: 'string', minLength: 1, maxLength: 100 },
            label: { type: 'string', minLength: 1, maxLength: 100 },
            only: { type: 'boolean' },
          },
          ['issuer', 'clientId', 'clientSecretFile'],
        ),
      },
      ['address', 'port'],
    ),
    proxy: object(
      {
        url: { type: 'string', pattern: '^https?://[^/@]+/?$' },
        userFile: { type: 'string', format: 'secret-path' },
        passwordFile: { type: 'string', format: 'secret-path' },
      },
      ['url'],
    ),
    poll: object({
      holdMs: whole(0, limits.pollHoldMs),
      itemsMax: whole(1, limits.batchItemsMax),
      bytesMax: whole(65_536, limits.batchBytesMax),
    }),
    send: object({ batches: whole(1, 16), uploads: whole(1, 16) }),
    receive: object({ batches: whole(1, 16), downloads: whole(1, 16), waitingMax: whole(1, 256) }),
    disk: object({ floorBytes: whole(0, 2 ** 50) }),
    directory: object({ staleMs: whole(60_000, 400 * 86_400_000) }),
    backup: object({ warnDays: whole(1, 400) }),
    safety: object({ scanner: scannerSchema, anchorsDir: { type: 'string', format: 'path' } }, []),
    folders: {
      type: 'array',
      maxItems: 16,
      items: object(
        {
          path: { type: 'string', format: 'path' },
          unit: { type: 'string', minLength: 1, maxLength: 64 },
          quietSeconds: { type: 'number', minimum: 0.1, maximum: 3_600 },
        },
        ['path'],
      ),
    },
    log: object({ level: { enum: ['debug', 'info', 'warn', 'error', 'silent'] } }),
  },
  ['local', 'poll', 'send', 'receive', 'disk', 'directory', 'backup', 'log'],
);

/** Throws `config-invalid` with every wrong key, `key-file-loose` for a secret that others can read. */
export function loadEdgeConfig(dir: string): EdgeConfig {
  assertFolderOf('node', dir);
  return loadConfig<EdgeConfig>(join(dir, 'config.json'), configSchema, configDefaults);
}

/** Reads user and password from their files; one line each. */
export function proxyOf({ proxy }: EdgeConfig): ProxyOptions | undefined {
  if (!proxy) return undefined;
  const line = (path: string) => readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  return {
    url: proxy.url,
    ...(proxy.userFile ? { user: line(proxy.userFile) } : {}),
    ...(proxy.passwordFile ? { password: line(proxy.passwordFile) } : {}),
  };
}

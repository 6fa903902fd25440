// The operational log: JSON lines, one event each, from a closed list. The ledger is not the log: evidence lives in SQLite.
// Must never hold content, part names, titles, keys, invitations or whole errors of peers, and never fail a request.
// The only importer of pino. Untrusted strings go under `said`, cut short.
import { type DestinationStream, destination, pino } from 'pino';
import type { Clock } from './clock.ts';

/** Every event a program may write, with what it means to an operator. docs/EVENTS.md repeats this table. */
export const logEvents = {
  'program.started': 'The program is ready; fields: version, node, pid.',
  'program.stopping': 'A signal or a command asked it to stop; running work is finished.',
  'program.stopping-slowly':
    'A part of the program takes long to end what it does; the stop waits for it. Field: part.',
  'program.stopped': 'It has stopped; nothing is in flight.',
  'disk.sync-failed':
    'fsync failed; the process ends at once so that nothing unsafe is acknowledged. Check the disk.',
  'disk.writer-died': 'The writing thread ended; the process ends and replays from disk at the next start.',
  'disk.nearly-full': 'New work is refused until space is freed; nothing accepted is lost.',
  'calendar.unusable':
    'DIR/calendar.json is not well formed; the shipped years are used. "lienthong node calendar --import" replaces it.',
  'search.fill-failed':
    'Older documents could not be made findable; exchange goes on. "lienthong node reindex" tries again.',
  'request.failed': 'A request ended in an error; fields: requestId, code, status, peer.',
  'request.internal': 'A request met a fault of ours; fields: requestId, said. Report it.',
  'peer.refused': 'The trust hook refused a connection; fields: code, said (certificate subject).',
  'peer.sockets-cut': 'Open connections of a peer were cut after a revocation or suspension.',
  'link.down': 'The hub cannot be reached; work waits on disk; fields: code, waitMs.',
  'link.up': 'The hub answers again; fields: downMs.',
  'worker.waiting': 'A worker met a temporary error and waits; fields: worker, code, waitMs.',
  'envelope.accepted': 'The hub took responsibility; fields: envelopeId, sender, recipients, bytes.',
  'envelope.duplicate': 'The same bytes came again; the stored receipt was given.',
  'envelope.refused': 'An envelope was refused; fields: envelopeId, code.',
  'envelope.conflict': 'The same envelope id came with other bytes: a cloned disk or an attack. Investigate.',
  'delivery.settled': 'A recipient signed for a delivery; fields: envelopeId, recipient.',
  'delivery.deferred': 'A delivery is tried again later; fields: code, waitMs.',
  'delivery.expired': 'The deadline passed; the sender got a notice.',
  'document.submitted': 'An office system or clerk handed in a document; fields: documentId.',
  'document.destroyed': 'Recalled documents were destroyed and the answers wait to be sent; fields: count.',
  'document.sent': 'The hub receipt is stored; fields: documentId, envelopeId.',
  'document.received': 'A document is stored and its receipt signed; fields: envelopeId, sender.',
  'document.quarantined': 'A document did not verify; it is kept aside; fields: envelopeId, code.',
  'statement.accepted': 'A receipt or notice was verified and stored.',
  'statement.refused': 'A receipt or notice did not verify; fields: code.',
  'check.delayed': 'A document waits for its check; fields: code (scanner-unreachable, overloaded, …), said.',
  'check.stopped': 'A document is held or refused after its check; fields: direction, state, codes.',
  'policy.refused':
    'policy.conf has a mistake and is not taken; the one before stays in force; fields: line, said.',
  'folder.took': 'A document was taken from a watched folder; fields: documentId, folder.',
  'folder.refused':
    'A document in a watched folder is not right; the answer lies beside it; fields: folder, code.',
  'folder.gave': 'An arrival lies in a watched folder; fields: envelopeId, folder.',
  'folder.unusable': 'A watched folder cannot be used for now; fields: folder, said.',
  'border.received':
    'A message of another system is durable here; fields: border, foreignId, state, rule by which its document was found, code.',
  'border.sent': 'A message left through a border; fields: border, foreignId, rule.',
  'border.waiting':
    'Something across a border is tried again later; fields: border, code, said (words of the other system).',
  'border.refused': 'The other system refused a message for good; fields: border, code, said.',
  'border.directory': 'Offices of the other system; fields: border, added, changed, closed, conflicts.',
  'removal.ordered': 'An order of removal is signed and carried out at this hub; fields: number, act.',
  'removal.refused':
    'An order of removal is not obeyed: signatures or right are missing; fields: number, code.',
  'removal.obeyed': 'An order of removal is carried out at this node; fields: number, act.',
  'upload.finished': 'A large part is complete and verified.',
  'certificate.issued': 'fields: serial, profile, unit.',
  'certificate.renewed': 'fields: serial, notAfter.',
  'certificate.expiring': 'fields: serial, notAfter. Renewal has not succeeded yet.',
  'certificate.revoked': 'fields: serial, reason.',
  'hub.caught-up':
    'A restored hub learnt from a node what was revoked after its backup; fields: revocationNumber, learnt.',
  'root.followed': 'The root handed over to another, which is believed from now on; fields: root.',
  'unit.enrolled': 'fields: unit, node.',
  'unit.confirmed': 'An operator compared the words; the unit may send.',
  'unit.suspended': 'fields: unit.',
  'act.proposed': 'An act waits for a second person; fields: proposal, act.',
  'operator.refused': 'Somebody on this machine gave a wrong operator name or passphrase; fields: said.',
  'reform.done': 'A reform whose day had come took force; fields: reform, kind.',
  'reform.refused': 'A reform whose day had come cannot be done any more; fields: reform, code.',
  'directory.updated': 'fields: version.',
  'directory.stale': 'The signed directory is older than it may be; fields: ageMs.',
  'ledger.checkpoint': 'fields: size, root.',
  'backup.made': 'fields: path, bytes.',
  'settings.changed': 'fields: keys.',
  'pages.not-built':
    'The pages of the console could not be built; exchange and API go on without it. Fields: said.',
  'pages.certificate': 'The console shows another certificate from now on, without a restart.',
  'pages.certificate-unusable':
    'The new certificate of the console cannot be used, or does not fit its key yet; the old one goes on. Fields: said.',
  'notice.unsent':
    'A mail or web hook that tells of an urgent document failed; the document waits in the list. Fields: said.',
  'clock.skewed': 'The hub and this machine disagree about time; fields: skewMs.',
} as const;

export type LogEvent = keyof typeof logEvents;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** error = an operator must act; warn = degraded and healing; info = something changed state; debug = developer. */
type Write = (
  fields: { readonly event: LogEvent } & Readonly<Record<string, unknown>>,
  text?: string,
) => void;
export type Log = {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** The same log with fields that every line carries (requestId, unit, worker). */
  child(fields: Readonly<Record<string, unknown>>): Log;
  /** Forces out what is buffered; for the last line before exit. */
  flush(): void;
};

export type LoggerOptions = {
  readonly level: LogLevel | 'silent';
  readonly clock: Clock;
  readonly program: string;
  /** A file path or descriptor; default stdout. */
  readonly to?: string | number;
};

const SAID_CHARS_MAX = 300;

/** A second fence, not the first: these keys may never reach the log at any of the first two levels. */
const secretKeys = [
  'password',
  'passphrase',
  'pin',
  'secret',
  'token',
  'invitation',
  'key',
  'privateKey',
  'authorization',
  'cookie',
];

export function createLogger({ level, clock, program, to = 1 }: LoggerOptions): Log {
  const sink = destination({ dest: to, sync: true, mkdir: false, append: true, mode: 0o600 });
  // A full disk or a closed pipe may not fail a request; the loss shows as a gap in the log.
  sink.on('error', () => {});
  return loggerOver(sink, { level, clock, program, flush: () => sink.flushSync() });
}

/** For tests: the same lines into any stream. */
export function loggerOver(
  sink: DestinationStream,
  o: { level: LogLevel | 'silent'; clock: Clock; program: string; flush?: () => void },
): Log {
  const base = pino(
    {
      level: o.level,
      base: { program: o.program },
      timestamp: () => `,"time":"${new Date(o.clock.nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { said: (value: unknown) => cut(value), err: errorFields },
      redact: { paths: secretKeys.flatMap((k) => [k, `*.${k}`]), censor: '[redacted]' },
    },
    sink,
  );
  const wrap = (p: typeof base): Log => ({
    debug: (fields, text) => p.debug(fields, text),
    info: (fields, text) => p.info(fields, text),
    warn: (fields, text) => p.warn(fields, text),
    error: (fields, text) => p.error(fields, text),
    child: (fields) => wrap(p.child(fields) as typeof base),
    flush: () => o.flush?.(),
  });
  return wrap(base);
}

function cut(value: unknown): string {
  const text = typeof value === 'string' ? value : String(value);
  return text.length <= SAID_CHARS_MAX ? text : `${text.slice(0, SAID_CHARS_MAX)}…`;
}

/** Name, code and stack of OUR errors; a peer's words are inside `detail`, which is cut. */
function errorFields(err: unknown): Record<string, unknown> {
  if (!(err instanceof Error)) return { said: cut(err) };
  const code = 'code' in err ? cut(err.code) : undefined;
  const cause = err.cause instanceof Error ? errorFields(err.cause) : undefined;
  return {
    name: err.name,
    code,
    said: cut(err.message),
    stack: err.stack?.split('\n').slice(1, 9).join('\n'),
    cause,
  };
}

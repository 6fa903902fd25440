// RabbitMQ beside the hub: its own server in a temporary folder on its own ports, mutual TLS 1.3, one quorum queue for each consumer,
// publisher confirms, an acknowledgement for each message. Ends only what it started. Used by the benchmark `hub`.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import amqp from 'amqplib';
import { cpuSeconds, now, treeOf } from './measure.ts';

export type Rabbit = {
  readonly version: string;
  cpuSeconds(): number;
  load(shape: RabbitShape): Promise<{ seconds: number; documents: number; latencyMs: number[] }>;
  close(): Promise<void>;
};
export type RabbitShape = {
  readonly documents: number;
  readonly bytes: number;
  readonly pairs: number;
  readonly inFlight: number;
};

const port = 35_671;
const server = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Undefined when the server is not installed on this machine. */
export async function startRabbit(dir: string): Promise<Rabbit | undefined> {
  if (!existsSync(server)) return undefined;
  mkdirSync(dir, { recursive: true });
  certificates(dir);
  writeFileSync(
    join(dir, 'rabbitmq.conf'),
    [
      'listeners.tcp = none',
      `listeners.ssl.default = 127.0.0.1:${port}`,
      `ssl_options.cacertfile = ${dir}/ca.pem`,
      `ssl_options.certfile = ${dir}/server.pem`,
      `ssl_options.keyfile = ${dir}/server.key`,
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = true',
      'ssl_options.versions.1 = tlsv1.3',
      'log.console = false',
      'log.file.level = warning',
    ].join('\n'),
  );
  writeFileSync(join(dir, 'enabled_plugins'), '[].');
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: dir,
    RABBITMQ_NODENAME: `bench${process.pid}@localhost`,
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(dir, 'pid'),
    RABBITMQ_DIST_PORT: '35672',
    ERL_EPMD_PORT: '34369',
  };
  const child = spawn(server, [], { env, stdio: 'ignore', cwd: dir });
  const tls = {
    ca: readFileSync(join(dir, 'ca.pem')),
    cert: readFileSync(join(dir, 'client.pem')),
    key: readFileSync(join(dir, 'client.key')),
    servername: 'localhost',
    noDelay: true,
  };
  const connect = () => amqp.connect(`amqps://guest:guest@localhost:${port}?frameMax=131072`, tls);
  let first: Awaited<ReturnType<typeof connect>> | undefined;
  for (let tries = 0; first === undefined; tries++) {
    first = await connect().catch(async (error: unknown) => {
      if (tries > 120) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return undefined;
    });
  }
  const { version } = first.connection.serverProperties;
  await first.close();
  const pids = treeOf(child.pid!);
  return {
    version: String(version),
    cpuSeconds: () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    load: (shape) => load(connect, shape),
    async close() {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      for (const pid of pids.reverse())
        try {
          process.kill(pid, 'SIGTERM');
        } catch {
          // Gone with its parent.
        }
      await exited;
      execFileSync('epmd', ['-port', '34369', '-kill'], {
        stdio: 'ignore',
        env: { ...env, ERL_EPMD_RELAXED_COMMAND_CHECK: '1' },
      });
    },
  };
}

/** A small authority, a server and a client certificate, all P-256 as ours. */
function certificates(dir: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const key = (name: string) =>
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  key('ca');
  openssl('req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=bench', '-days', '2', '-out', 'ca.pem');
  writeFileSync(join(dir, 'extensions'), 'subjectAltName=DNS:localhost\n');
  for (const name of ['server', 'client']) {
    key(name);
    openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      'extensions',
      '-out',
      `${name}.pem`,
    );
  }
}

async function load(
  connect: () => ReturnType<typeof amqp.connect>,
  { documents, bytes, pairs, inFlight }: RabbitShape,
): Promise<{ seconds: number; documents: number; latencyMs: number[] }> {
  const latencyMs: number[] = [];
  const done = Promise.withResolvers<void>();
  const each = Math.round(documents / pairs);
  const total = each * pairs;
  const startMs: number[] = [];
  /** A document is done when its publisher has the confirm and its consumer has acknowledged. */
  const halves = new Uint8Array(total);
  const wakes: (() => void)[] = [];
  const open = new Array<number>(pairs).fill(0);
  const half = (number: number) => {
    halves[number]! += 1;
    if (halves[number] !== 2) return;
    latencyMs.push(now() - startMs[number]!);
    const publisher = number % pairs;
    open[publisher]! -= 1;
    wakes[publisher]?.();
    if (latencyMs.length === total) done.resolve();
  };
  const connections = await Promise.all(Array.from({ length: 2 * pairs }, connect));
  const queues = Array.from({ length: pairs }, (_, i) => `bench-${i}`);
  for (const [i, queue] of queues.entries()) {
    const channel = await connections[pairs + i]!.createChannel();
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await channel.prefetch(256);
    await channel.consume(queue, (message) => {
      if (!message) return;
      channel.ack(message);
      half(Number(message.properties.messageId));
    });
  }
  const body = randomBytes(bytes);
  const startedMs = now();
  const publish = async (publisher: number): Promise<void> => {
    const channel = await connections[publisher]!.createConfirmChannel();
    for (let i = 0; i < each; i++) {
      while (open[publisher]! >= inFlight)
        await new Promise<void>((resolve) => {
          wakes[publisher] = resolve;
        });
      const number = i * pairs + publisher;
      startMs[number] = now();
      open[publisher]! += 1;
      channel.sendToQueue(
        queues[i % pairs]!,
        body,
        { persistent: true, messageId: String(number) },
        (error) => {
          if (error) done.reject(error);
          else half(number);
        },
      );
      // The event loop must read confirms in between.
      if (i % 32 === 31) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all([done.promise, ...queues.map((_, i) => publish(i))]);
  const seconds = (now() - startedMs) / 1000;
  for (const connection of connections) await connection.close();
  return { seconds, documents: total, latencyMs };
}

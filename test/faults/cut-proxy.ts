// A TCP proxy that behaves like a bad line: delays, slows down, cuts after n bytes, goes half open, flips a bit. Between a node and a hub in
// tests and in the soak. Knows nothing of HTTP or TLS, and never breaks a connection that no fault names.
import net from 'node:net';

/** What befalls one connection. Bytes are counted from its start; `up` is from the one who dials to the target. */
export type Fault = {
  readonly cutAfterUpBytes?: number;
  readonly cutAfterDownBytes?: number;
  /**
   * `reset`: both sides see a reset. `end`: both see an orderly end. `dialler-only`: the dialler sees a reset, the target goes on
   * waiting (half open). `target-only`: the other way round. `silent`: both stay open and nothing passes any more.
   */
  readonly how?: 'reset' | 'end' | 'dialler-only' | 'target-only' | 'silent';
  /** Every piece waits this long. */
  readonly delayMs?: number;
  /** Each direction at most this fast. */
  readonly bytesPerSecond?: number;
  /** The lowest bit of this byte is flipped on the way. */
  readonly flipUpByte?: number;
  readonly flipDownByte?: number;
};

export type CutProxy = {
  readonly port: number;
  /** Bytes that really passed, cuts made, connections taken. */
  readonly count: {
    readonly connections: number;
    readonly cuts: number;
    readonly upBytes: number;
    readonly downBytes: number;
  };
  /** For connections from now on; gets the number of the connection, from 0. */
  setFaults(next: (connection: number) => Fault): void;
  /** Breaks every open connection now. */
  cutAll(how?: Fault['how']): void;
  /** Refuses new connections and breaks the open ones, until `lineUp`. */
  lineDown(): void;
  lineUp(): void;
  close(): Promise<void>;
};

export async function createCutProxy(options: {
  readonly target: { readonly host: string; readonly port: number };
  readonly faults?: (connection: number) => Fault;
  /** Default: any free port. */
  readonly port?: number;
}): Promise<CutProxy> {
  let faults: (connection: number) => Fault = options.faults ?? (() => ({}));
  const count = { connections: 0, cuts: 0, upBytes: 0, downBytes: 0 };
  const cutters = new Set<(how: Fault['how']) => void>();
  const sockets = new Set<net.Socket>();
  let up = true;

  const server = net.createServer({ allowHalfOpen: true }, (dialler) => {
    sockets.add(dialler);
    dialler.on('error', () => {}).on('close', () => sockets.delete(dialler));
    if (!up) {
      dialler.resetAndDestroy();
      return;
    }
    const target = net.connect({ ...options.target, allowHalfOpen: true });
    sockets.add(target);
    target.on('error', () => dialler.destroy()).on('close', () => sockets.delete(target));
    dialler.setNoDelay(true);
    target.setNoDelay(true);
    const fault = faults(count.connections);
    count.connections += 1;
    let cut = false;
    const cutNow = (how: Fault['how'] = fault.how ?? 'reset'): void => {
      if (cut) return;
      cut = true;
      count.cuts += 1;
      cutters.delete(cutNow);
      breakBoth(dialler, target, how);
    };
    cutters.add(cutNow);
    // When nobody broke it, the end of one side is passed on to the other.
    dialler.on('close', () => {
      cutters.delete(cutNow);
      if (!cut) target.destroy();
    });
    target.on('close', () => {
      if (!cut) dialler.destroy();
    });
    const passed = (direction: 'upBytes' | 'downBytes') => (n: number) => {
      count[direction] += n;
    };
    const both = { delayMs: fault.delayMs ?? 0, bytesPerSecond: fault.bytesPerSecond ?? Infinity };
    carry(dialler, target, {
      ...both,
      cutAfter: fault.cutAfterUpBytes ?? Infinity,
      flip: fault.flipUpByte ?? -1,
      passed: passed('upBytes'),
      isCut: () => cut,
      cut: () => cutNow(),
    });
    carry(target, dialler, {
      ...both,
      cutAfter: fault.cutAfterDownBytes ?? Infinity,
      flip: fault.flipDownByte ?? -1,
      passed: passed('downBytes'),
      isCut: () => cut,
      cut: () => cutNow(),
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  const cutAll = (how: Fault['how'] = 'reset'): void => {
    for (const cut of [...cutters]) cut(how);
  };
  return {
    port: address.port,
    count,
    setFaults(next) {
      faults = next;
    },
    cutAll,
    lineDown() {
      up = false;
      cutAll();
    },
    lineUp() {
      up = true;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function breakBoth(dialler: net.Socket, target: net.Socket, how: Fault['how']): void {
  const stay = (socket: net.Socket): void => {
    socket.pause();
  };
  const reset = (socket: net.Socket): void => {
    socket.resetAndDestroy();
  };
  switch (how) {
    case 'end':
      dialler.end();
      target.end();
      break;
    case 'dialler-only':
      stay(target);
      reset(dialler);
      break;
    case 'target-only':
      stay(dialler);
      reset(target);
      break;
    case 'silent':
      stay(dialler);
      stay(target);
      break;
    default:
      reset(dialler);
      reset(target);
  }
}

type Way = {
  readonly delayMs: number;
  readonly bytesPerSecond: number;
  readonly cutAfter: number;
  readonly flip: number;
  readonly passed: (bytes: number) => void;
  readonly isCut: () => boolean;
  readonly cut: () => void;
};

async function carry(from: net.Socket, to: net.Socket, way: Way): Promise<void> {
  let at = 0;
  try {
    for await (const piece of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const waitMs = way.delayMs + (piece.length / way.bytesPerSecond) * 1000;
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (way.isCut()) return;
      if (way.flip >= at && way.flip < at + piece.length) piece[way.flip - at]! ^= 1;
      const pass = piece.subarray(0, Math.max(0, way.cutAfter - at));
      at += piece.length;
      way.passed(pass.length);
      // The callback comes when the kernel has it: no more than one piece lies in this process, and a cut comes after what was let through.
      if (pass.length > 0) await new Promise<void>((resolve) => to.write(pass, () => resolve()));
      if (at < way.cutAfter) continue;
      setTimeout(way.cut, 5);
      return;
    }
    if (!way.isCut()) to.end();
  } catch {
    // A socket broke by itself; 'close' passes it on.
  }
}

// Asks clamd about a stream of bytes (INSTREAM, over a unix socket or TCP) in constant memory. Only "OK" is clean: every other answer, a cut, a
// silence or a size limit is its own outcome and never a pass. On the path: before a document leaves, inside the hub, and before it is shown.
import { connect, type Socket } from 'node:net';

export type ScannerAt = { readonly socket: string } | { readonly host: string; readonly port: number };
export type ScanOutcome =
  | { readonly kind: 'clean' }
  | { readonly kind: 'infected'; readonly name: string }
  /** Above the scanner's limit: it saw nothing or only a beginning. */
  | { readonly kind: 'too-large' }
  /** The scanner answered, and not with a verdict. */
  | { readonly kind: 'error'; readonly said: string }
  /** No answer: not there, cut, or too slow. */
  | { readonly kind: 'down'; readonly said: string };

export type ScanOptions = {
  readonly at: ScannerAt;
  /** clamd's StreamMaxLength: more is not sent. Lower than clamd's is safe, higher ends in its own refusal. */
  readonly streamBytesMax: number;
  /** Without progress (a byte taken, an answer) for this long the scanner counts as down. */
  readonly silenceMs: number;
};

/** One frame; clamd refuses frames above StreamMaxLength, and large ones only cost memory. */
const frameBytesMax = 64 * 1024;
const answerBytesMax = 4096;

const open = (at: ScannerAt): Socket =>
  'socket' in at ? connect({ path: at.socket }) : connect({ host: at.host, port: at.port });

/** What clamd said, until the NUL that ends it. Frames may come in any pieces. */
function listen(socket: Socket) {
  let text = '';
  let settle: (outcome: ScanOutcome) => void = () => {};
  const answer = new Promise<ScanOutcome>((resolve) => {
    settle = resolve;
  });
  socket.setEncoding('utf8');
  socket.on('data', (piece: string) => {
    text += piece;
    if (text.length > answerBytesMax) settle({ kind: 'error', said: 'the answer is too long' });
    else if (text.includes('\0')) settle(outcomeOf(text.slice(0, text.indexOf('\0'))));
  });
  socket.on('timeout', () => settle({ kind: 'down', said: 'no progress' }));
  socket.on('error', (error: Error & { code?: string }) =>
    settle({ kind: 'down', said: error.code ?? 'socket error' }),
  );
  socket.on('close', () => settle({ kind: 'down', said: 'closed without an answer' }));
  let settled: ScanOutcome | undefined;
  void answer.then((outcome) => {
    settled = outcome;
  });
  return { answer, settled: () => settled };
}

function outcomeOf(line: string): ScanOutcome {
  const said = line.trim().slice(0, 200);
  if (said === 'stream: OK') return { kind: 'clean' };
  const found = /^stream: (.+) FOUND$/.exec(said);
  // clamd reports that it gave up on a limit (AlertExceedsMax) as if it were a find.
  if (found && /Heuristics\.Limits\.Exceeded/i.test(found[1]!)) return { kind: 'too-large' };
  if (found) return { kind: 'infected', name: found[1]! };
  if (/size limit exceeded/i.test(said)) return { kind: 'too-large' };
  return { kind: 'error', said };
}

async function flushed(socket: Socket, bytes: Uint8Array, over: () => boolean): Promise<void> {
  if (over() || socket.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      socket.off('drain', end);
      socket.off('close', end);
      socket.off('timeout', end);
      resolve();
    };
    socket.once('drain', end).once('close', end).once('timeout', end);
  });
}

/**
 * Never rejects for what the scanner does; rejects with what `body` throws. The body is read no further than needed. A body longer than
 * `streamBytesMax` is `too-large` without asking.
 */
export async function scanStream(
  body: AsyncIterable<Uint8Array>,
  options: ScanOptions,
): Promise<ScanOutcome> {
  const socket = open(options.at);
  socket.setTimeout(options.silenceMs);
  const { answer, settled } = listen(socket);
  const over = () => settled() !== undefined || socket.destroyed;
  try {
    await flushed(socket, Buffer.from('zINSTREAM\0'), over);
    let sent = 0;
    const head = () => Buffer.alloc(4);
    for await (const piece of body) {
      // It may answer early: a find at the beginning, a limit, a fault.
      if (over()) break;
      for (let at = 0; at < piece.length && !over(); at += frameBytesMax) {
        const frame = piece.subarray(at, at + frameBytesMax);
        sent += frame.length;
        if (sent > options.streamBytesMax) return { kind: 'too-large' };
        const length = head();
        length.writeUInt32BE(frame.length);
        await flushed(socket, Buffer.concat([length, frame]), over);
      }
    }
    await flushed(socket, head(), over);
    return await answer;
  } finally {
    socket.destroy();
  }
}

/** `zPING`: true when a clamd answers there. */
export async function scannerAnswers(at: ScannerAt, silenceMs: number): Promise<boolean> {
  const socket = open(at);
  socket.setTimeout(silenceMs);
  try {
    return await new Promise<boolean>((resolve) => {
      let text = '';
      socket.setEncoding('utf8');
      socket.on('data', (piece: string) => {
        text = (text + piece).slice(0, 16);
        if (text.includes('\0')) resolve(text.startsWith('PONG'));
      });
      socket.on('timeout', () => resolve(false));
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
      socket.write('zPING\0');
    });
  } finally {
    socket.destroy();
  }
}

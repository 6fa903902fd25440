// An office's HTTP proxy: CONNECT with Basic authentication, refusals on demand, and a count of what went through. It may lead a
// connection somewhere else than asked, as a box that inspects does. Knows nothing of TLS.
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';

export type ConnectProxy = {
  readonly url: string;
  /** Addresses asked for, one for each tunnel that was opened. */
  readonly tunnels: string[];
  readonly count: { refused: number; unauthorised: number };
  /** Answers every CONNECT with this status from now on and cuts what is open; undefined: lets it through again. */
  refuse(status: number | undefined): void;
  /** Where connections go instead of where they want to, from now on; undefined: where they want to. Cuts what is open. */
  leadTo(port: number | undefined): void;
  close(): Promise<void>;
};

export async function createConnectProxy(known: { user: string; password: string }): Promise<ConnectProxy> {
  const wanted = `Basic ${Buffer.from(`${known.user}:${known.password}`).toString('base64')}`;
  const sockets = new Set<net.Socket>();
  const tunnels: string[] = [];
  const count = { refused: 0, unauthorised: 0 };
  let status: number | undefined;
  let elsewhere: number | undefined;
  const keep = (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = http.createServer((_request, response) => response.writeHead(405).end());
  server.on('connection', keep);
  server.on('connect', (request, given) => {
    const socket = given as net.Socket;
    const end = (line: string) => socket.end(`HTTP/1.1 ${line}\r\ncontent-length: 0\r\n\r\n`);
    if (request.headers['proxy-authorization'] !== wanted) {
      count.unauthorised += 1;
      end('407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="van phong"');
      return;
    }
    if (status !== undefined) {
      count.refused += 1;
      end(`${status} Forbidden`);
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const out =
      elsewhere === undefined ? net.connect(Number(port), hostname) : net.connect(elsewhere, '127.0.0.1');
    keep(out);
    out.on('close', () => socket.destroy());
    socket.on('close', () => out.destroy());
    out.once('connect', () => {
      tunnels.push(request.url ?? '');
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      out.pipe(socket).pipe(out);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    count,
    refuse(now) {
      status = now;
      cut();
    },
    leadTo(port) {
      elsewhere = port;
      cut();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}

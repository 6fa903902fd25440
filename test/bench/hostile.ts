// Benchmark `hostile`: PDFs nobody would send, through real nodes and a real hub, every program in a process of its own: 2 GB signed, 100,000 pages, a thousand
// signatures, references in circles. Prints what each end says of it and how much memory the programs took. Options: --bytes N.
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDistrict } from '../../bin/demo/district.ts';
import { createHttpClient, readBounded } from '../../protocol/node/http-client.ts';
import { hostile, manyPages } from '../support/hostile-pdf.ts';
import { writeSignedHole } from '../support/large-pdf.ts';
import { make } from '../support/pki.ts';
import type { Options } from './bench.ts';
import { machine, now, peakMiB, pidOf, treeOf } from './measure.ts';

type Said = { readonly vi: string };
type Part = { readonly verdict?: string; readonly sentence?: Said; readonly firstPage?: string };
type Safety = {
  readonly state: string;
  readonly findings: readonly { readonly code: string; readonly said: string }[];
  readonly parts: readonly Part[];
};
type Shown = { readonly state: string; readonly safety?: Safety };

export async function run(options: Options): Promise<unknown> {
  const dir = mkdtempSync(join(tmpdir(), 'lienthong-hostile-'));
  const about = await machine(dir);
  const district = await startDistrict(join(dir, 'district'), (line) => process.stderr.write(`${line}\n`));
  const { communeA: from, communeB: to } = district.offices;
  const pids = [pidOf(from.running.dir), pidOf(district.hubs[1]!.dir), pidOf(to.running.dir)];
  const clients = {
    from: createHttpClient({ origin: from.apiUrl }),
    to: createHttpClient({ origin: to.apiUrl }),
  };
  const ask = async <Answer>(
    end: { readonly client: (typeof clients)['from']; readonly token: string },
    request: Parameters<(typeof clients)['from']['request']>[0],
  ): Promise<Answer> => {
    const authorization = `Bearer ${end.token}`;
    const answer = await end.client.request({ ...request, headers: { authorization, ...request.headers } });
    const text = Buffer.from(await readBounded(answer.body, 4_000_000)).toString();
    if (answer.status >= 300 && answer.status !== 404) throw new Error(text);
    return JSON.parse(text) as Answer;
  };
  const [sender, receiver] = [
    { client: clients.from, token: from.token },
    { client: clients.to, token: to.token },
  ];
  const children = new Map<number, number>();
  const watch = setInterval(() => {
    for (const pid of pids.flatMap(treeOf))
      try {
        if (!pids.includes(pid)) children.set(pid, peakMiB(pid));
      } catch {
        // It ended meanwhile; what it was before stays.
      }
  }, 200);
  const rows: object[] = [];
  const path = join(dir, 'a.pdf');
  const cases: Readonly<Record<string, () => void>> = {
    'two gigabytes, signed': () =>
      void writeSignedHole(path, Number(options.bytes ?? 2_000_000_000), make({ name: 'UBND xã B' })),
    'a hundred thousand pages': () => writeFileSync(path, manyPages(100_000)),
    ...Object.fromEntries(
      Object.entries(hostile).map(([name, bytes]) => [name, () => writeFileSync(path, bytes())]),
    ),
  };
  try {
    for (const [name, write] of Object.entries(cases)) {
      write();
      const startedMs = now();
      const { uploadId } = await ask<{ uploadId: string }>(sender, {
        method: 'POST',
        path: '/v1/uploads',
        headers: { 'content-type': 'application/octet-stream' },
        body: createReadStream(path, { highWaterMark: 1024 * 1024 }),
      });
      const { documentId } = await ask<{ documentId: string }>(sender, {
        method: 'POST',
        path: '/v1/documents',
        headers: { 'content-type': 'application/json', 'idempotency-key': name },
        body: JSON.stringify({
          recipients: [to.code],
          subject: 'Về việc thử tệp khó',
          parts: [{ name: 'a.pdf', mediaType: 'application/pdf', uploadId }],
        }),
      });
      const ended = async (
        end: typeof sender,
        where: string,
        wanted: (shown: Shown) => boolean,
      ): Promise<Shown> => {
        for (;;) {
          const shown = await ask<Shown>(end, { method: 'GET', path: `/v1/${where}/${documentId}` });
          if (wanted(shown)) return shown;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      };
      const still = ['held', 'refused'];
      const sent = await ended(
        sender,
        'documents',
        ({ state, safety }) => state === 'delivered' || still.includes(safety?.state ?? ''),
      );
      const got =
        sent.state === 'delivered'
          ? await ended(receiver, 'inbox', ({ safety }) => safety !== undefined && safety.state !== 'pending')
          : undefined;
      const said = (shown: Shown | undefined) =>
        shown && {
          state: shown.safety?.state ?? shown.state,
          findings: shown.safety?.findings.map(({ code, said }) => `${code}: ${said}`),
          parts: shown.safety?.parts.map(({ verdict, sentence, firstPage }) => ({
            verdict,
            firstPage,
            sentence: sentence?.vi,
          })),
        };
      const row = { name, tookMs: Math.round(now() - startedMs), sent: said(sent), received: said(got) };
      rows.push(row);
      process.stderr.write(`${JSON.stringify(row)}\n`);
    }
    return {
      bench: 'hostile',
      ...about,
      rows,
      peakMiB: { sender: peakMiB(pids[0]!), hub: peakMiB(pids[1]!), receiver: peakMiB(pids[2]!) },
      largestChildMiB: Math.max(0, ...children.values()),
    };
  } finally {
    clearInterval(watch);
    await Promise.all([clients.from.close(), clients.to.close()]);
    await district.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

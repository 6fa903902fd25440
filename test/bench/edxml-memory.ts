// Memory of reading an edXML message with one large file in it: node test/bench/edxml-memory.ts [MB, 500 if not given].
// Writes the message to a temporary folder, reads it in a process of its own, prints the largest resident set and deletes the message.
import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { DocumentMessage, Organ } from '../../hub/edxml/model.ts';
import { readEdxml } from '../../hub/edxml/read.ts';
import { writeEdxml } from '../../hub/edxml/write.ts';

const MB = 1_000_000;
const organ = (organId: string): Organ => ({
  organId,
  inCharge: '',
  name: organId,
  address: '',
  email: '',
  telephone: '',
  fax: '',
  website: '',
});
const message: DocumentMessage = {
  what: 'document',
  kind: 'new',
  from: organ('H08.35.12'),
  to: [organ('H08.35.13')],
  documentId: 'H08.35.12,2026/11/22,1/BC-UBND',
  number: '1',
  notation: 'BC-UBND',
  place: '',
  date: '2026-11-22',
  type: { code: '', detail: '', name: 'Báo cáo' },
  subject: 'Tệp lớn',
  content: '',
  signer: { competence: '', position: '', name: '' },
  dueDate: '',
  otherPlaces: [],
  other: { priority: '0', sphere: '', typist: '', copies: '', pages: '', direction: '', appendixes: [] },
  responseFor: [],
  steeringType: '1',
  trace: [],
  business: null,
  attachments: [{ contentId: '1', name: 'lon.pdf', description: '', mediaType: 'application/pdf' }],
  extras: [],
};

/** A PDF by its ends; between them bytes that hardly shrink. */
async function* file(bytes: number): AsyncGenerator<Buffer> {
  const noise = Buffer.alloc(MB);
  let state = 1;
  for (let i = 0; i < noise.length; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    noise.writeUInt32LE(state, i);
  }
  yield Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1');
  for (let left = bytes - 22; left > 0; left -= MB) yield noise.subarray(0, Math.min(left, MB));
  yield Buffer.from('\n%%EOF\n');
}

export type Measured = {
  readonly messageBytes: number;
  readonly fileBytes: number;
  readonly rssMaxBytes: number;
};

/** Reads a message in this process. */
async function measure(path: string): Promise<Measured> {
  let fileBytes = 0;
  const read = await readEdxml(createReadStream(path, { highWaterMark: 256 * 1024 }), {
    sink: () => ({
      write: (bytes) => {
        fileBytes += bytes.length;
      },
    }),
  });
  return {
    messageBytes: read.evidence.lengthBytes,
    fileBytes,
    rssMaxBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** In a process of its own, which has read nothing before. */
export async function measureMessage(megabytes: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-edxml-memory-'));
  try {
    const path = join(folder, 'message.edxml');
    await pipeline(
      writeEdxml(message, () => file(megabytes * MB)),
      createWriteStream(path),
    );
    const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'read', path], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    if (child.status !== 0 || statSync(path).size === 0) throw new Error(child.stderr);
    return JSON.parse(child.stdout) as Measured;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [first, path] = process.argv.slice(2);
  if (first === 'read') console.log(JSON.stringify(await measure(path!)));
  else {
    const startedMs = performance.now();
    const { messageBytes, fileBytes, rssMaxBytes } = await measureMessage(Number(first ?? 500));
    const seconds = (performance.now() - startedMs) / 1000;
    console.log(
      `file ${(fileBytes / MB).toFixed(1)} MB, message ${(messageBytes / MB).toFixed(1)} MB: largest RSS while reading ${(rssMaxBytes / MB).toFixed(0)} MB (written and read in ${seconds.toFixed(1)} s)`,
    );
  }
}

// The child that looks into files of strangers: one question as a JSON line on stdin, one answer as a JSON line on stdout, one at a time. Started
// and ended by inspector.ts with limits on memory and time, in an empty environment. It must never be imported: it runs when loaded. It
// opens the file that it is asked about and the anchors, writes nothing, connects to nobody.
import process from 'node:process';
import { createInterface } from 'node:readline';
import { type Anchors, noAnchors, readAnchors } from '../pdf/anchors.ts';
import { memorySource, openSource } from '../pdf/source.ts';
import { inspectSource } from './inspection.ts';
import type { ChildQuestion } from './inspector.ts';

let anchors: Anchors = noAnchors;
let anchorsAt = '';

/** Read again only when another folder, or a newer one, is named: the parent sends its stamp along. */
function anchorsOf(dir: string | undefined, stamp: string): Anchors {
  const at = `${dir ?? ''} ${stamp}`;
  if (at !== anchorsAt) {
    anchors = dir === undefined ? noAnchors : readAnchors(dir);
    anchorsAt = at;
  }
  return anchors;
}

async function answer(question: ChildQuestion): Promise<unknown> {
  const { content, anchorsDir, anchorsStamp } = question;
  const source =
    'base64' in content
      ? memorySource(Buffer.from(content.base64, 'base64'))
      : openSource(content.file, content.key === undefined ? undefined : Buffer.from(content.key, 'hex'));
  try {
    return await inspectSource(source, question, anchorsOf(anchorsDir, anchorsStamp));
  } finally {
    source.close();
  }
}

const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
for await (const line of lines) {
  let said: unknown;
  try {
    said = { inspection: await answer(JSON.parse(line) as ChildQuestion) };
  } catch (error) {
    // A fault of the reader must not look like a judgement of the file.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    said = {
      failed: /^E[A-Z]+$/.test(code) ? `file ${code}` : error instanceof Error ? error.name : 'reader failed',
    };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

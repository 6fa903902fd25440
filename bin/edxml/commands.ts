// The commands for edXML files: show what one means, and prove that reading and writing keep the meaning. Offline, no data folder.
// Files that travel inside are never kept: "roundtrip" spools them in a folder of its own under the system's temporary folder.
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  type EdxmlRead,
  type FileSink,
  outlineOf,
  type ReadOptions,
  readEdxml,
} from '../../hub/edxml/read.ts';
import { differences } from '../../hub/edxml/same.ts';
import { writeEdxml } from '../../hub/edxml/write.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { errorText, exitCodes, type Output, readable, runCommand, visible } from '../output.ts';
import { readJson, readText } from './words.ts';

const CHUNK_BYTES = 256 * 1024;

/** Opens before the first byte is asked for, so that a file that cannot be read ends with 66. */
async function openMessage(path: string): Promise<AsyncIterable<Uint8Array>> {
  return await readable(path, async () => {
    const handle = await fsp.open(path, 'r');
    // Reading a folder fails only at the first byte.
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      await fsp.readFile(path);
    }
    return handle.createReadStream({ highWaterMark: CHUNK_BYTES });
  });
}

/** A refusal is the answer of the command, not its failure: 65, with the reason on stdout too. */
async function judged(out: Output, judge: () => Promise<number>): Promise<number> {
  try {
    return await judge();
  } catch (error) {
    if (!isExchangeError(error) || error.code === 'internal') throw error;
    const { code, detail, row } = error;
    const seen = outlineOf(error);
    out.answer({
      good: false,
      code,
      reason: detail,
      title: row.title.en,
      titleVi: row.title.vi,
      remedy: row.remedy.en,
      remedyVi: row.remedy.vi,
      ...(seen ? { wellFormedXml: seen } : {}),
    });
    out.say(`KHÔNG NHẬN — refused: ${code}${detail ? ` (${visible(detail)})` : ''}`);
    if (!out.json) out.warn(errorText(error));
    return exitCodes.judgedBad;
  }
}

export function edxmlCommands(program: Command): void {
  const edxml = program
    .command('edxml')
    .description(
      'Xem và thử tệp edXML (QCVN 102:2016/BTTTT).\nLooks into edXML files of the national axis, offline.',
    );
  edxml
    .command('show')
    .description(
      'Cho biết tệp edXML nói gì, tệp kèm theo nào, có gì lạ.\nShows what a message means, its attachments (digest of the unzipped file, true type) and what was tolerated.',
    )
    .argument('<file>', 'an edXML message')
    .option('--sha256 <hex>', 'the digest of the message that the transport stated (hash-file)')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', '\nExit codes: 0 read, 65 refused (the code says why), 66 the file cannot be read.')
    .action((file: string, options: { json?: boolean; sha256?: string }) =>
      runCommand(async (out) => {
        const source = await openMessage(file);
        return await judged(out, async () => {
          const stated: ReadOptions = options.sha256 === undefined ? {} : { sha256: options.sha256 };
          const read = await readEdxml(source, stated);
          out.answer(readJson(read));
          for (const line of readText(read)) out.say(visible(line));
          return exitCodes.done;
        });
      }, options),
    );
  edxml
    .command('roundtrip')
    .description(
      'Đọc, ghi lại, đọc lần nữa: phải cùng một nghĩa.\nReads, writes in the strict layout, reads again: the meaning must be the same.',
    )
    .argument('<file>', 'an edXML message')
    .option('--out <file>', 'keep the message that was written')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      '\nExit codes: 0 same meaning, 65 refused or not the same, 66 the file cannot be read.',
    )
    .action((file: string, options: { json?: boolean; out?: string }) =>
      runCommand(async (out) => await judged(out, () => roundtrip(out, file, options.out)), options),
    );
}

async function roundtrip(out: Output, file: string, keep: string | undefined): Promise<number> {
  const source = await openMessage(file);
  const folder = await fsp.mkdtemp(join(tmpdir(), 'lienthong-edxml-'));
  try {
    const first = await readEdxml(source, { sink: (index) => spool(join(folder, String(index))) });
    const open = (i: number) => fs.createReadStream(join(folder, String(first.files[i]!.index)));
    const digest = createHash('sha256');
    const temporary = keep === undefined ? undefined : `${keep}.${randomUUID()}.tmp`;
    const copy = temporary === undefined ? undefined : spool(temporary);
    const written = async function* (): AsyncGenerator<Buffer> {
      for await (const piece of writeEdxml(first.message, open)) {
        digest.update(piece);
        copy?.write(piece);
        yield piece;
      }
    };
    const second = await readEdxml(written());
    copy?.end?.();
    if (temporary !== undefined) await fsp.rename(temporary, keep!);
    return answerRoundtrip(out, first, second, digest.digest('hex'));
  } finally {
    await fsp.rm(folder, { recursive: true, force: true });
  }
}

function answerRoundtrip(out: Output, first: EdxmlRead, second: EdxmlRead, sha256: string): number {
  const differ = differences(first, second);
  const same = differ.length === 0;
  out.answer({
    same,
    differences: differ,
    written: { ...second.evidence, sha256 },
    warnings: first.warnings,
  });
  out.say(
    same
      ? `CÙNG NGHĨA — same meaning after reading, writing and reading (${first.files.length} tệp)`
      : `KHÁC NGHĨA — not the same: ${differ.join(', ')}`,
  );
  return same ? exitCodes.done : exitCodes.judgedBad;
}

/** Synchronous writes keep order and memory: one file at a time, nothing waits in between. */
function spool(path: string): FileSink & { write(bytes: Uint8Array): void } {
  const fd = fs.openSync(path, 'wx', 0o600);
  let open = true;
  const close = (): void => {
    if (open) fs.closeSync(fd);
    open = false;
  };
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
    },
    end: close,
    abort: close,
  };
}

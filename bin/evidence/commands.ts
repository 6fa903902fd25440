// The offline commands: verify a proof file, show and verify any signed file of the exchange.
// They must never open a data folder or a connection: what they need is on their command line.
// For auditors, other offices, courts: last step of a document's path.
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { certificateDer, pemBlocks } from '../../certs/pem.ts';
import { readRoots } from '../../certs/roots.ts';
import { verifyProof } from '../../certs/verify-proof.ts';
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import {
  CommandError,
  collect,
  exitCodes,
  type Output,
  readable,
  runCommand,
  visible,
  wrongUse,
} from '../output.ts';
import { formOf, show } from './show.ts';
import { proofJson, proofText } from './words.ts';

/** The largest thing shown is a directory of a country, 256 MiB; a proof has at most 64 MiB. */
const FILE_BYTES_MAX = 260 * 1024 * 1024;

async function readFile(path: string): Promise<Buffer> {
  return await readable(path, async () => {
    const { size } = await fs.stat(path);
    if (size > FILE_BYTES_MAX)
      throw new CommandError('unreadable', {
        vi: `Tệp quá lớn: ${path}`,
        en: `Too large to be a file of the exchange: ${path}`,
      });
    return await fs.readFile(path);
  });
}

/**
 * The root that the reader trusts: PEM or DER; several PEM blocks where one root has handed over to another, or the hand-overs beside it, as in a node's
 * `certs`: each is verified from the root that is trusted. A file that is no certificate is unreadable, not judged bad.
 */
async function readRoot(path: string): Promise<Uint8Array | readonly Uint8Array[]> {
  const bytes = await readFile(path);
  if (bytes[0] === 0x30) return bytes;
  try {
    const text = bytes.toString('latin1');
    const roots = pemBlocks('CERTIFICATE', text);
    if (roots.length > 1) return roots;
    const { anchors } = readRoots(dirname(path), certificateDer(text));
    return anchors.map((each) => ('der' in each ? each.der : each));
  } catch (error) {
    if (!isExchangeError(error, 'certificate-malformed')) throw error;
    throw new CommandError('unreadable', {
      vi: `Không phải chứng thư gốc: ${path}`,
      en: `Not a root certificate (PEM or DER): ${path}`,
    });
  }
}

/** Any number of PEM blocks, or one DER. */
async function readCertificates(path: string): Promise<Uint8Array[]> {
  const bytes = await readFile(path);
  if (bytes[0] === 0x30) return [bytes];
  const blocks = bytes
    .toString('latin1')
    .match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g);
  return (blocks ?? []).map(certificateDer);
}

/** A verdict, not a failure of the command: 65, whatever the code would mean elsewhere. */
async function judged(out: Output, judge: () => Promise<void>): Promise<number> {
  try {
    await judge();
    return exitCodes.done;
  } catch (error) {
    if (!isExchangeError(error) || error.code === 'internal') throw error;
    const { code, detail, row } = error;
    out.answer({ good: false, code, detail, title: row.title.en, titleVi: row.title.vi });
    const said = detail ? `: ${visible(detail)}` : '';
    out.say(`KHÔNG HỢP LỆ — not good (${code})`);
    if (code === 'signer-unknown') {
      // No verdict on the file: what would judge it was not given.
      out.say(
        `${row.title.vi}${said}\n  → Thêm --directory (tệp của "hub directory export") hoặc --certificates.`,
      );
      out.say(
        `${row.title.en}${said}\n  → Add --directory (a file of "hub directory export") or --certificates.`,
      );
      return exitCodes.judgedBad;
    }
    // Not errorText: the catalogue's remedies speak to the owner of a node, not to the reader of a file.
    out.say(
      `${row.title.vi}${said}\n  → Đừng tin tệp này. Xin lại từ đơn vị gửi hoặc trung tâm, và so vân tay chứng thư gốc qua điện thoại.`,
    );
    out.say(
      `${row.title.en}${said}\n  → Do not believe this file. Ask the sender or the hub for it again, and compare the root's fingerprint by telephone.`,
    );
    return exitCodes.judgedBad;
  }
}

export function evidenceCommands(program: Command): void {
  program
    .command('verify')
    .description(
      'Kiểm tra tệp bằng chứng, không cần mạng.\nVerifies a proof file offline: who sent what to whom, when the hub accepted it, when each recipient received it, and what is not proven.',
    )
    .argument('<proof-file>', 'tệp do "lienthong proof" tạo ra; made by "lienthong proof ID"')
    .requiredOption(
      '--root <file>',
      'chứng thư gốc mà ông/bà tin; the root certificate you trust (PEM or DER), compare its fingerprint by telephone',
    )
    .option('--json', 'kết quả JSON; one JSON document on stdout')
    .addHelpText(
      'after',
      '\nMã kết thúc / exit codes: 0 hợp lệ / good, 65 không hợp lệ / not good (the code says why), 66 không đọc được / a file cannot be read, 2 dùng sai / wrong use.\nNothing but the file and the root is used: no network, no data folder, no clock.',
    )
    .action((file: string, options: { root: string; json?: boolean }) =>
      runCommand(async (out) => {
        const [bytes, rootDer] = [await readFile(file), await readRoot(options.root)];
        return await judged(out, async () => {
          if (bytes.length === 0) throw new ExchangeError('proof-invalid', 'the file is empty');
          const { facts, directory } = verifyProof(bytes, rootDer);
          out.answer(proofJson(facts, directory));
          out.say(proofLines(proofText(facts, directory)));
        });
      }, options),
    );

  const envelope = program
    .command('envelope')
    .description('Xem phong bì, biên nhận, tệp bằng chứng.\nLooks into files of the exchange, offline.');
  envelope
    .command('show')
    .description(
      'Giải mã và kiểm tra một tệp: phong bì, phần đầu đã ký, biên nhận, thông báo, bằng chứng, danh bạ.\nDecodes and verifies one file: wrapper, sealed header, receipt, notice, hop, epoch, directory part or proof.',
    )
    .argument('<file>', 'tệp nguyên trạng; the bytes as they travel')
    .requiredOption('--root <file>', 'chứng thư gốc; the root certificate you trust (PEM or DER)')
    .option(
      '--certificates <file>',
      'certificates of signers and issuing CAs (PEM, several per file; may be repeated)',
      collect,
    )
    .option(
      '--directory <file>',
      'signed directory parts (an answer of GET /v1/directory, or one part; may be repeated)',
      collect,
    )
    .option('--at <time>', 'judge the signer at this time (ISO 8601) instead of the time in the file')
    .option('--json', 'kết quả JSON; one JSON document on stdout')
    .addHelpText(
      'after',
      '\nMã kết thúc / exit codes: 0 hợp lệ / good, 65 không hợp lệ / not good (the code says why), 66 không đọc được / a file cannot be read, 2 dùng sai / wrong use.\nA proof file brings its own certificates and directory; anything else needs --certificates or --directory.',
    )
    .action((file: string, options: ShowOptions) =>
      runCommand((out) => showFile(out, file, options), options),
    );
}

type ShowOptions = {
  readonly root: string;
  readonly certificates?: string[];
  readonly directory?: string[];
  readonly at?: string;
  readonly json?: boolean;
};

async function showFile(out: Output, file: string, options: ShowOptions): Promise<number> {
  const atMs = options.at === undefined ? undefined : Date.parse(options.at);
  if (Number.isNaN(atMs))
    throw wrongUse('--at is not a time, such as 2026-11-22T09:00:00+07:00', '--at không phải thời điểm');
  const bytes = await readFile(file);
  const rootDer = await readRoot(options.root);
  const certificates = (await Promise.all((options.certificates ?? []).map(readCertificates))).flat();
  const directory = await Promise.all((options.directory ?? []).map(readFile));
  return await judged(out, async () => {
    const shown = await show(bytes, { rootDer, certificates, directory, atMs });
    out.answer({ what: shown.what, form: formOf(bytes), ...shown.json });
    out.say(
      shown.text === undefined
        ? `HỢP LỆ — good: ${shown.what}\n${JSON.stringify(shown.json, null, 2)}`
        : proofLines(shown.text),
    );
  });
}

/** Names in a proof are words of other people. */
const proofLines = (text: string): string => text.split('\n').map(visible).join('\n');

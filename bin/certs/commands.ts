// `lienthong certs verify`: judges a chain of any authority offline, with nothing but the files given. No data folder, no network.
// The decision is certs/rfc5280; here are only files, words and exit codes.
import fsp from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readBundle } from '../../certs/rfc5280/bundle.ts';
import { CRL_BYTES_MAX } from '../../certs/rfc5280/crl.ts';
import { type Purpose, purposes } from '../../certs/rfc5280/purpose.ts';
import type { RefusalCode } from '../../certs/rfc5280/refusal.ts';
import { type ChainVerdict, verifyChain } from '../../certs/rfc5280/verify.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { CommandError, collect, exitCodes, type Output, readable, runCommand, visible } from '../output.ts';
import { refusalWords, verdictWords } from './words.ts';

/** A bundle of all public roots has 250 KB; a thousand names and limits another 300. */
const BUNDLE_BYTES_MAX = 8 * 1024 * 1024;
/** Base64 of the largest list, with room for several small ones. */
const CRL_FILE_BYTES_MAX = 2 * CRL_BYTES_MAX;

/**
 * 2026-07-01 or 2026-07-01T08:00:00 (Vietnam's time, where none is named), with a zone, [YY]YYMMDDHHMMSSZ as certificates hold it, or seconds
 * since 1970 as OpenSSL takes them.
 */
function timeOf(text: string): number {
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1000;
  const compact = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  const [, year = '', month, day, hour, minute, second] = compact ?? [];
  const century = year.length === 4 ? '' : Number(year) < 50 ? '20' : '19';
  const full = compact
    ? `${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`
    : /^\d{4}-\d{2}-\d{2}$/.test(text)
      ? `${text}T00:00:00+07:00`
      : /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text)
        ? `${text.replace(' ', 'T')}+07:00`
        : text;
  const value = /(Z|[+-]\d{2}:?\d{2})$/.test(full) ? Date.parse(full) : Number.NaN;
  if (Number.isNaN(value))
    throw new InvalidArgumentError('a time as 2026-07-01, 2026-07-01T08:00:00+07:00 or 20260701010000Z');
  return value;
}

async function bundle(
  path: string,
  kind: 'CERTIFICATE' | 'X509 CRL',
  bytesMax: number,
): Promise<readonly Uint8Array[]> {
  const bytes = await readable(path, async () => {
    const handle = await fsp.open(path, 'r');
    try {
      // A folder, pipe or device has no size to be bounded by.
      const stat = await handle.stat();
      if (!stat.isFile()) throw unreadable(path, 'không phải tệp', 'not a file');
      if (stat.size > bytesMax)
        throw unreadable(path, `lớn hơn ${bytesMax} byte`, `larger than ${bytesMax} bytes`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  });
  const found = readBundle(bytes, kind);
  if ('why' in found) throw unreadable(path, `không đọc được: ${found.why}`, found.why);
  return found;
}

const unreadable = (path: string, vi: string, en: string): CommandError =>
  new CommandError('unreadable', { vi: `${path}: ${vi}`, en: `${path}: ${en}` });

type Options = {
  anchors: string[];
  crl?: string[];
  crlAll?: boolean;
  purpose: Purpose;
  at?: number;
  allowWeak?: boolean;
  anchorValidity?: boolean;
  anchorConstraints?: boolean;
  json?: boolean;
};

export function certsCommands(program: Command): void {
  const certs = program.command('certs').description('Chứng thư.\nCertificates.');
  certs
    .command('verify <chain>')
    .description(
      'Xét một chuỗi chứng thư của bất kỳ nơi cấp nào (RFC 5280), không cần mạng.\nJudges a chain of any authority (RFC 5280), offline. The chain is PEM or DER, leaf first.',
    )
    .requiredOption(
      '--anchors <file>',
      'chứng thư gốc tin cậy, lặp lại được; trusted roots, repeatable',
      collect,
    )
    .option('--crl <file>', 'danh sách thu hồi, lặp lại được; revocation lists, repeatable', collect)
    .option(
      '--crl-all',
      'mọi chứng thư của chuỗi phải có danh sách; a list for every certificate, not only the leaf',
    )
    .addOption(
      new Option('--purpose <purpose>', 'dùng để làm gì; what it is used for')
        .choices(purposes)
        .default('any'),
    )
    .option('--at <time>', 'xét tại lúc, mặc định là bây giờ; the moment judged, default now', timeOf)
    .option(
      '--allow-weak',
      'chấp nhận SHA-1 và RSA 1024, chỉ để xét quá khứ; accepts SHA-1 and RSA 1024, for judging the past only',
    )
    .option('--anchor-validity', 'hạn của gốc cũng tính; the validity of the root counts too')
    .option(
      '--anchor-constraints',
      'giới hạn ghi trong gốc cũng tính (RFC 5937); limits in the root count too',
    )
    .option('--json', 'kết quả JSON; machine-readable answer')
    .addHelpText(
      'after',
      '\nMã kết thúc / exit codes: 0 hợp lệ / valid, 2 dùng sai / wrong use, 65 không chấp nhận hoặc không xét được / refused or unsupported, 66 không đọc được tệp / unreadable.',
    )
    .action((chain: string, options: Options) => runCommand((out) => verify(out, chain, options), options));
}

async function verify(out: Output, chain: string, options: Options): Promise<number> {
  const { anchors, crl, purpose, at } = options;
  const many = async (paths: readonly string[], kind: 'CERTIFICATE' | 'X509 CRL', bytesMax: number) => {
    const found: Uint8Array[] = [];
    for (const path of paths) found.push(...(await bundle(path, kind, bytesMax)));
    return found;
  };
  const verdict = verifyChain({
    chain: await bundle(chain, 'CERTIFICATE', BUNDLE_BYTES_MAX),
    anchors: await many(anchors, 'CERTIFICATE', BUNDLE_BYTES_MAX),
    ...(crl ? { crls: await many(crl, 'X509 CRL', CRL_FILE_BYTES_MAX) } : {}),
    crlAll: options.crlAll === true,
    purpose,
    atMs: at ?? systemClock.nowMs(),
    weak: options.allowWeak === true,
    anchorRules: {
      validity: options.anchorValidity === true,
      constraints: options.anchorConstraints === true,
    },
  });
  show(out, verdict);
  return verdict.verdict === 'valid' ? exitCodes.done : exitCodes.judgedBad;
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function show(out: Output, verdict: ChainVerdict): void {
  const { reason, path, revocation, warnings, policies } = verdict;
  const words = reason && refusalWords[reason.code as RefusalCode];
  out.say(verdictWords[verdict.verdict]);
  if (reason && words) {
    out.say(`${words.vi}${reason.detail ? `: ${visible(reason.detail)}` : ''}`);
    out.say(`${words.en} (${reason.code}; ${reason.clause})`);
    if (reason.about) out.say(`  ${visible(reason.about)}`);
    out.say(`  → ${words.remedyVi}\n  → ${words.remedyEn}`);
  }
  if (path.length > 0)
    out.table(
      ['Chủ thể (subject)', 'Nơi cấp (issuer)', 'Số (serial)', 'Từ', 'Đến'],
      path.map((one) => [one.subject, one.issuer, one.serial, dayOf(one.notBeforeMs), dayOf(one.notAfterMs)]),
    );
  for (const { subject, status } of revocation ?? [])
    out.say(
      `Thu hồi (revocation): ${visible(subject)}: ${status === 'good' ? 'không (not revoked)' : 'không rõ, không có danh sách (no list)'}`,
    );
  if (path.length > 0 && revocation === undefined)
    out.say('Thu hồi (revocation): không xét, thiếu --crl (not asked).');
  if (policies.length > 0) out.say(`Chính sách (policies): ${policies.join(' ')}`);
  for (const warning of warnings) out.warn(`Lưu ý (warning): ${visible(warning)}`);
  out.answer({
    ...verdict,
    valid: verdict.verdict === 'valid',
    ...(reason && words ? { reason: { ...reason, title: words.en, titleVi: words.vi } } : {}),
  });
}

// "lienthong policy show|check": the file policy in words, and what would become of a file, without sending anything. Opens a policy file and the
// files named, and nothing else; no network. For operators who write a policy and clerks who ask before they send.
import fs from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { checkParts, headBytes, type PartToCheck } from '../../certs/inspect/check-parts.ts';
import { createInspector } from '../../certs/inspect/inspector.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { policyFile } from '../../protocol/node/safety/policy-file.ts';
import { createScanner } from '../../protocol/node/safety/scanner.ts';
import { decide, findingWords } from '../../protocol/safety/findings.ts';
import {
  builtInPolicy,
  kindNames,
  type Policy,
  PolicyMistake,
  parsePolicy,
  policyText,
  rulesFor,
} from '../../protocol/safety/policy.ts';
import { secretsSaid } from '../../protocol/safety/secrecy.ts';
import { CommandError, exitCodes, type Output, readable, runCommand, visible, wrongUse } from '../output.ts';

type Options = {
  readonly dir?: string;
  readonly file?: string;
  readonly unit?: string;
  readonly kind?: string;
  readonly json?: boolean;
  readonly anchors?: string;
  readonly subject?: string;
};

async function policyOf({ dir, file }: Options): Promise<{ policy: Policy; from: string }> {
  const path = file ?? (dir === undefined ? undefined : join(dir, policyFile));
  if (path === undefined || (file === undefined && !fs.existsSync(path)))
    return { policy: builtInPolicy, from: 'built-in' };
  const text = await readable(path, () => fs.readFileSync(path, 'utf8'));
  try {
    return { policy: parsePolicy(text), from: path };
  } catch (error) {
    if (!(error instanceof PolicyMistake)) throw error;
    throw new CommandError(
      'configuration',
      { vi: `${path}, dòng ${error.line}: ${error.vi}`, en: `${path}:${error.line}: ${error.message}` },
      {
        vi: 'Sửa dòng đó rồi chạy lại lệnh này. Nút đang chạy vẫn theo chính sách cũ.',
        en: 'Correct that line and run this again. A running node keeps the policy from before.',
      },
    );
  }
}

const kindOf = ({ kind = 'document' }: Options): string => {
  if ((kindNames as readonly string[]).includes(kind)) return kind;
  throw wrongUse(`--kind is one of ${kindNames.join(', ')}`, `--kind là một trong ${kindNames.join(', ')}`);
};
const codesOf = ({ unit }: Options): string[] => (unit === undefined ? [] : [unit]);

async function show(out: Output, options: Options): Promise<void> {
  const { policy, from } = await policyOf(options);
  const rules = rulesFor(policy, { kind: kindOf(options), codes: codesOf(options) });
  out.answer({ from, rules, sections: policy.sections });
  const about = [options.unit && `unit ${options.unit}`, options.kind && `kind ${options.kind}`]
    .filter(Boolean)
    .join(', ');
  out.say(
    `# ${visible(from)}${about ? ` — ${visible(about)}` : ''}: các quy tắc đang có hiệu lực / the rules in force`,
  );
  out.say(
    '# deliver = cho qua, hold = giữ chờ người thứ hai, refuse = từ chối. Văn bản mật luôn bị từ chối / state secrets are always refused.',
  );
  out.say(policyText(rules));
}

function partOf(path: string, index: number): PartToCheck {
  return {
    index,
    name: path.split('/').at(-1)!,
    lengthBytes: fs.statSync(path).size,
    async head() {
      const fd = fs.openSync(path, 'r');
      try {
        const head = Buffer.alloc(headBytes);
        return head.subarray(0, fs.readSync(fd, head, 0, headBytes, 0));
      } finally {
        fs.closeSync(fd);
      }
    },
    content: async () => ({ file: fs.realpathSync(path) }),
    stream: async () => fs.createReadStream(path),
  };
}

const actionWords = { deliver: 'CHO QUA — deliver', hold: 'GIỮ — hold', refuse: 'TỪ CHỐI — refuse' } as const;

async function check(out: Output, files: readonly string[], options: Options): Promise<number> {
  const { policy, from } = await policyOf(options);
  const rules = rulesFor(policy, { kind: kindOf(options), codes: codesOf(options) });
  for (const file of files) await readable(file, () => fs.closeSync(fs.openSync(file, 'r')));
  const inspector = createInspector({
    clock: systemClock,
    ...(options.anchors === undefined ? {} : { anchorsDir: options.anchors }),
  });
  try {
    const parts = files.map(partOf);
    const checked = await checkParts(parts, {
      rules,
      inspector,
      scanner: createScanner(undefined, systemClock),
      atMs: systemClock.nowMs(),
    });
    if (checked.kind !== 'checked') return exitCodes.tryLater;
    const said = secretsSaid({ subject: options.subject, parts }).map(({ code, where }) => ({
      code,
      said: `/${where}`,
    }));
    const types = new Map(checked.parts.map(({ index, type }) => [index, type]));
    const decision = decide([...said, ...checked.findings], rules, { types, receiving: false });
    out.answer({ policy: from, action: decision.action, findings: decision.findings, parts: checked.parts });
    for (const part of checked.parts) {
      const page =
        part.firstPage === null || part.firstPage === 'read'
          ? ''
          : `; trang 1 không dò được dấu mật (${part.firstPage})`;
      out.say(visible(`[${part.index}] ${files[part.index]}: ${part.type} (${part.mediaType})${page}`));
      if (part.pdf) out.say(visible(`    ${part.pdf.verdict}: ${part.pdf.sentence}`));
    }
    for (const { code, part, said: detail, action } of decision.findings) {
      const where = part === undefined ? '' : `[${part}] `;
      out.say(visible(`  ${actionWords[action]}: ${where}${findingWords[code].vi} (${code}: ${detail})`));
      out.say(`      ${findingWords[code].en}`);
    }
    out.say(
      `=> ${actionWords[decision.action]}  (chính sách / policy: ${visible(from)}; chưa quét mã độc / not scanned)`,
    );
    return decision.action === 'deliver'
      ? exitCodes.done
      : decision.action === 'hold'
        ? exitCodes.failed
        : exitCodes.judgedBad;
  } finally {
    await inspector.close();
  }
}

export function policyCommands(program: Command): void {
  const policy = program
    .command('policy')
    .description(
      'Chính sách tệp: xem và thử trước, không gửi gì.\nThe file policy: what it says, and a dry run.',
    );
  const common = (command: Command) =>
    command
      .option('--dir <dir>', `thư mục dữ liệu; data folder of a node or hub, whose ${policyFile} is read`)
      .option('--file <file>', 'tệp chính sách này; this policy file instead')
      .option('--unit <code>', 'theo quy tắc của đơn vị này; by the rules of this unit')
      .option('--kind <kind>', `loại; ${kindNames.join(', ')}`)
      .option('--json', 'kết quả JSON; one JSON document on stdout');
  common(policy.command('show'))
    .description(
      'Các quy tắc có hiệu lực, có thể chép thành tệp chính sách.\nThe rules in force, as a text that can be a policy file; a mistake is named with its line.',
    )
    .action((options: Options) => runCommand((out) => show(out, options), options));
  common(policy.command('check'))
    .argument('<file...>', 'the files of one document')
    .option('--anchors <dir>', 'chứng thư gốc; root certificates for the signatures of PDFs')
    .option('--subject <words>', 'trích yếu; subject to look at as well')
    .description(
      'Thử trước: tệp sẽ được cho qua, giữ hay từ chối, và vì sao.\nDry run: what would become of these files, and why.',
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 deliver, 1 hold, 65 refuse, 66 unreadable, 78 the policy file has a mistake.',
    )
    .action((files: string[], options: Options) => runCommand((out) => check(out, files, options), options));
}

// `npm run fuzz -- [--seconds 60] [--seed N] [--only pdf,cms,zip,protobuf,edxml,policy] [--from ROUND --rounds N]`: damaged inputs into every reader of
// strangers' bytes. Prints seeds; writes the input of each finding below /tmp; ends with 1 if there is any.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runFuzz } from './run.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    only: { type: 'string' },
    from: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.error(`seed ${seed}, ${values.seconds} s`);
const result = await runFuzz({
  seconds: Number(values.seconds),
  seed,
  ...(values.only === undefined ? {} : { only: values.only.split(',') }),
  ...(values.from === undefined ? {} : { from: Number(values.from) }),
  ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
});
const dir = result.findings.length > 0 ? mkdtempSync(join(tmpdir(), 'lienthong-fuzz-')) : '';
for (const { round, target, said, input } of result.findings) {
  const file = input ? join(dir, `${target}-${seed}-${round}.bin`) : '';
  if (input) writeFileSync(file, input);
  console.error(
    `\n${target}, round ${round}: --seed ${seed} --from ${round} --rounds ${round + 1}  ${file}\n${said}`,
  );
}
const { findings, ...figures } = result;
console.log(JSON.stringify({ ...figures, findings: findings.length }));
process.exitCode = findings.length > 0 ? 1 : 0;

// `npm run bench -- NAME [--option value …]`: runs one benchmark and prints one JSON document as the last line. Each names its
// machine, versions, sizes and how durable every step is; a figure without them means nothing.
const names = [
  'hub',
  'path',
  'large',
  'large-path',
  'hostile',
  'fanout',
  'fair',
  'backlog',
  'directory',
  'at-rest',
  'lists',
] as const;

export type Options = Readonly<Record<string, string>>;

/** `--name value` pairs. */
function optionsOf(args: readonly string[]): Options {
  const options: Record<string, string> = {};
  for (let i = 0; i < args.length; i += 2) options[args[i]!.replace(/^--/, '')] = args[i + 1] ?? '';
  return options;
}

const [name, ...rest] = process.argv.slice(2);
const found = names.find((each) => each === name);
if (found === undefined) {
  process.stderr.write(`npm run bench -- ${names.join('|')} [--option value …]; see docs/performance.md\n`);
  process.exit(2);
}
const { run } = (await import(`./${found}.ts`)) as { run(options: Options): Promise<unknown> };
const result = await run(optionsOf(rest));
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);

// Reads a program's one JSON file: strict, all mistakes at once. No search path, no merging of files, no environment.
// Must never start a program on a value it had to guess: nothing is coerced, nothing unknown is skipped.
import fs from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { ExchangeError } from '../errors.ts';
import { checkSecret } from './secret-file.ts';

const storeFiles = { hub: 'hub.sqlite', node: 'node.sqlite' } as const;

/** `config-invalid` where `dir` is the other program's folder: a node's command there would be answered with "no such address", or complain about a file. */
export function assertFolderOf(program: 'hub' | 'node', dir: string): void {
  const other = program === 'hub' ? 'node' : 'hub';
  if (fs.existsSync(join(dir, storeFiles[program])) || !fs.existsSync(join(dir, storeFiles[other]))) return;
  const vi = { hub: 'trung tâm', node: 'nút' };
  throw new ExchangeError(
    'config-invalid',
    `--dir ${dir} là thư mục của ${vi[other]}, không phải của ${vi[program]}; it is the folder of a ${other}, this command is for a ${program}`,
  );
}

export type JsonSchema = { readonly [key: string]: unknown };

/**
 * The file's values over `defaults` (objects merge key by key, arrays replace), validated and frozen. In the schema, strings
 * with format "path" become absolute, relative to the file's folder; format "secret-path" also demands that the file
 * exists, is ours and is closed to others (`key-file-loose`). `config-invalid` lists every wrong key with expected and found.
 */
export function loadConfig<T extends object>(file: string, schema: JsonSchema, defaults: object): T {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ExchangeError(missing ? 'dir-missing' : 'config-invalid', `cannot read ${file}`, { cause });
  }
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    throw new ExchangeError('config-invalid', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(given)) throw new ExchangeError('config-invalid', `${file}: expected an object`);
  return checkConfig<T>(merge(defaults, given), schema, file);
}

/** As loadConfig, for values that did not come from a file; `file` names them in errors and anchors relative paths. */
export function checkConfig<T extends object>(values: unknown, schema: JsonSchema, file: string): T {
  const secrets: string[] = [];
  const own = structuredClone(values);
  const validate = new Ajv2020({
    strict: true,
    allErrors: true,
    verbose: true,
    formats: { path: true, 'secret-path': true },
  }).compile(schema);
  if (!validate(own)) {
    const lines = (validate.errors ?? []).map(describe);
    throw new ExchangeError('config-invalid', `${file}: ${[...new Set(lines)].join('; ')}`);
  }
  resolvePaths(own, schema, dirname(resolve(file)), secrets);
  for (const path of secrets) checkSecret(path);
  return deepFreeze(own) as T;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over;
  const out: Record<string, unknown> = { ...base };
  // defineProperty semantics of spread keep "__proto__" a plain key, which the schema then refuses.
  for (const [key, value] of Object.entries(over)) {
    const merged = Object.hasOwn(base, key) ? merge(base[key], value) : value;
    Object.defineProperty(out, key, { value: merged, enumerable: true, writable: true, configurable: true });
  }
  return out;
}

/** "/exchange/port: must be integer, found "abc"". Values of the file are the operator's own; cut, since they may be long. */
function describe(e: ErrorObject): string {
  const where = e.instancePath || '/';
  if (e.keyword === 'additionalProperties') return `${where}: unknown key "${e.params.additionalProperty}"`;
  if (e.keyword === 'required') return `${where}: missing key "${e.params.missingProperty}"`;
  const allowed = e.keyword === 'enum' ? ` (${(e.params.allowedValues as unknown[]).join(', ')})` : '';
  return `${where}: ${e.message}${allowed}, found ${(JSON.stringify(e.data) ?? 'nothing').slice(0, 60)}`;
}

function resolvePaths(value: unknown, schema: unknown, folder: string, secrets: string[]): unknown {
  if (!isObject(schema)) return value;
  if (typeof value === 'string' && (schema.format === 'path' || schema.format === 'secret-path')) {
    const full = isAbsolute(value) ? value : resolve(folder, value);
    if (schema.format === 'secret-path') secrets.push(full);
    return full;
  }
  if (isObject(value) && isObject(schema.properties)) {
    for (const [key, sub] of Object.entries(schema.properties)) {
      if (Object.hasOwn(value, key)) value[key] = resolvePaths(value[key], sub, folder, secrets);
    }
  }
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) value[i] = resolvePaths(item, schema.items, folder, secrets);
  }
  return value;
}

function deepFreeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

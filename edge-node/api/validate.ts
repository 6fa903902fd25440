// Judges requests by the route's schema: all wrong fields at once, nothing coerced, nothing dropped, nothing filled in.
// It must never spend more on a hostile body than on a good one, and never repeat values in its answer: they may be content.
// Before every route of the local API.
import { TextDecoder } from 'node:util';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import { judgeDocument } from '../../protocol/document/judge.ts';
import { violation, violationOf } from '../../protocol/document/violations.ts';
import { ExchangeError, type Violation } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

/** 1,024 recipients, 64 parts of 4 fields, 256 places and the rest come to less than 2,000 values. */
const VALUES_MAX = 4_000;
/** Fields named in one answer; a caller with more mistakes than that has a greater one. */
const NAMED_MAX = 40;

// RFC 3339 §5.6 with a zone.
const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;
export const isDateTime = (text: string): boolean => dateTime.test(text) && !Number.isNaN(Date.parse(text));

const lastFour = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$/;
/** Decoded into again and again; larger ones get a buffer of their own. */
const scratch = Buffer.allocUnsafeSlow(limits.inlinePartBytesMax);

/**
 * RFC 4648 §4 with padding, nothing else. The decoder passes over what is not of the alphabet, takes that of §5 too and the low byte of what is not
 * ASCII: so all must be ASCII, every character must have given its six bits, and the two signs of §5 are looked for. A twentieth of what a regular
 * expression over the text costs.
 */
export function isBase64(text: string): boolean {
  if (text === '') return true;
  if (text.length % 4 !== 0 || !lastFour.test(text.slice(-4))) return false;
  if (Buffer.byteLength(text) !== text.length) return false;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const length = (text.length / 4) * 3 - padding;
  const into = length <= scratch.length ? scratch : Buffer.allocUnsafe(length);
  return into.write(text, 'base64') === length && !text.includes('-') && !text.includes('_');
}

export function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    allErrors: true,
    verbose: true,
    formats: { 'date-time': isDateTime },
  });
  ajv.addKeyword({
    keyword: 'x-max-bytes',
    type: 'string',
    schemaType: 'number',
    validate: (bytesMax: number, text: string) => Buffer.byteLength(text) <= bytesMax,
  });
  ajv.addKeyword({
    keyword: 'x-base64',
    type: 'string',
    schemaType: 'boolean',
    validate: (_wanted: boolean, text: string) => isBase64(text),
  });
  // Marks a body that protocol/document/judge.ts looks at as well.
  ajv.addKeyword({ keyword: 'x-document', schemaType: 'boolean' });
  return ajv;
}

/** The body itself, or its member `fields`, is what a sender says of a document. */
function judged(schema: object, value: unknown, nowMs: number): Violation[] {
  if ('x-document' in schema) return judgeDocument(value, nowMs);
  const fields = (schema as { properties?: { fields?: object } }).properties?.fields;
  if (fields === undefined || !('x-document' in fields)) return [];
  const given = (value as { fields?: unknown } | null)?.fields;
  return judgeDocument(given, nowMs).map((each) => ({ ...each, field: `/fields${each.field}` }));
}

/** What is wrong with the value whatever the schema says. Not recursive: a million nested arrays may come. */
function faultOf(value: unknown): string | undefined {
  const waiting: unknown[] = [value];
  for (let seen = 0; waiting.length > 0; seen++) {
    if (seen > VALUES_MAX) return `more than ${VALUES_MAX} values`;
    const next = waiting.pop();
    // A lone surrogate would become another letter in UTF-8: what is sealed would not be what was handed in.
    if (typeof next === 'string' && !next.isWellFormed()) return 'a text that is not well-formed Unicode';
    if (typeof next !== 'object' || next === null) continue;
    const inner = Object.values(next);
    if (inner.length > VALUES_MAX) return `more than ${VALUES_MAX} values`;
    waiting.push(...inner);
  }
  return undefined;
}

function pointerOf({ instancePath: at, keyword, params }: ErrorObject): string {
  if (keyword === 'additionalProperties') return `${at}/${String(params.additionalProperty).slice(0, 60)}`;
  if (keyword === 'required') return `${at}/${params.missingProperty}`;
  return at;
}

function violationIn(error: ErrorObject): Violation {
  const pointer = pointerOf(error);
  if (error.keyword === 'oneOf' && /^\/parts\/\d+$/.test(pointer))
    return violation(
      pointer,
      'cần nội dung (contentBase64) hoặc mã tải lên (uploadId), chỉ một trong hai.',
      'contentBase64 or uploadId, one of them',
    );
  const { keyword, params, schema, message = keyword } = error;
  return violationOf({ pointer, keyword, params, schema, message });
}

/** The sub-errors of a oneOf repeat what its own line says. */
const isInner = ({ schemaPath }: ErrorObject): boolean => /\/(oneOf|anyOf)\/\d+\//.test(schemaPath);

/** Makes `request-malformed` from everything that is wrong, each once. */
export function refusal(
  where: string,
  errors: readonly ErrorObject[],
  more: readonly Violation[] = [],
): ExchangeError {
  const all = [...errors.filter((error) => !isInner(error)).map(violationIn), ...more];
  const byField = new Map(all.map((each) => [`${each.field || '/'}: ${each.en}`, each]));
  const lines = [...byField.keys()];
  const left = lines.length > NAMED_MAX ? `; and ${lines.length - NAMED_MAX} more` : '';
  return new ExchangeError('request-malformed', `${where}: ${lines.slice(0, NAMED_MAX).join('; ')}${left}`, {
    violations: [...byField.values()].slice(0, NAMED_MAX),
  });
}

/** Every route of `app` registered after this is judged by these rules. */
export function strictRequests(app: FastifyInstance, nowMs: () => number): void {
  const ajv = createAjv();
  const compiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
    // Compiled when the first request comes: all of them at once are a second of an old PC's start, and most are never asked for.
    let compiled: ValidateFunction | undefined;
    const where = httpPart === 'querystring' ? 'query' : (httpPart ?? 'body');
    return (value: unknown) => {
      const fault = faultOf(value);
      if (fault) return { error: new ExchangeError('request-malformed', `${where}: ${fault}`) };
      compiled ??= ajv.compile(schema);
      const validate = compiled;
      const good = validate(value);
      const wrong = judged(schema, value, nowMs());
      if (good && wrong.length === 0) return { value };
      return { error: refusal(where, (good ? undefined : validate.errors) ?? [], wrong) };
    };
  };
  app.setValidatorCompiler(compiler);
  // Answers are ours and typed: no filtering by schema, which would hide a field that a later version adds.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  strictJson(app);
}

/** RFC 8259: UTF-8 without a byte order mark; what is not is refused and never repaired into another text. */
function strictJson(app: FastifyInstance): void {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    let text: string;
    try {
      text = utf8.decode(body as Buffer);
    } catch (cause) {
      done(new ExchangeError('request-malformed', 'body is not UTF-8', { cause }));
      return;
    }
    if (text === '') done(null, null);
    else parse(request, text, done);
  });
}

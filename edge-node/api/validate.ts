// Judges requests by the route's schema: all wrong fields at once, nothing coerced, nothing dropped, nothing filled in.
// It must never spend more on a hostile body than on a good one, and never repeat values in its answer: they may be content.
// Before every route of the local API.
import { TextDecoder } from 'node:util';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import { ExchangeError } from '../../protocol/errors.ts';

/** 1,024 recipients, 64 parts of 4 fields, 256 places and the rest come to less than 2,000 values. */
const VALUES_MAX = 4_000;
/** Fields named in one answer; a caller with more mistakes than that has a greater one. */
const NAMED_MAX = 40;

// RFC 3339 §5.6 with a zone.
const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;
export const isDateTime = (text: string): boolean => dateTime.test(text) && !Number.isNaN(Date.parse(text));

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
  return ajv;
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

function nameOf(error: ErrorObject): string {
  const at = error.instancePath;
  if (error.keyword === 'additionalProperties')
    return `${at}/${String(error.params.additionalProperty).slice(0, 60)}: unknown field`;
  if (error.keyword === 'required') return `${at}/${error.params.missingProperty}: missing`;
  if (error.keyword === 'enum')
    return `${at}: one of ${(error.params.allowedValues as unknown[]).join(', ').slice(0, 200)}`;
  if (error.keyword === 'oneOf' && /^\/parts\/\d+$/.test(at))
    return `${at}: contentBase64 or uploadId, one of them`;
  if (error.keyword === 'x-max-bytes') return `${at}: more than ${String(error.schema)} bytes in UTF-8`;
  return `${at || '/'}: ${error.message ?? error.keyword}`;
}

/** The sub-errors of a oneOf repeat what its own line says. */
const isInner = ({ schemaPath }: ErrorObject): boolean => /\/(oneOf|anyOf)\/\d+\//.test(schemaPath);

/** Makes `request-malformed` from all errors, each once. */
export function refusal(where: string, errors: readonly ErrorObject[]): ExchangeError {
  const named = [...new Set(errors.filter((error) => !isInner(error)).map(nameOf))];
  const more = named.length > NAMED_MAX ? `; and ${named.length - NAMED_MAX} more` : '';
  return new ExchangeError('request-malformed', `${where}: ${named.slice(0, NAMED_MAX).join('; ')}${more}`);
}

/** Every route of `app` registered after this is judged by these rules. */
export function strictRequests(app: FastifyInstance): void {
  const ajv = createAjv();
  const compiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
    const validate = ajv.compile(schema);
    const where = httpPart === 'querystring' ? 'query' : (httpPart ?? 'body');
    return (value: unknown) => {
      const fault = faultOf(value);
      if (fault) return { error: new ExchangeError('request-malformed', `${where}: ${fault}`) };
      if (validate(value)) return { value };
      return { error: refusal(where, validate.errors ?? []) };
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

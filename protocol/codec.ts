// Bytes <-> readonly types. The only file that uses protobufjs. Decoding is strict and bounded: size is checked before
// anything is allocated, the wire format is walked first (wire-walk.ts), and what the library leaves open (Long, missing bytes)
// is decided here. Signed bytes are never re-encoded: they travel as bytes (signature.ts).
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { type ErrorCode, ExchangeError } from './errors.ts';
import { limits } from './limits.ts';
import type * as wire from './wire.ts';
import { type FieldShape, type Shape, walk } from './wire-walk.ts';

// 64-bit integers as numbers: every field of ours stays below 2^53, and the walk refuses what does not.
protobuf.util.Long = null as never;
protobuf.configure();
// Unknown fields stay in the signed bytes; the decoded view need not hold them.
(protobuf.Reader as unknown as { discardUnknown: boolean }).discardUnknown = true;

const root = new protobuf.Root().loadSync(fileURLToPath(new URL('./wire.proto', import.meta.url)), {
  keepCase: false,
});

type DeepPartial<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly DeepPartial<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]?: DeepPartial<T[Key]> }
      : T;

export type Codec<T> = {
  /** Bytes of `value`; absent fields are zero. Not canonical by promise: whoever signs keeps these bytes. */
  encode(value: DeepPartial<T>): Buffer;
  /** Throws the codec's code for anything but one well-formed message of at most `bytesMax`. The result shares memory with `bytes`. */
  decode(bytes: Uint8Array): T;
  readonly bytesMax: number;
};

const scalarWireType: Record<string, 0 | 1 | 2 | 5> = {
  string: 2,
  bytes: 2,
  double: 1,
  fixed64: 1,
  sfixed64: 1,
  float: 5,
  fixed32: 5,
  sfixed32: 5,
};
/** Varints of these types are smaller; the others stay below 2^53 and are never negative. */
const varintMax: Record<string, number> = { uint32: 0xffffffff, bool: 1 };
const shapes = new Map<string, Shape>();
const noBytes = Buffer.alloc(0);

function nestedOf(field: protobuf.Field): protobuf.Type | undefined {
  return field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
}

function shapeOf(type: protobuf.Type): Shape {
  const known = shapes.get(type.fullName);
  if (known) return known;
  const shape = new Map<number, FieldShape>();
  shapes.set(type.fullName, shape);
  for (const field of type.fieldsArray) {
    field.resolve();
    const nested = nestedOf(field);
    // The library puts a type's full name together each time it is asked for: once is enough.
    let inner: Shape | undefined;
    const wireType = nested ? 2 : (scalarWireType[field.type] ?? 0);
    shape.set(field.id, {
      name: field.name,
      repeated: field.repeated,
      wireType,
      packable: field.repeated && wireType !== 2,
      valueMax: varintMax[field.type] ?? Number.MAX_SAFE_INTEGER,
      message: nested
        ? () => {
            inner ??= shapeOf(nested);
            return inner;
          }
        : undefined,
    });
    // The library's default for absent bytes is an Array; ours is an empty Buffer.
    if (field.type === 'bytes' && !field.repeated) type.ctor.prototype[field.name] = noBytes;
  }
  return shape;
}

/**
 * Everything is encoded in this one and copied out: the library's own writers begin with 128 bytes and double, which leaves three times the message behind
 * as dead buffers. Nothing is awaited while one encodes.
 */
let writer = protobuf.Writer.create();
/** A batch, roughly; a writer that has grown beyond it is left to V8. */
const keptBytesMax = limits.batchBytesMax;

function encoded(type: protobuf.Type, value: Record<string, unknown>): Buffer {
  let keep = false;
  try {
    const bytes = type.encode(value, writer).finish() as Buffer;
    keep = writer.len <= keptBytesMax;
    return bytes;
  } finally {
    // A value that throws leaves fields open in it.
    if (keep) writer.reset();
    else writer = protobuf.Writer.create();
  }
}

function codec<T extends object>(
  name: string,
  bytesMax: number,
  malformed: ErrorCode = 'batch-malformed',
  tooLarge: ErrorCode = 'batch-too-large',
): Codec<T> {
  const type = root.lookupType(`lienthong.v1.${name}`);
  const shape = shapeOf(type);
  return {
    bytesMax,
    encode: (value) => encoded(type, value as Record<string, unknown>),
    decode(bytes) {
      if (bytes.length > bytesMax)
        throw new ExchangeError(tooLarge, `${name}: ${bytes.length} bytes, at most ${bytesMax}`);
      const wrong = walk(bytes, shape, limits.nestingMax);
      if (wrong) throw new ExchangeError(malformed, `${name}: ${wrong}`);
      try {
        // A Buffer view so that nested bytes are Buffers sharing this memory.
        return type.decode(asBuffer(bytes)) as unknown as T;
      } catch (cause) {
        throw new ExchangeError(malformed, `${name}: not a protobuf message`, { cause });
      }
    },
  };
}

/**
 * As `codec`, with every field an own property, so that a spread or JSON.stringify of the result loses nothing. The library keeps
 * absent fields on the prototype; copying them costs too much for what passes by thousands per second.
 */
function wholeCodec<T extends object>(...args: Parameters<typeof codec<T>>): Codec<T> {
  const plain = codec<T>(...args);
  const type = root.lookupType(`lienthong.v1.${args[0]}`);
  return { ...plain, decode: (bytes) => complete(plain.decode(bytes) as Fields, type) as T };
}

type Fields = Record<string, unknown>;
/** How a message of a type is made whole: all its fields at once, as its objects are laid out, then those that are messages themselves. */
type Whole = {
  readonly blank: Fields;
  readonly fields: readonly {
    readonly name: string;
    readonly repeated: boolean;
    readonly nested: protobuf.Type | undefined;
  }[];
};
const wholes = new Map<protobuf.Type, Whole>();

function wholeOf(type: protobuf.Type): Whole {
  let whole = wholes.get(type);
  if (!whole) {
    const fields = type.fieldsArray.map((field) => ({
      name: field.name,
      repeated: field.repeated,
      nested: nestedOf(field),
    }));
    whole = { blank: Object.fromEntries(fields.map(({ name }) => [name, undefined])), fields };
    wholes.set(type, whole);
  }
  return whole;
}

function complete(message: Fields, type: protobuf.Type): Fields {
  const { blank, fields } = wholeOf(type);
  const whole: Fields = { ...blank };
  for (const { name, repeated, nested } of fields) {
    const value = message[name];
    if (!nested || value === null) whole[name] = value;
    else if (repeated) whole[name] = (value as Fields[]).map((item) => complete(item, nested));
    else whole[name] = complete(value as Fields, nested);
  }
  return whole;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const {
  headerBytesMax,
  metadataBytesMax,
  wrapperBytesMax,
  batchBytesMax,
  statementBytesMax,
  statementsBytesMax,
} = limits;
/** A Signed adds type, signature and a Merkle path to its bytes. */
const signatureRoom = 1024;

export const signedCodec = codec<wire.Signed>(
  'Signed',
  headerBytesMax + signatureRoom,
  'envelope-malformed',
  'envelope-too-large',
);
export const signedStatementCodec = codec<wire.Signed>(
  'Signed',
  statementBytesMax + signatureRoom,
  'statement-malformed',
  'statement-too-large',
);
/** A directory part of 125,000 units with certificates is about 100 MB; nodes stream nothing here, so it has a bound of its own. */
export const signedDirectoryCodec = codec<wire.SignedDirectory>(
  'SignedDirectory',
  256 * 1024 * 1024,
  'statement-malformed',
  'statement-too-large',
);
export const headerCodec = codec<wire.Header>(
  'Header',
  headerBytesMax,
  'header-malformed',
  'header-too-large',
);
export const metadataCodec = wholeCodec<wire.Metadata>(
  'Metadata',
  metadataBytesMax,
  'metadata-malformed',
  'metadata-malformed',
);
export const wrapperCodec = codec<wire.Wrapper>(
  'Wrapper',
  wrapperBytesMax,
  'envelope-malformed',
  'envelope-too-large',
);
export const hopCodec = codec<wire.Hop>('Hop', 1024, 'envelope-malformed', 'envelope-too-large');
export const statementCodec = codec<wire.Statement>(
  'Statement',
  statementBytesMax,
  'statement-malformed',
  'statement-too-large',
);
export const epochCodec = codec<wire.Epoch>('Epoch', 1024, 'statement-malformed', 'statement-too-large');
export const directoryPartCodec = wholeCodec<wire.DirectoryPart>(
  'DirectoryPart',
  256 * 1024 * 1024,
  'statement-malformed',
  'statement-too-large',
);
export const directoryPageCodec = codec<wire.DirectoryPage>(
  'DirectoryPage',
  8 * 1024 * 1024,
  'statement-malformed',
  'statement-too-large',
);
export const directoryRequestCodec = codec<wire.DirectoryRequest>('DirectoryRequest', 64 * 1024);
export const directoryAnswerCodec = codec<wire.DirectoryAnswer>('DirectoryAnswer', 512 * 1024 * 1024);
export const renewRequestCodec = codec<wire.RenewRequest>('RenewRequest', 16 * 1024);
export const renewalCodec = codec<wire.Renewal>('Renewal', 8 * 1024);
export const renewResponseCodec = codec<wire.RenewResponse>('RenewResponse', 64 * 1024);
export const rootHandoverCodec = codec<wire.RootHandover>('RootHandover', 32 * 1024);
export const proofCodec = codec<wire.Proof>('Proof', 64 * 1024 * 1024, 'proof-invalid', 'proof-invalid');
export const submitRequestCodec = codec<wire.SubmitRequest>('SubmitRequest', batchBytesMax);
export const submitResponseCodec = codec<wire.SubmitResponse>('SubmitResponse', 32 * 1024 * 1024);
export const sessionRequestCodec = codec<wire.SessionRequest>('SessionRequest', 4096);
export const sessionResponseCodec = codec<wire.SessionResponse>('SessionResponse', 64 * 1024);
export const pollRequestCodec = codec<wire.PollRequest>('PollRequest', 64 * 1024);
export const pollResponseCodec = codec<wire.PollResponse>(
  'PollResponse',
  batchBytesMax + wrapperBytesMax + statementBytesMax,
);
export const statementsRequestCodec = codec<wire.StatementsRequest>('StatementsRequest', statementsBytesMax);
export const statementsResponseCodec = codec<wire.StatementsResponse>(
  'StatementsResponse',
  statementsBytesMax,
);
export const deferRequestCodec = codec<wire.DeferRequest>('DeferRequest', 64 * 1024);
export const sentRequestCodec = codec<wire.SentRequest>('SentRequest', 1024);
export const sentResponseCodec = codec<wire.SentResponse>('SentResponse', 32 * 1024 * 1024);
export const removalRequestCodec = codec<wire.RemovalRequest>('RemovalRequest', 4 * 1024 * 1024);
export const removalAnswerCodec = codec<wire.RemovalAnswer>('RemovalAnswer', 64 * 1024 * 1024);
export const removalActCodec = wholeCodec<wire.RemovalAct>('RemovalAct', 2048);
export const removalOrderCodec = wholeCodec<wire.RemovalOrder>('RemovalOrder', 256 * 1024);
export const removalDoneCodec = codec<wire.RemovalDone>('RemovalDone', 1024);
export const secretReportCodec = codec<wire.SecretReport>('SecretReport', 2048);

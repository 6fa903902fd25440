// What the fuzzer throws damaged inputs at: the readers of strangers' bytes, with good samples to begin from. A target may refuse in its own vocabulary; any
// other error is a finding.
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { inspectSource } from '../../certs/inspect/inspection.ts';
import { noAnchors } from '../../certs/pdf/anchors.ts';
import { parseCms } from '../../certs/pdf/asn1.ts';
import { PdfFault } from '../../certs/pdf/limits.ts';
import { readAnswers } from '../../certs/pdf/ocsp.ts';
import { memorySource } from '../../certs/pdf/source.ts';
import { readEdxml } from '../../hub/edxml/read.ts';
import {
  headerCodec,
  metadataCodec,
  removalOrderCodec,
  signedCodec,
  statementCodec,
  wrapperCodec,
} from '../../protocol/codec.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { builtInRules, PolicyMistake, parsePolicy, policyText } from '../../protocol/safety/policy.ts';
import { secretsSaid } from '../../protocol/safety/secrecy.ts';
import { ocspAnswer } from '../support/ocsp.ts';
import { authority, nameOf, nowMs } from '../support/pki.ts';
import { sharedData } from '../support/shared-data.ts';
import { oldFontPdf, unicodePdf } from '../support/text-pdf.ts';

export type Target = { readonly samples: readonly Buffer[]; run(bytes: Buffer): Promise<void> };

const files = (dir: string, ending: RegExp, bytesMax: number): Buffer[] =>
  fs.existsSync(dir)
    ? fs
        .readdirSync(dir)
        .filter((name) => ending.test(name))
        .map((name) => join(dir, name))
        .filter((path) => fs.statSync(path).isFile() && fs.statSync(path).size <= bytesMax)
        .map((path) => fs.readFileSync(path))
    : [];
const fixtures = fileURLToPath(new URL('../fixtures/pdf', import.meta.url));
const vectors = fileURLToPath(new URL('../vectors', import.meta.url));

const question = {
  name: 'a.pdf',
  atMs: Date.UTC(2026, 10, 22),
  archive: { depthMax: 3, membersMax: 1000, bytesMax: 64 * 1024 * 1024, ratioMax: 200 },
  pdfVersions: [1.4, 2] as [number, number],
};
const inspect = async (bytes: Buffer): Promise<void> =>
  void (await inspectSource(memorySource(bytes), question, noAnchors));

/** A ZIP of two members, one of them a ZIP again. */
function zipOf(members: readonly (readonly [name: string, bytes: Buffer])[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of members) {
    const packed = deflateRawSync(bytes);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt16LE(8, 8);
    head.writeUInt32LE(packed.length, 18);
    head.writeUInt32LE(bytes.length, 22);
    head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    locals.push(head, Buffer.from(name), packed);
    central.push(entry, Buffer.from(name));
    at += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** The base64 texts of a vector file. */
function encoded(name: string): Buffer[] {
  const found: Buffer[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'string' && value.length >= 40 && /^[0-9a-f]+$/.test(value))
      found.push(Buffer.from(value, 'hex'));
    else if (typeof value === 'string' && value.length >= 40 && /^[A-Za-z0-9+/=_-]+$/.test(value))
      found.push(Buffer.from(value, 'base64'));
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(JSON.parse(fs.readFileSync(join(vectors, name), 'utf8')));
  return found;
}

const codecs = [wrapperCodec, headerCodec, metadataCodec, signedCodec, statementCodec, removalOrderCodec];
const edxml = files(sharedData('edxml'), /\.edxml$/, 400_000);
const pdfs = [
  ...files(fixtures, /\.pdf$/, 200_000),
  unicodePdf([{ text: 'TỐI MẬT', x: 60, y: 700 }]),
  oldFontPdf('.VnTimeH', [{ bytes: 'mËt', y: 700 }]),
];
const cms = pdfs.flatMap((pdf) =>
  [...pdf.toString('latin1').matchAll(/\/Contents\s*<([0-9a-fA-F]{200,})>/g)].map(([, hex]) =>
    Buffer.from(hex!, 'hex'),
  ),
);
const root = { ...authority('Gốc'), nameDer: nameOf('Gốc') };
const ocsp = (['good', 'unknown', { revokedMs: nowMs }] as const).map((state) =>
  ocspAnswer({ issuer: root, by: root, serial: 77n, state, atMs: nowMs }),
);
const inner = zipOf([['c.txt', Buffer.from('trong cùng '.repeat(50))]]);

export const targets: Readonly<Record<string, Target>> = {
  pdf: { samples: pdfs, run: inspect },
  cms: {
    samples: [...cms, ...ocsp],
    async run(bytes) {
      readAnswers([bytes]);
      parseCms(bytes, { padded: true });
    },
  },
  zip: {
    samples: [
      zipOf([
        ['a.txt', Buffer.from('xin chào '.repeat(200))],
        ['b.zip', inner],
      ]),
      inner,
    ],
    run: inspect,
  },
  protobuf: {
    samples: [...encoded('envelopes.json'), ...encoded('statements.json')],
    async run(bytes) {
      for (const codec of codecs)
        try {
          codec.decode(bytes);
        } catch (error) {
          if (!isExchangeError(error)) throw error;
        }
    },
  },
  edxml: {
    samples:
      edxml.length > 0
        ? edxml
        : [
            Buffer.from(
              '<?xml version="1.0" encoding="UTF-8"?><edXML xmlns="http://www.e-doc.vn/Schema/"><edXMLEnvelope/></edXML>',
            ),
          ],
    async run(bytes) {
      await readEdxml([bytes]);
    },
  },
  policy: {
    samples: [Buffer.from(policyText(builtInRules))],
    async run(bytes) {
      secretsSaid({
        subject: bytes.toString('utf8').slice(0, 500),
        extraJson: bytes.toString('latin1').slice(0, 2000),
      });
      parsePolicy(bytes.toString('utf8'));
    },
  },
};

/** The vocabularies in which a reader may refuse. */
export const isRefusal = (error: unknown): boolean =>
  isExchangeError(error) || error instanceof PdfFault || error instanceof PolicyMistake;

// The demo's sample documents: they parse, read as Vietnamese in NFC, and their signatures say what the samples claim.
// The check of a signature here is written apart from the signer: pkijs only takes the CMS to pieces, node:crypto verifies.
// It must never stand in for the node's own signature check.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, verify, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PDFDocument } from '@cantoo/pdf-lib';
import type * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import t from 'tap';
import { makeSamplePdf, parseSampleText } from '../bin/demo/sample-pdf.ts';
import { makeLargePart, makeSamples, SAMPLE_ROOT_FILE } from '../bin/demo/samples.ts';

type Found = { byteRange: [number, number, number, number]; subFilter: string; cms: Buffer };

const NOW_MS = Date.UTC(2026, 10, 22, 3, 0, 0);

/** Every signature dictionary of the file in the order of its bytes. */
function signaturesIn(pdf: Buffer): Found[] {
  const text = pdf.toString('latin1');
  const pattern =
    /\/SubFilter \/([\w.]+)\s+\/ByteRange \[\s*(\d+) (\d+) (\d+) (\d+)\s*\]\s+\/Contents <([0-9a-f]+)>/gi;
  return [...text.matchAll(pattern)].map((match) => {
    const [start1, length1, start2, length2] = match.slice(2, 6).map(Number);
    const reserved = Buffer.from(match[6]!, 'hex');
    const lengthOfLength = reserved[1]! & 0x7f;
    const cmsLength = 2 + lengthOfLength + reserved.readUIntBE(2, lengthOfLength);
    return {
      byteRange: [start1!, length1!, start2!, length2!],
      subFilter: match[1]!,
      cms: reserved.subarray(0, cmsLength),
    };
  });
}

type Verdict = { digestMatches: boolean; signatureVerifies: boolean; certificates: X509Certificate[] };

/** Verifies one signature with its own certificate; the signer's certificate comes first of those inside. */
function verdictOf(pdf: Buffer, found: Found): Verdict {
  const [start1, length1, start2, length2] = found.byteRange;
  const covered = [pdf.subarray(start1, start1 + length1), pdf.subarray(start2, start2 + length2)];
  const digest = createHash('sha256').update(covered[0]!).update(covered[1]!).digest();
  const contentInfo = pkijs.ContentInfo.fromBER(new Uint8Array(found.cms));
  const signedData = new pkijs.SignedData({ schema: contentInfo.content });
  const signerInfo = signedData.signerInfos[0]!;
  const certificates = (signedData.certificates ?? []).map(
    (c) => new X509Certificate(Buffer.from((c as pkijs.Certificate).toSchema().toBER())),
  );
  const signedDigest = signerInfo.signedAttrs!.attributes.find((a) => a.type === '1.2.840.113549.1.9.4')!;
  const signedBytes = Buffer.from(signerInfo.signedAttrs!.encodedValue);
  return {
    digestMatches: digest.equals((signedDigest.values[0] as asn1js.OctetString).valueBlock.valueHexView),
    signatureVerifies: verify(
      'sha256',
      signedBytes,
      certificates[0]!.publicKey,
      signerInfo.signature.valueBlock.valueHexView,
    ),
    certificates,
  };
}

const poppler = (tool: string): boolean => spawnSync(tool, ['-v']).error === undefined;

const dir = t.testdir();
const samples = await makeSamples({ dir, nowMs: NOW_MS });
const signed = samples.filter((s) => s.signatures === 'person+organisation');

t.test('every sample is on disk as described', async (t) => {
  t.ok(signed.length >= 4, 'at least four signed documents');
  t.equal(new Set(samples.map((s) => s.title)).size, samples.length, 'titles differ');
  for (const sample of samples) {
    const bytes = readFileSync(sample.file);
    t.equal(bytes.length, sample.lengthBytes, sample.title);
    t.equal(createHash('sha256').update(bytes).digest('hex'), sample.sha256);
    t.match(sample.issueDate, /^\d{4}-\d{2}-\d{2}$/);
    t.equal(JSON.stringify(sample), JSON.stringify(sample).normalize('NFC'), 'the entry is in NFC');
    const doc = await PDFDocument.load(bytes, { updateMetadata: false });
    t.ok(doc.getPageCount() >= 1, 'the PDF parses');
  }
});

t.test('the person and then the organisation sign, and both signatures hold', async (t) => {
  const root = new X509Certificate(readFileSync(join(dir, SAMPLE_ROOT_FILE)));
  t.match(root.subject, 'KHÔNG CÓ GIÁ TRỊ PHÁP LÝ');
  for (const sample of signed) {
    const pdf = readFileSync(sample.file);
    const [person, organisation, ...more] = signaturesIn(pdf);
    t.ok(person && organisation && more.length === 0, `${sample.title} has two signatures`);
    for (const found of [person!, organisation!]) {
      const [start1, length1, start2, length2] = found.byteRange;
      t.equal(start1, 0, 'the range begins at the first byte');
      t.match(
        pdf.toString('latin1', length1, start2),
        /^<[0-9a-f]+>$/,
        'the gap is exactly the hex of the CMS',
      );
      const tail = pdf.toString('latin1', start2 + length2 - 6, start2 + length2);
      t.match(tail, /%%EOF\s*$/, 'the range ends where a revision ends');
    }
    const lastOf = (found: Found): number => found.byteRange[2] + found.byteRange[3];
    t.ok(lastOf(person!) < lastOf(organisation!), 'the person signs an earlier revision');
    t.equal(lastOf(organisation!), pdf.length, 'the organisation covers the whole file');
    t.same([person!.subFilter, organisation!.subFilter], ['adbe.pkcs7.detached', 'ETSI.CAdES.detached']);

    const verdicts = [verdictOf(pdf, person!), verdictOf(pdf, organisation!)];
    t.ok(
      verdicts.every((v) => v.digestMatches),
      'both digests match the bytes',
    );
    t.ok(
      verdicts.every((v) => v.signatureVerifies),
      'both signatures verify',
    );
    const [byPerson, issuing] = verdicts[0]!.certificates;
    const [byOrganisation] = verdicts[1]!.certificates;
    t.match(byPerson!.subject, `CN=${sample.signer.name}`);
    t.match(byPerson!.subject, `title=${sample.signer.title}`);
    t.match(byOrganisation!.subject, 'CN=UBND ');
    t.notMatch(byOrganisation!.subject, 'title=');
    t.ok(byPerson!.checkIssued(issuing!) && byPerson!.verify(issuing!.publicKey), 'issued by the sub CA');
    t.ok(byOrganisation!.verify(issuing!.publicKey));
    t.ok(issuing!.checkIssued(root) && issuing!.verify(root.publicKey), 'the sub CA is issued by the root');
    t.ok(root.verify(root.publicKey));
  }
});

t.test(
  'a byte changed after signing shows in both signatures, one in the last revision only in the second',
  async (t) => {
    const original = readFileSync(signed[0]!.file);
    const digestsMatch = (position: number): boolean[] => {
      const changed = Buffer.from(original);
      changed[position] = changed[position]! ^ 1;
      return signaturesIn(changed).map((found) => verdictOf(changed, found).digestMatches);
    };
    t.same(digestsMatch(2000), [false, false]);
    const [person] = signaturesIn(original);
    t.same(digestsMatch(person!.byteRange[2] + person!.byteRange[3] + 20), [true, false]);
  },
);

t.test('an unsigned document depends only on its text and the time', async (t) => {
  const text = parseSampleText(
    readFileSync(new URL('../bin/demo/texts/thong-bao-45.txt', import.meta.url), 'utf8'),
  );
  const make = async () => makeSamplePdf({ ...text, issueDate: '2026-02-03' }, { nowMs: NOW_MS });
  const [first, second] = [await make(), await make()];
  t.ok(Buffer.from(first.bytes).equals(second.bytes));
});

t.test("the gazette's signature does not cover the bytes", async (t) => {
  const gazette = samples.find((s) => s.signatures === 'broken')!;
  const pdf = readFileSync(gazette.file);
  const range = /\/ByteRange\s*\[\s*(\d+) (\d+) (\d+) (\d+)/.exec(pdf.toString('latin1'));
  const [start1, length1, start2, length2] = range!.slice(1).map(Number);
  t.equal(start1, 0);
  t.ok(
    length1! > pdf.length && start2! + length2! > pdf.length,
    'the range reaches past the end of the file',
  );
});

t.test(
  'the text is Vietnamese in NFC',
  { skip: poppler('pdftotext') ? false : 'needs pdftotext (poppler-utils)' },
  async (t) => {
    for (const sample of signed) {
      const text = execFileSync('pdftotext', [sample.file, '-'], { encoding: 'utf8' });
      t.equal(text, text.normalize('NFC'), sample.title);
      for (const part of [
        'CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM',
        'Nơi nhận:',
        `Số: ${sample.number}/${sample.notation}`,
      ])
        t.ok(text.includes(part), part);
      t.ok(text.replace(/\s+/g, ' ').includes(sample.subject), sample.subject);
      t.ok(text.includes(sample.signer.name));
      t.ok(text.includes('không có giá trị pháp lý'));
      t.notMatch(text, /TUYỆT MẬT|TỐI MẬT|^MẬT$/m, 'nothing looks like a mark of secrecy');
    }
  },
);

t.test('pdfsig agrees', { skip: poppler('pdfsig') ? false : 'needs pdfsig (poppler-utils)' }, async (t) => {
  for (const sample of signed) {
    const report = execFileSync('pdfsig', ['-nocert', sample.file], { encoding: 'utf8' });
    t.equal(report.match(/Signature is Valid/g)?.length, 2, sample.title);
    t.equal(report.match(/ {2}- Total document signed/g)?.length, 1);
    t.equal(report.match(/Not total document signed/g)?.length, 1);
  }
});

t.test('a large part has the length asked for, follows from its seed and does not compress', async (t) => {
  const file = join(dir, 'part.bin');
  const lengthBytes = 3 * 1024 * 1024 + 7;
  const first = await makeLargePart({ file, lengthBytes, seed: 'a' });
  const bytes = readFileSync(file);
  t.equal(statSync(file).size, lengthBytes);
  t.equal(first.sha256, createHash('sha256').update(bytes).digest('hex'));
  t.ok(gzipSync(bytes, { level: 1 }).length > lengthBytes * 0.99);
  t.same(await makeLargePart({ file, lengthBytes, seed: 'a' }), first);
  t.not((await makeLargePart({ file, lengthBytes, seed: 'b' })).sha256, first.sha256);
});

// The signature report of PDFs: other people's corpora as their manifests say, our own samples, tampering, what offices do between two
// signatures, algorithms, revocation, hostile files in the child process, and pdfsig as a second opinion on the arithmetic.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PDFDocument, StandardFonts } from '@cantoo/pdf-lib';
import t from 'tap';
import { makeSampleCa } from '../bin/demo/sample-ca.ts';
import { addSignature } from '../bin/demo/sample-sign.ts';
import { makeSamples, SAMPLE_ROOT_FILE } from '../bin/demo/samples.ts';
import { childrenOf, type Der, der, derOid, readDer } from '../certs/der.ts';
import { type Anchors, noAnchors, readAnchors } from '../certs/pdf/anchors.ts';
import { parsePdfCertificate } from '../certs/pdf/asn1.ts';
import { chainOf } from '../certs/pdf/chain.ts';
import { judgeFile } from '../certs/pdf/judge.ts';
import { pdfLimits } from '../certs/pdf/limits.ts';
import { readAnswers } from '../certs/pdf/ocsp.ts';
import { partyOf } from '../certs/pdf/party.ts';
import { type Report, signatureReport, type Verdict } from '../certs/pdf/report.ts';
import { hostile, manyPages, pdfOf, writeSparse } from './support/hostile-pdf.ts';
import { type AnswerShape, ocspAnswer } from './support/ocsp.ts';
import { authority, ext, make, nameOf, nowMs, type Party } from './support/pki.ts';

const shared = fileURLToPath(new URL('../../shared/data/', import.meta.url));
const fixtures = fileURLToPath(new URL('./fixtures/pdf/', import.meta.url));
const lienthong = fileURLToPath(new URL('../bin/lienthong', import.meta.url));
/** Without the loaders that tap puts into NODE_OPTIONS. */
const plainNode = ['-u', 'NODE_OPTIONS', process.execPath];
const NOW_MS = Date.UTC(2026, 10, 22, 3);
const PYHANKO_MS = Date.UTC(2020, 10, 1);
const has = (path: string): boolean => fs.existsSync(path);
const noOpenssl = spawnSync('openssl', ['version']).error !== undefined;
const hasTool = (name: string): boolean => spawnSync(name, ['-v']).error === undefined;

const judge = (file: string, anchors: Anchors = noAnchors, atMs = NOW_MS): Report =>
  judgeFile({ file, anchors, atMs, limits: pdfLimits });

/** What the authors say of each file, in our words. Files of `malformed/` are only asked to end cleanly. */
const pyhanko: Readonly<Record<string, Verdict>> = {
  'coverage-anomalies/tail-uncovered.pdf': 'invalid',
  'coverage-anomalies/signature-gap-too-big.pdf': 'invalid',
  'coverage-anomalies/one-byterange.pdf': 'invalid',
  'coverage-anomalies/weird-byterange.pdf': 'invalid',
  'coverage-anomalies/base.pdf': 'unsigned',
  'extensions-direct.pdf': 'valid-untrusted',
  'extensions-indirect.pdf': 'valid-untrusted',
  'extensions-update-direct.pdf': 'valid-untrusted',
  'extensions-update-indirect.pdf': 'valid-untrusted',
  'extensions-indirect-not-all-paths.pdf': 'changed-after-signing',
  'form-update-override-appearance-stream.pdf': 'valid-untrusted',
  'form-update-override-appearance-stream-ap-indirect.pdf': 'valid-untrusted',
  'form-update-no-override-appearance-stream-ap-indirect.pdf': 'valid-untrusted',
  'form-update-original-ap-type-wrong.pdf': 'valid-untrusted',
  'form-update-override-appearance-stream-sneaky.pdf': 'changed-after-signing',
  'form-update-override-appearance-stream-ap-indirect-sneaky.pdf': 'changed-after-signing',
  'form-update-no-override-appearance-stream-ap-indirect-sneaky.pdf': 'changed-after-signing',
  'form-update-ap-indirect-sneaky-trailer.pdf': 'changed-after-signing',
  'minimal-two-fields-signed-twice.pdf': 'valid-untrusted',
  'minimal-signed-twice-second-created.pdf': 'valid-untrusted',
  'minimal-signed-twice-both-created.pdf': 'valid-untrusted',
  'minimal-signed-twice-no-sig-type.pdf': 'valid-untrusted',
  'separate-annots-kids-indir.pdf': 'valid-untrusted',
  'certified-with-indirect-refs-in-dir.pdf': 'valid-untrusted',
  'pades-with-old-style-signing-cert-attr-issser.pdf': 'valid-untrusted',
  'pades-with-old-style-signing-cert-attr.pdf': 'valid-untrusted',
  'sig-no-signed-attrs.pdf': 'valid-untrusted',
  'sig-with-ski-sid.pdf': 'valid-untrusted',
  'ed448-disallowed-hash.pdf': 'invalid',
  'ed448-shake256-nolen.pdf': 'valid-untrusted',
  'pdf-sig-with-econtent.pdf': 'invalid',
  'signed-encrypted-pubkey-with-catalog-ref.pdf': 'valid-untrusted',
  'pades-lta-dss-indirect-arrs-test.pdf': 'valid-untrusted',
  'pades-lta-dss-indirect-arrs-test-2.pdf': 'valid-untrusted',
};
/** Signed by their test person under their root, and judged good and trusted by the authors. */
const pyhankoTrusted = [
  'separate-annots-kids-indir.pdf',
  'certified-with-indirect-refs-in-dir.pdf',
  'pades-with-old-style-signing-cert-attr-issser.pdf',
  'pades-with-old-style-signing-cert-attr.pdf',
  'pades-lta-dss-indirect-arrs-test.pdf',
  'pades-lta-dss-indirect-arrs-test-2.pdf',
];

const misc: Readonly<Record<string, Verdict>> = {
  'node-signpdf/signed.pdf': 'valid-untrusted',
  'node-signpdf/signed-once.pdf': 'valid-untrusted',
  'node-signpdf/signed-twice.pdf': 'valid-untrusted',
  'node-signpdf/incrementally_signed.pdf': 'valid-untrusted',
  'node-signpdf/with-placeholder.pdf': 'unsigned',
  'node-signpdf/issue-209-reason-includes-trailer-word.pdf': 'valid-untrusted',
  'node-signpdf/w3dummy.pdf': 'unsigned',
  'node-signpdf/no-annotations.pdf': 'unsigned',
  'pdfjs/signed_verified.pdf': 'invalid',
  'pdfbox/sign_me.pdf': 'unsigned',
  'pdfbox/sign_me_protected.pdf': 'unsigned',
  'pdfbox/sign_me_tsa.pdf': 'unsigned',
  'pdfbox/sign_me_visible.pdf': 'unsigned',
};

t.test('the fixtures get the verdicts of their authors', async (t) => {
  const roots = readAnchors(fixtures);
  t.equal(roots.roots.length, 1);
  for (const name of fs.readdirSync(fixtures).filter((file) => file.endsWith('.pdf'))) {
    const wanted = pyhanko[name] ?? pyhanko[`coverage-anomalies/${name}`] ?? misc[`node-signpdf/${name}`];
    t.equal(judge(join(fixtures, name), roots, PYHANKO_MS).verdict, wanted, name);
  }
});

t.test(
  'pyHanko: every signed file as its manifest says',
  { skip: !has(join(shared, 'signed-pdf-pyhanko')) && '../shared/data/signed-pdf-pyhanko is not here' },
  async (t) => {
    const dir = join(shared, 'signed-pdf-pyhanko');
    const roots = readAnchors(join(dir, 'certs/root'));
    for (const [name, wanted] of Object.entries(pyhanko)) {
      const report = judge(join(dir, name), roots, PYHANKO_MS);
      t.equal(report.verdict, wanted, name);
      if (pyhankoTrusted.includes(name))
        t.ok(
          report.signatures.every((one) => one.trusted),
          `${name}: trusted`,
        );
    }
    const stamped = judge(join(dir, 'pades-lta-dss-indirect-arrs-test.pdf'), roots, PYHANKO_MS);
    t.match(stamped.signatures[0], { judgedBy: 'time-stamp', timeStamp: { valid: true, trusted: true } });
    t.equal(stamped.signatures[1]?.kind, 'document-time-stamp');
    for (const name of fs.readdirSync(join(dir, 'malformed'))) {
      const { verdict } = judge(join(dir, 'malformed', name));
      t.ok(verdict === 'unsigned' || verdict === 'unreadable', `${name}: ${verdict}`);
    }
  },
);

t.test(
  'other signers, and files that wait for a signature',
  { skip: !has(join(shared, 'signed-pdf-misc')) && '../shared/data/signed-pdf-misc is not here' },
  async (t) => {
    const dir = join(shared, 'signed-pdf-misc');
    for (const [name, wanted] of Object.entries(misc)) t.equal(judge(join(dir, name)).verdict, wanted, name);
  },
);

t.test(
  'the re-saved gazette is changed, its old signature genuine, stamped and trusted by the first root',
  { skip: !has(join(shared, 'vn-ca-certs')) && '../shared/data/vn-ca-certs is not here' },
  async (t) => {
    const anchors = join(shared, 'vn-ca-certs');
    const file = join(shared, 'pdf/congbao__28-2018-qd-ttg__gui-nhan-van-ban-dien-tu.pdf');
    const report = judge(file, readAnchors(anchors));
    t.equal(report.verdict, 'changed-after-signing');
    t.match(report.signatures, [
      {
        integrity: 'altered',
        party: 'organisation',
        signer: 'Cổng Thông tin điện tử Chính phủ',
        strength: 'legacy',
        trusted: true,
        judgedBy: 'time-stamp',
        timeStamp: { trusted: true, authority: 'Máy chủ cấp dấu thời gian' },
      },
    ]);
    t.match(report.warnings, ['legacy-algorithm']);
  },
);

t.test(
  'certificates of Vietnamese authorities: names, chains by time, SHA-1 labelled',
  { skip: !has(join(shared, 'vn-ca-certs')) && '../shared/data/vn-ca-certs is not here' },
  async (t) => {
    const dir = join(shared, 'vn-ca-certs');
    type Row = {
      file: string;
      subject: { value: string }[];
      not_before: string;
      not_after: string;
      sig: string;
      self_issued: boolean;
      openssl_today: string;
    };
    const rows = JSON.parse(fs.readFileSync(join(dir, 'manifest.json'), 'utf8')) as Row[];
    const anchors = readAnchors(dir);
    t.same(anchors.unusable, []);
    t.equal(anchors.roots.length, 4, 'two generations of the government, two national roots');
    const bytesOf = (name: string): Buffer => {
      const bytes = fs.readFileSync(join(dir, name));
      const pem = /-----BEGIN CERTIFICATE-----([^-]+)/.exec(bytes.toString('latin1'))?.[1];
      return pem ? Buffer.from(pem, 'base64') : bytes;
    };
    for (const row of rows) {
      const signer = parsePdfCertificate(bytesOf(row.file));
      t.same(
        signer.subject.map(({ value }) => value),
        row.subject.map(({ value }) => value.normalize('NFC')),
        row.file,
      );
      const at = (atMs: number) =>
        chainOf({ signer, purpose: 'document', atMs, anchors, offered: [], offeredCrls: [] });
      const middle = (Date.parse(row.not_before) + Date.parse(row.not_after)) / 2;
      // Asked as a signer, an authority fails on its usage only: the chain itself is found and in time.
      t.ok(
        [undefined, 'usage'].includes(at(middle).problem),
        `${row.file} in the middle of its life: ${at(middle).problem}`,
      );
      if (row.openssl_today.includes('expired')) t.equal(at(NOW_MS).problem, 'expired', `${row.file} today`);
      if (row.sig === 'sha1_rsa' && !row.self_issued) t.equal(at(middle).strength, 'legacy', row.file);
    }
  },
);

t.test('OCSP answers that a document brings: only of the issuer or whom it certified for it', async (t) => {
  const root = authority('Gốc');
  const other = authority('Gốc');
  const leaf = make({ name: 'Nguyễn Văn A', issuer: root, serial: 77 });
  const usage = ext.usages('1.3.6.1.5.5.7.3.9');
  const responder = make({ name: 'OCSP', issuer: root, serial: 78, extensions: [usage] });
  const idle = make({ name: 'OCSP', issuer: root, serial: 79 });
  const known = (party: Party) => ({ ...party, nameDer: nameOf(party.name) });
  type State = NonNullable<AnswerShape['state']>;
  const answer = (by: Party, state: State, serial = 77n, nextMs: number | null = nowMs + 86_400_000) =>
    ocspAnswer({ issuer: known(root), by: known(by), state, serial, atMs: nowMs - 1000, nextMs });
  const revokedAt = (revokedMs: number): State => ({ revokedMs });
  const judged = (bytes: Uint8Array, signer = leaf) => {
    const roots = [parsePdfCertificate(root.der)];
    const { revocation, trusted } = chainOf({
      signer: parsePdfCertificate(signer.der),
      purpose: 'document',
      atMs: nowMs,
      anchors: { roots, intermediates: [], crls: [], unusable: [] },
      offered: [],
      offeredCrls: [],
      offeredAnswers: readAnswers([bytes]),
    });
    return `${revocation} ${trusted}`;
  };
  t.equal(judged(answer(root, 'good')), 'not-revoked true', 'the issuer');
  t.equal(judged(answer(responder, 'good')), 'not-revoked true', 'whom it certified for it');
  t.equal(judged(answer(responder, revokedAt(nowMs - 5000))), 'revoked false');
  t.equal(judged(answer(responder, revokedAt(nowMs + 5000))), 'not-revoked true', 'revoked afterwards');
  t.equal(judged(answer(idle, 'good')), 'unknown true', 'a certificate without the usage');
  t.equal(judged(answer(other, revokedAt(nowMs - 5000))), 'unknown true', 'another of the same name');
  t.equal(judged(answer(root, 'good', 78n)), 'unknown true', 'about another certificate');
  t.equal(judged(answer(root, 'unknown')), 'unknown true', 'who says that it does not know');
  t.equal(judged(answer(root, 'good', 77n, nowMs - 500)), 'unknown true', 'old');
  t.equal(judged(Buffer.from('3003020106', 'hex')), 'unknown true', 'no answer at all');
});

t.test('person or organisation, by the certificate alone', async (t) => {
  const of = (...pairs: [string, string][]) =>
    partyOf({ subject: pairs.map(([oid, value]) => ({ oid, value })) }).kind;
  const cn = (value: string): [string, string] => ['2.5.4.3', value];
  const uid = (value: string): [string, string] => ['0.9.2342.19200300.100.1.1', value];
  const organisations = [
    'UBND xã Bình Mẫu',
    'ỦY BAN NHÂN DÂN TỈNH LẠNG SƠN',
    'Uỷ ban nhân dân huyện',
    'Sở Nội vụ',
    'VĂN PHÒNG CHÍNH PHỦ',
    'Van phong Chinh phu',
    'So Thong tin va Truyen thong',
    'Trường THPT Chu Văn An',
    'Công ty TNHH Một',
  ];
  for (const name of organisations) t.equal(of(cn(name)), 'organisation', name);
  const persons = [
    'Nguyễn Văn A',
    'Trương Thị Bình',
    'Truong Van Phong',
    'Đoàn Văn Sở',
    'Van Phong',
    'Lê Bộ',
    'Bo Van Nam X',
    'Alice',
  ];
  for (const name of persons)
    t.equal(of(cn(name)), name === 'Bo Van Nam X' ? 'organisation' : 'person', name);
  t.equal(of(cn('Nguyễn Văn A'), uid('MST:0101234567'), uid('CCCD:001090000001')), 'person');
  t.equal(of(cn('Hoà Phát'), uid('MST:0101234567')), 'organisation');
  t.equal(of(cn('UBND xã'), ['2.5.4.12', 'Chủ tịch']), 'person', 'a title is a person');
});

type Office = {
  readonly dir: string;
  readonly anchors: Anchors;
  readonly files: Readonly<Record<string, string>>;
};
let madeOffice: Promise<Office> | undefined;

async function makeOffice(dir: string): Promise<Office> {
  const ca = await makeSampleCa({ nowMs: NOW_MS });
  const stranger = await makeSampleCa({ nowMs: NOW_MS });
  const leader = { commonName: 'Nguyễn Văn A', organisation: 'UBND xã B', title: 'Chủ tịch' };
  const body = { commonName: 'UBND xã B', organisation: 'UBND xã B' };
  const [person, organisation, impostor] = await Promise.all([
    ca.issue(leader),
    ca.issue(body),
    stranger.issue(body),
  ]);
  const doc = await PDFDocument.create();
  const field = doc.getForm().createTextField('so');
  const page = doc.addPage([400, 400]);
  page.drawText('Noi dung', { x: 20, y: 300 });
  field.addToPage(page, { x: 200, y: 350, width: 100, height: 20 });
  const plain = await doc.save({ useObjectStreams: false });
  const update = async (
    pdf: Uint8Array,
    change: (doc: PDFDocument) => Promise<void>,
  ): Promise<Uint8Array> => {
    const open = await PDFDocument.load(pdf, { forIncrementalUpdate: true, updateMetadata: false });
    await change(open);
    return open.save({ useObjectStreams: false, updateFieldAppearances: false });
  };
  const number = (pdf: Uint8Array) =>
    update(pdf, async (open) => {
      const font = await open.embedFont(StandardFonts.Helvetica);
      open.getPage(0).drawText('So 12/UBND', { x: 20, y: 350, size: 10, font });
    });
  const fill = (pdf: Uint8Array) =>
    update(pdf, async (open) => open.getForm().getTextField('so').setText('12'));
  const sign = (pdf: Uint8Array, signer: typeof person, role: 'person' | 'organisation') =>
    addSignature(pdf, signer, {
      role,
      pageIndex: 0,
      rect: role === 'person' ? [10, 20, 110, 80] : [120, 20, 180, 80],
      nowMs: NOW_MS,
    });
  const byPerson = await sign(plain, person, 'person');
  const numbered = await number(byPerson);
  const both = await sign(numbered, organisation, 'organisation');
  const documents = {
    plain,
    'person only': byPerson,
    'organisation only': await sign(plain, organisation, 'organisation'),
    'person, number': numbered,
    'person, number, organisation': both,
    'person, number, impostor': await sign(numbered, impostor, 'organisation'),
    'person, filled, organisation': await sign(await fill(byPerson), organisation, 'organisation'),
    'person, organisation, number': await number(await sign(byPerson, organisation, 'organisation')),
    'person, number, organisation, page': await update(both, async (open) => void open.addPage()),
    'person, impostor': await sign(byPerson, impostor, 'organisation'),
  };
  const files: Record<string, string> = {};
  for (const [name, bytes] of Object.entries(documents)) {
    files[name] = join(dir, `${name}.pdf`);
    fs.writeFileSync(files[name], bytes);
  }
  fs.mkdirSync(join(dir, 'anchors'));
  fs.writeFileSync(join(dir, 'anchors/root.pem'), ca.rootPem);
  return { dir, anchors: readAnchors(join(dir, 'anchors')), files };
}

const office = (): Promise<Office> => {
  madeOffice ??= makeOffice(fs.mkdtempSync(join(t.testdir(), 'office-')));
  return madeOffice;
};

t.test(
  'what offices do: the number comes after the person signs and before the organisation does',
  async (t) => {
    const { files, anchors } = await office();
    const wanted: Readonly<Record<string, Verdict>> = {
      plain: 'unsigned',
      'person only': 'valid-untrusted',
      'organisation only': 'organisation-only',
      'person, number': 'changed-after-signing',
      'person, number, organisation': 'original-value',
      'person, number, impostor': 'changed-after-signing',
      'person, filled, organisation': 'original-value',
      'person, organisation, number': 'changed-after-signing',
      'person, number, organisation, page': 'changed-after-signing',
      'person, impostor': 'valid-untrusted',
    };
    for (const [name, verdict] of Object.entries(wanted))
      t.equal(judge(files[name]!, anchors).verdict, verdict, name);
    const report = judge(files['person, number, organisation']!, anchors);
    t.match(
      report.signatures[0]?.changesAfter.filter((change) => change.by === 'organisation-signature'),
      [{ kind: 'page-content-added', page: 1 }],
    );
    t.match(report.warnings, [
      'revocation-unknown',
      'no-trusted-time',
      'number-or-stamp-added-before-organisation-signed',
    ]);
    t.match(judge(files['person only']!, anchors).reasons, ['organisation-signature-missing']);
    t.equal(
      judge(files['person, number, organisation']!).verdict,
      'valid-untrusted',
      'without anchors nothing is trusted',
    );
  },
);

t.test('a byte changed anywhere is noticed, but for the case of a digit of the last signature', async (t) => {
  const { files, anchors, dir } = await office();
  const bytes = fs.readFileSync(files['person, number, organisation']!);
  const file = join(dir, 'flipped.pdf');
  for (let at = 11; at < bytes.length; at += 307) {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1 << (at % 8);
    if (
      copy.toString('latin1', at, at + 1).toLowerCase() === bytes.toString('latin1', at, at + 1).toLowerCase()
    )
      continue;
    fs.writeFileSync(file, copy);
    const { verdict } = judge(file, anchors);
    if (!['invalid', 'changed-after-signing', 'unreadable'].includes(verdict))
      t.fail(`byte ${at}: ${verdict}`);
  }
  t.pass('flipped');
});

t.test('wrapping, moving, appending, hiding', async (t) => {
  const { files, anchors, dir } = await office();
  const good = fs.readFileSync(files['person, number, organisation']!);
  const text = good.toString('latin1');
  const file = join(dir, 'tampered.pdf');
  const verdictOf = (bytes: Buffer | string): Report => {
    fs.writeFileSync(file, bytes as string, typeof bytes === 'string' ? 'latin1' : undefined);
    return judge(file, anchors);
  };
  const lastRange = [...text.matchAll(/\/ByteRange \[\s*(\d+) (\d+) (\d+) (\d+)\s*\]/g)].at(-1)!;
  const [whole, , gapFrom = '', gapTo = '', rest = ''] = lastRange;
  const ranged = (from: number, to: number, length: number): string =>
    text.replace(whole, `/ByteRange [0 ${from} ${to} ${length}]`.padEnd(whole.length));
  const [a, b, c] = [Number(gapFrom), Number(gapTo), Number(rest)];
  const bad = ['invalid', 'changed-after-signing', 'unreadable'];
  const cases: Readonly<Record<string, Buffer | string>> = {
    'the gap one byte wider': ranged(a - 1, b, c),
    'the gap one byte narrower': ranged(a + 1, b, c),
    'the range short of the end': ranged(a, b, c - 20),
    'the range behind the end': ranged(a, b, c + 20),
    'ranges that overlap': ranged(b, a, c),
    'a word behind the end': Buffer.concat([good, Buffer.from('hello')]),
    'an object behind the end': Buffer.concat([good, Buffer.from('4 0 obj\n<< /Type /Page >>\nendobj\n')]),
    'an object that no table names, with an honest end': `${text}99 0 obj\n<< >>\nendobj\nstartxref\n${/startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)![1]}\n%%EOF\n`,
    'a second /Contents': text.replace(
      whole,
      `/Contents<00>${' '.repeat(whole.length - 13)}`.slice(0, whole.length),
    ),
    'the end cut off': good.subarray(0, good.length - 200),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const { verdict } = verdictOf(bytes);
    t.ok(bad.includes(verdict), `${name}: ${verdict}`);
  }
  t.equal(
    verdictOf(Buffer.concat([good, Buffer.from('\r\n \n')])).verdict,
    'original-value',
    'white space is no change',
  );
});

t.test('an update that shows something else, without touching a signed byte', async (t) => {
  const { files, anchors, dir } = await office();
  const good = fs.readFileSync(files['person, number, organisation']!);
  const text = good.toString('latin1');
  const start = Number(/startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)![1]);
  const size = Number([...text.matchAll(/\/Size (\d+)/g)].at(-1)![1]);
  const root = [...text.matchAll(/\/Root (\d+) 0 R/g)].at(-1)![1];
  const objectOf = (num: string | number): string =>
    [...text.matchAll(new RegExp(`(?:^|\\n)${num} 0 obj\\s([^]*?)\\sendobj`, 'g'))].at(-1)![1]!;
  const catalog = objectOf(root!);
  const pageNum = [...text.matchAll(/(\d+) 0 obj\s<<\s\/Type \/Page\s/g)].at(-1)![1]!;
  const page = objectOf(pageNum);
  const update = (objects: Readonly<Record<string, string>>, trailer = ''): Buffer => {
    let at = good.length;
    const parts: string[] = [];
    const rows: string[] = [];
    for (const [num, value] of Object.entries(objects)) {
      const object = `${num} 0 obj\n${value}\nendobj\n`;
      rows.push(`${num} 1\n${String(at).padStart(10, '0')} 00000 n \n`);
      parts.push(object);
      at += object.length;
    }
    return Buffer.concat([
      good,
      Buffer.from(
        `${parts.join('')}xref\n${rows.join('')}trailer\n<< /Size ${size + 9} /Root ${root} 0 R /Prev ${start} ${trailer}>>\nstartxref\n${at}\n%%EOF\n`,
        'latin1',
      ),
    ]);
  };
  const inDict = (dict: string, more: string): string => dict.replace(/>>\s*$/, `${more} >>`);
  const note = '<< /Type /Annot /Subtype /FreeText /Rect [0 0 400 400] /Contents (x) >>';
  const fake = `<< /Type /Annot /Subtype /FreeText /FT /Sig /T (z) /Rect [0 0 9 9] /V << /Type /Sig >> /Contents (x) >>`;
  const withAnnotation = (num: number) => page.replace(/\/Annots \[/, `/Annots [ ${num} 0 R `);
  const cases: Readonly<Record<string, Buffer>> = {
    'a note': update({ [pageNum]: withAnnotation(size), [size]: note }),
    'a note that says it is a signature': update({ [pageNum]: withAnnotation(size), [size]: fake }),
    'other page contents': update({ [pageNum]: page.replace(/\/Contents \[[^\]]*\]/, '/Contents [ ]') }),
    'another page size': update({
      [pageNum]: page.replace(/\/MediaBox \[[^\]]*\]/, '/MediaBox [0 0 10 10]'),
    }),
    'an action when the document opens': update({
      [root!]: inDict(catalog, '/OpenAction << /S /JavaScript /JS (x) >>'),
    }),
    'two page trees in one catalog': update({ [root!]: inDict(catalog, '/Pages 2 0 R') }),
    'a layer switched off': update({ [root!]: inDict(catalog, '/OCProperties << /D << /OFF [] >> >>') }),
    'the form taken away': update({ [root!]: catalog.replace(/\/AcroForm \d+ 0 R/, '') }),
    'another key of the trailer': update({ [size]: '<< >>' }, '/Encrypt 1 0 R '),
  };
  const file = join(dir, 'shown.pdf');
  for (const [name, bytes] of Object.entries(cases)) {
    fs.writeFileSync(file, bytes);
    const { verdict, reasons, warnings } = judge(file, anchors);
    t.ok(
      verdict === 'changed-after-signing' || verdict === 'unreadable',
      `${name}: ${verdict} ${reasons} ${warnings}`,
    );
  }
  fs.writeFileSync(file, update({ [size]: '<< >>' }));
  t.equal(judge(file, anchors).verdict, 'original-value', 'an object that nothing shows');
  fs.writeFileSync(file, update({ [root!]: inDict(catalog, `/DSS << /Certs [] >>`) }));
  t.equal(judge(file, anchors).verdict, 'original-value', 'validation data');
});

const indefinite = (tag: number, ...inner: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from([tag, 0x80]), ...inner, Buffer.from([0, 0])]);

/** The same CMS with indefinite lengths down to the signed attributes, as the government's signing tool writes it. */
function asBer(cms: Uint8Array): Buffer {
  const [type, content] = childrenOf(readDer(cms));
  const fields = childrenOf(childrenOf(content!)[0]!);
  const signer = childrenOf(childrenOf(fields.at(-1)!)[0]!).map((field) =>
    field.tag === 0xa0 ? indefinite(0xa0, field.content) : field.whole,
  );
  const whole = [
    ...fields.slice(0, -1).map((field) => field.whole),
    indefinite(0x31, indefinite(0x30, ...signer)),
  ];
  return indefinite(0x30, type!.whole, indefinite(0xa0, indefinite(0x30, ...whole)));
}

/** Without the attribute that binds the content: a signature over nothing. */
function withoutDigest(cms: Uint8Array): Uint8Array {
  const messageDigest = derOid('1.2.840.113549.1.9.4');
  const inner = (
    element: Der,
    change: (child: Der, at: number, of: readonly Der[]) => Uint8Array,
  ): Uint8Array => der(element.tag, ...childrenOf(element).map((child, at, of) => change(child, at, of)));
  const last = (change: (element: Der) => Uint8Array) => (child: Der, at: number, of: readonly Der[]) =>
    at === of.length - 1 ? change(child) : child.whole;
  const attributes = (set: Der): Uint8Array =>
    der(
      set.tag,
      ...childrenOf(set)
        .filter((one) => Buffer.compare(childrenOf(one)[0]!.whole, messageDigest) !== 0)
        .map((one) => one.whole),
    );
  const signer = (info: Der): Uint8Array =>
    inner(info, (field) => (field.tag === 0xa0 ? attributes(field) : field.whole));
  const data = (one: Der): Uint8Array =>
    inner(
      one,
      last((infos) => inner(infos, (info) => signer(info))),
    );
  return inner(
    readDer(cms),
    last((content) => inner(content, (one) => data(one))),
  );
}

type Shape = { readonly subFilter?: string; readonly reshape?: (cms: Uint8Array) => Uint8Array };

/** One page, one invisible signature field; the CMS comes from openssl. */
function signedBy(dir: string, cmsArguments: readonly string[], shape: Shape = {}): string {
  const { subFilter = 'adbe.pkcs7.detached', reshape = (bytes: Uint8Array) => bytes } = shape;
  const contents = '0'.repeat(16_000);
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] /SigFlags 3 >> >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Annots [4 0 R] >>',
    '<< /Type /Annot /Subtype /Widget /FT /Sig /T (S) /Rect [0 0 0 0] /P 3 0 R /V 5 0 R >>',
    `<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /${subFilter} /ByteRange [0 0000000001 0000000002 0000000003] /Contents <${contents}> >>`,
  ];
  let text = pdfOf(objects).toString('latin1');
  const from = text.indexOf(`<${contents}>`);
  const to = from + contents.length + 2;
  const ten = (number: number): string => String(number).padStart(10, '0');
  text = text.replace('0000000001 0000000002 0000000003', `${ten(from)} ${ten(to)} ${ten(text.length - to)}`);
  const covered = join(dir, 'covered.bin');
  fs.writeFileSync(covered, text.slice(0, from) + text.slice(to), 'latin1');
  const cms = execFileSync('openssl', [
    'cms',
    '-sign',
    '-binary',
    '-in',
    covered,
    '-outform',
    'DER',
    ...cmsArguments,
  ]);
  const file = join(dir, 'openssl.pdf');
  fs.writeFileSync(
    file,
    text.replace(contents, Buffer.from(reshape(cms)).toString('hex').padEnd(contents.length, '0')),
    'latin1',
  );
  return file;
}

t.test(
  'algorithms: RSA, PSS, ECDSA, BER, SHA-1 as legacy; MD5 and weak curves refused',
  { skip: noOpenssl && 'openssl is not installed' },
  async (t) => {
    const dir = t.testdir();
    const make = (name: string, ...key: string[]): string[] => {
      const path = join(dir, name);
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-nodes',
          '-days',
          '36500',
          '-subj',
          `/CN=${name}`,
          '-keyout',
          `${path}.key`,
          '-out',
          `${path}.pem`,
          ...key,
        ],
        { stdio: 'ignore' },
      );
      return ['-signer', `${path}.pem`, '-inkey', `${path}.key`];
    };
    const rsa = make('rsa', '-newkey', 'rsa:2048');
    const short = make('short', '-newkey', 'rsa:1024');
    const p256 = make('p256', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
    const koblitz = make('koblitz', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1');
    const pss = [...rsa, '-keyopt', 'rsa_padding_mode:pss'];
    const cases: [string, string[], Verdict, string][] = [
      ['RSA SHA-256', [...rsa, '-md', 'sha256'], 'valid-untrusted', 'strong'],
      ['RSA SHA-1', [...rsa, '-md', 'sha1'], 'valid-untrusted', 'legacy'],
      ['RSA 1024', [...short, '-md', 'sha256'], 'valid-untrusted', 'legacy'],
      ['PSS', [...pss, '-md', 'sha256'], 'valid-untrusted', 'strong'],
      ['ECDSA', [...p256, '-md', 'sha384'], 'valid-untrusted', 'strong'],
      ['without signed attributes', [...rsa, '-md', 'sha256', '-noattr'], 'valid-untrusted', 'strong'],
      ['key identifier as signer id', [...rsa, '-md', 'sha256', '-keyid'], 'valid-untrusted', 'strong'],
      ['signing certificate attribute', [...rsa, '-md', 'sha256', '-cades'], 'valid-untrusted', 'strong'],
      ['MD5', [...rsa, '-md', 'md5'], 'invalid', 'refused'],
      ['a curve outside the list', [...koblitz, '-md', 'sha256'], 'invalid', 'refused'],
      ['content inside', [...rsa, '-md', 'sha256', '-nodetach'], 'invalid', 'strong'],
      ['no certificate', [...rsa, '-md', 'sha256', '-nocerts'], 'invalid', 'refused'],
      ['two signers', [...rsa, ...p256, '-md', 'sha256'], 'invalid', 'refused'],
    ];
    for (const [name, options, verdict, strength] of cases) {
      const report = judge(signedBy(dir, options));
      t.equal(report.verdict, verdict, `${name}: ${report.reasons}`);
      t.equal(report.signatures[0]?.strength, strength, name);
    }
    t.equal(
      judge(signedBy(dir, rsa, { reshape: asBer })).verdict,
      'valid-untrusted',
      'BER of indefinite length',
    );
    t.match(judge(signedBy(dir, rsa, { reshape: withoutDigest })), {
      verdict: 'invalid',
      reasons: ['message-digest-missing'],
    });
    t.equal(
      judge(signedBy(dir, rsa, { subFilter: 'adbe.x509.rsa_sha1' })).verdict,
      'invalid',
      'a form of signature that is not read',
    );
  },
);

t.test(
  'a revoked certificate is invalid, from the moment of revocation on',
  { skip: noOpenssl && 'openssl is not installed' },
  async (t) => {
    const dir = t.testdir({ anchors: {}, ca: { 'index.txt': '', serial: '1000', crlnumber: '01' } });
    const run = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
    fs.writeFileSync(
      join(dir, 'ca.cnf'),
      '[ca]\ndefault_ca=d\n[d]\ndatabase=ca/index.txt\nserial=ca/serial\ncrlnumber=ca/crlnumber\nnew_certs_dir=ca\ncertificate=anchors/root.pem\nprivate_key=root.key\ndefault_md=sha256\ndefault_days=9000\ndefault_crl_days=9000\npolicy=p\nx509_extensions=leaf\n[p]\ncommonName=supplied\n[leaf]\nkeyUsage=critical,nonRepudiation\n[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n[req]\ndistinguished_name=n\n[n]\n',
    );
    run(
      'req',
      '-x509',
      '-nodes',
      '-newkey',
      'rsa:2048',
      '-days',
      '9999',
      '-subj',
      '/CN=Root',
      '-config',
      'ca.cnf',
      '-extensions',
      'root',
      '-keyout',
      'root.key',
      '-out',
      'anchors/root.pem',
    );
    run(
      'req',
      '-nodes',
      '-newkey',
      'rsa:2048',
      '-subj',
      '/CN=UBND xa C',
      '-config',
      'ca.cnf',
      '-keyout',
      'leaf.key',
      '-out',
      'leaf.csr',
    );
    run('ca', '-batch', '-config', 'ca.cnf', '-in', 'leaf.csr', '-out', 'leaf.pem', '-notext');
    const file = signedBy(dir, [
      '-md',
      'sha256',
      '-signer',
      join(dir, 'leaf.pem'),
      '-inkey',
      join(dir, 'leaf.key'),
    ]);
    const soon =
      Date.parse(
        execFileSync('openssl', ['x509', '-in', join(dir, 'leaf.pem'), '-noout', '-startdate'])
          .toString()
          .slice(10),
      ) + 3_600_000;
    t.match(judge(file, readAnchors(join(dir, 'anchors')), soon), {
      verdict: 'organisation-only',
      warnings: ['revocation-unknown', 'no-trusted-time'],
    });
    run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'anchors/before.crl');
    t.match(judge(file, readAnchors(join(dir, 'anchors')), soon).signatures, [
      { revocation: 'not-revoked', trusted: true },
    ]);
    run('ca', '-config', 'ca.cnf', '-revoke', 'leaf.pem');
    run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem');
    run('crl', '-in', 'crl.pem', '-outform', 'DER', '-out', 'anchors/after.crl');
    const anchors = readAnchors(join(dir, 'anchors'));
    t.equal(anchors.crls.length, 2, 'PEM and DER');
    t.match(judge(file, anchors, soon), { verdict: 'invalid', reasons: ['certificate-revoked'] });
    t.match(judge(file, anchors, soon - 7_200_000).signatures, [
      { chainProblem: 'not-yet-valid', revocation: 'not-revoked' },
    ]);
  },
);

t.test('the command: our samples, verdict, sentence and exit codes', async (t) => {
  const dir = t.testdir({ anchors: {} });
  const samples = await makeSamples({ dir, nowMs: NOW_MS });
  const anchors = join(dir, 'anchors');
  fs.copyFileSync(join(dir, SAMPLE_ROOT_FILE), join(anchors, 'root.pem'));
  const roots = readAnchors(anchors);
  for (const sample of samples)
    t.equal(
      judge(sample.file, roots).verdict,
      sample.signatures === 'broken' ? 'changed-after-signing' : 'original-value',
      sample.title,
    );
  const run = (...args: string[]) =>
    spawnSync('env', [...plainNode, lienthong, 'pdf', 'verify', ...args], { encoding: 'utf8' });
  const at = ['--at', '2026-11-22T12:00:00+07:00'];
  const good = run(samples[0]!.file, '--anchors', anchors, ...at, '--json');
  t.equal(good.status, 0, good.stderr);
  const report = JSON.parse(good.stdout) as Report;
  t.match(report, {
    verdict: 'original-value',
    signatures: [{ party: 'person' }, { party: 'organisation', coversWholeFile: true }],
  });
  t.match(report.sentence, /có giá trị như bản gốc/);
  const alone = run(samples[0]!.file, ...at);
  t.match(alone, { status: 65, stdout: /VALID-UNTRUSTED/ });
  fs.writeFileSync(join(dir, 'no.pdf'), 'no PDF');
  t.match(run(join(dir, 'no.pdf'), '--json'), { status: 66, stdout: /"verdict": "unreadable"/ });
  t.equal(run(join(dir, 'absent.pdf')).status, 66);
  t.equal(run(samples[0]!.file, '--at', 'yesterday').status, 2);
});

t.test('hostile files end in bounded time and memory with a verdict', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'hostile.pdf');
  const ask = (limits = {}) => signatureReport({ file, atMs: NOW_MS, limits });
  for (const [name, make] of Object.entries(hostile)) {
    fs.writeFileSync(file, make());
    const { verdict, warnings } = judge(file);
    t.ok(verdict === 'unreadable' || verdict === 'unsigned', `${name}: ${verdict} ${warnings}`);
  }
  fs.writeFileSync(file, manyPages(100_000));
  t.equal((await ask()).verdict, 'unsigned', 'a hundred thousand pages');
  writeSparse(file, 512 * 1024 ** 2);
  t.match(await ask(), { verdict: 'unreadable', reasons: ['pdf-malformed'] }, 'half a gigabyte of nothing');
  writeSparse(file, 5 * 1024 ** 3);
  t.match(await ask(), { verdict: 'unreadable', reasons: ['pdf-limit'] }, 'five gigabytes');
  fs.writeFileSync(file, manyPages(10));
  t.match(await ask({ wallMs: 1 }), { verdict: 'unreadable', reasons: ['time-limit'] });
  t.match(await ask({ heapMb: 1 }), { verdict: 'unreadable', reasons: ['memory-limit'] });
  t.match(await signatureReport({ file: join(dir, 'absent'), atMs: NOW_MS }), {
    verdict: 'unreadable',
    reasons: ['file-enoent'],
  });
});

t.test(
  'pdfsig agrees about the arithmetic',
  { skip: !hasTool('pdfsig') && 'pdfsig (poppler-utils) is not installed' },
  async (t) => {
    const { files } = await office();
    const all = [
      ...Object.values(files),
      ...fs
        .readdirSync(fixtures)
        .filter((name) => name.endsWith('.pdf'))
        .map((name) => join(fixtures, name)),
    ];
    for (const file of all) {
      const { stdout } = spawnSync('pdfsig', ['-nocert', file], { encoding: 'utf8', timeout: 20_000 });
      const theirs = [...stdout.matchAll(/Signature Validation: (.*)/g)].map((match) => match[1]!);
      const ours = judge(file).signatures;
      t.equal(theirs.length, ours.length, `${file}: number of signatures`);
      for (const [index, one] of ours.entries()) {
        // Order of pdfsig is that of the fields too. What it cannot judge is left out; what it calls valid may still be refused here.
        if (one.integrity === 'good' && /Mismatch|Invalid/.test(theirs[index] ?? ''))
          t.fail(`${file}: ${theirs[index]}`);
        if (one.integrity === 'altered') t.notMatch(theirs[index], /is Valid/, file);
      }
    }
  },
);

// Signed PDFs as the signing tools of the world write them and as the literature attacks them, made here revision by revision: PAdES levels with embedded
// answers about revocation, certification and locks, shadow contents, forgeries, algorithms and uses of keys, forms of files. Each has the verdict that is
// right for it, and pdfsig must not contradict the arithmetic.
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { der, derSequence } from '../certs/der.ts';
import { parseCrl } from '../certs/pdf/anchors.ts';
import { parsePdfCertificate } from '../certs/pdf/asn1.ts';
import { judgeSourceSafely } from '../certs/pdf/judge.ts';
import { pdfLimits } from '../certs/pdf/limits.ts';
import type { Report, Verdict } from '../certs/pdf/report.ts';
import { memorySource } from '../certs/pdf/source.ts';
import { wordsOf } from '../certs/pdf/words.ts';
import { archived, type CmsShape, cmsOf, type Signer, tokenOf } from './support/cms.ts';
import { ocspAnswer } from './support/ocsp.ts';
import {
  authority,
  type CertificateShape,
  type Extension,
  ext,
  list,
  make,
  nameOf,
  nowMs,
  type Party,
} from './support/pki.ts';
import {
  annotated,
  CATALOG,
  newPdf,
  nextOf,
  PAGE,
  type Pdf,
  RANGES,
  type SignatureShape,
  signedPdf,
  streamOf,
  update,
  withKey,
} from './support/revisions.ts';
import {
  overriddenByHybrid,
  overriddenByTable,
  SIGNATURE,
  signedObjects,
  withStreams,
  withTable,
} from './support/written-forms.ts';

const HOUR_MS = 3_600_000;
const lienthong = fileURLToPath(new URL('../bin/lienthong', import.meta.url));
const signs = ext.usage(0xc0);
const root = authority('CA gốc mẫu');
let serial = 5000;
const issue = (name: string, more: Partial<CertificateShape> = {}): Party & { serial: bigint } => {
  serial += 1;
  return { ...make({ name, issuer: root, serial, extensions: [signs], ...more }), serial: BigInt(serial) };
};
const stampUse = { ...ext.usages('1.3.6.1.5.5.7.3.8'), critical: true };
const person = issue('Nguyễn Văn A');
const body = issue('UBND xã B');
const tsa = issue('Dấu thời gian', { extensions: [signs, stampUse] });
const stranger = make({ name: 'UBND xã Lạ', issuer: authority('CA lạ'), extensions: [signs] });
const anchors = { roots: [parsePdfCertificate(root.der)], intermediates: [], crls: [], unusable: [] };

const judge = ({ bytes }: Pick<Pdf, 'bytes'>, atMs = nowMs + HOUR_MS): Report =>
  judgeSourceSafely(memorySource(bytes), { anchors, atMs, limits: pdfLimits });

/** One signature of `signer`, in a field of its own name. */
const sign = (
  pdf: Pdf,
  signer: Signer & { name: string },
  shape: Partial<SignatureShape> = {},
  cms: Partial<CmsShape> = {},
): Pdf =>
  signedPdf(pdf, {
    name: signer.name === person.name ? 'NguoiKy' : `CoQuan${nextOf(pdf)}`,
    cms: (content) => cmsOf({ content, signer, signingMs: nowMs, ...cms }),
    ...shape,
  });
const stamped = (pdf: Pdf, atMs = nowMs, by: Signer = tsa): Pdf =>
  signedPdf(pdf, {
    name: `T${nextOf(pdf)}`,
    subFilter: 'ETSI.RFC3161',
    cms: (content) => tokenOf(content, { by, atMs }),
  });
const plain = newPdf();
const both = (pdf = plain): Pdf => sign(sign(pdf, person), body);
const stamp = { by: tsa, atMs: nowMs };
/** A white form over the whole page, as object `num`. */
const cover = (num: number): Record<number, string> => ({
  [num]: streamOf('1 g 0 0 400 400 re f', ' /Type /XObject /Subtype /Form /BBox [0 0 400 400]'),
});
type Case = readonly [
  name: string,
  pdf: Pick<Pdf, 'bytes'>,
  verdict: Verdict,
  said?: string | undefined,
  atMs?: number,
];

/** `said` must be among reasons or warnings. */
function judgeAll(t: Test, cases: readonly Case[]): void {
  for (const [name, pdf, verdict, said, atMs] of cases) {
    const report = judge(pdf, atMs);
    const words = [...report.reasons, ...report.warnings];
    t.equal(report.verdict, verdict, `${name}: ${words.join(' ')}`);
    const wordless = report.warnings.filter((code) => !code.startsWith('detail: ') && !wordsOf(code));
    t.same(wordless, [], `${name}: warnings that say nothing to a person`);
    if (said) t.ok(words.includes(said), `${name}: ${said} in ${words.join(' ')}`);
  }
}

t.test('levels of PAdES: bare, stamped, archived; what time proves after a certificate has ended', (t) => {
  const later = nowMs + 500 * 24 * HOUR_MS;
  const cades = { subFilter: 'ETSI.CAdES.detached' };
  const level = (more: Partial<CmsShape>): Pdf =>
    sign(sign(plain, person, cades, { cades: true, ...more }), body, cades, { cades: true, ...more });
  const early = make({
    name: 'Dấu thời gian',
    issuer: root,
    serial: 9,
    extensions: [signs, ext.usages('1.3.6.1.5.5.7.3.8')],
  });
  judgeAll(t, [
    ['nobody', plain, 'unsigned'],
    ['a person', sign(plain, person), 'valid-untrusted', 'organisation-signature-missing'],
    [
      'two persons',
      sign(sign(plain, person), issue('Trần Văn C')),
      'valid-untrusted',
      'organisation-signature-missing',
    ],
    ['B-B', level({}), 'original-value', 'no-trusted-time'],
    ['B-B after the end', level({}), 'valid-untrusted', 'chain-expired', later],
    ['B-T after the end', level({ stamp }), 'original-value', 'revocation-unknown', later],
    ['B-LTA after the end', stamped(level({ stamp })), 'original-value', 'revocation-unknown', later],
    ['stamped by the document only', stamped(both()), 'original-value', 'revocation-unknown', later],
    [
      'stamped by a stranger',
      level({ stamp: { by: stranger, atMs: nowMs } }),
      'valid-untrusted',
      'chain-expired',
      later,
    ],
    [
      'a stamping certificate without its mark',
      level({ stamp: { by: early, atMs: nowMs } }),
      'valid-untrusted',
      'chain-expired',
      later,
    ],
    [
      'stamped before there was a certificate',
      level({ stamp: { by: tsa, atMs: nowMs - 90 * 24 * HOUR_MS } }),
      'valid-untrusted',
      'chain-expired',
      later,
    ],
    ['a document time stamp alone', stamped(plain), 'unsigned', 'time-stamp-only'],
    [
      'PAdES that names no certificate',
      sign(plain, body, cades),
      'organisation-only',
      'signing-certificate-missing',
    ],
    [
      'signed tomorrow',
      sign(plain, body, {}, { signingMs: nowMs + 48 * HOUR_MS }),
      'organisation-only',
      'claimed-time-in-future',
    ],
    [
      'signed after its stamp',
      sign(plain, body, {}, { signingMs: nowMs + 2 * HOUR_MS, stamp }),
      'organisation-only',
      'claimed-time-after-time-stamp',
      nowMs + 9 * HOUR_MS,
    ],
  ]);
  t.end();
});

const known = (party: Party) => ({ ...party, nameDer: nameOf(party.name) });
const responder = issue('OCSP', {
  fromMs: nowMs - 1000 * HOUR_MS,
  extensions: [ext.usages('1.3.6.1.5.5.7.3.9')],
});
const fraud = make({
  name: 'OCSP',
  issuer: authority('CA gốc mẫu'),
  extensions: [ext.usages('1.3.6.1.5.5.7.3.9')],
});
type Answer = Partial<Parameters<typeof ocspAnswer>[0]>;
const answer = (about: { serial: bigint }, more: Answer = {}): Buffer =>
  ocspAnswer({ issuer: known(root), serial: about.serial, by: known(responder), atMs: nowMs, ...more });
const store = (pdf: Pdf, answers: readonly Buffer[]): Pdf => {
  const first = nextOf(pdf);
  const streams = answers.map((bytes, at) => [first + at, streamOf(bytes.toString('latin1'))] as const);
  const names = streams.map(([num]) => `${num} 0 R`).join(' ');
  const dss = `<< /OCSPs [${names}] /VRI << /AA << /OCSP [${names}] >> >> >>`;
  return update(pdf, {
    ...Object.fromEntries(streams),
    [CATALOG]: withKey(pdf.objects.get(CATALOG)!, 'DSS', dss),
  });
};
/** Both sign under a stamp, with an answer about each: in the document's store, or in the signatures themselves. */
const answered = (how: 'store' | 'signature', more: Answer = {}, moment = nowMs): Pdf => {
  const at = { by: tsa, atMs: moment };
  const said = (about: typeof person): Buffer => answer(about, about === body ? more : {});
  const stampSaid = answer(tsa);
  if (how === 'store')
    return store(sign(sign(plain, person, {}, { stamp: at }), body, {}, { stamp: at }), [
      said(person),
      said(body),
      stampSaid,
    ]);
  const own = (about: typeof person): Partial<CmsShape> => ({ stamp: at, signed: [archived(said(about))] });
  return sign(sign(plain, person, {}, own(person)), body, {}, own(body));
};

t.test('what OCSP said of the signers when they signed, brought along by the document', async (t) => {
  const later = nowMs + 200 * 24 * HOUR_MS;
  const hour = (hours: number): number => nowMs + hours * HOUR_MS;
  for (const how of ['store', 'signature'] as const) {
    const good = judge(answered(how), later);
    t.match(
      good,
      {
        verdict: 'original-value',
        signatures: [{ revocation: 'not-revoked' }, { revocation: 'not-revoked' }],
      },
      how,
    );
    t.notOk(good.warnings.includes('revocation-unknown'), `${how}: nothing is unknown`);
    judgeAll(t, [
      [
        `${how}: revoked before it was signed`,
        answered(how, { state: { revokedMs: hour(-2) } }),
        'invalid',
        'certificate-revoked',
        later,
      ],
      [
        `${how}: revoked after it was signed`,
        answered(how, { state: { revokedMs: hour(2) }, atMs: hour(3) }),
        'original-value',
        undefined,
        later,
      ],
      [
        `${how}: an answer of last month`,
        answered(how, { atMs: hour(-700), nextMs: hour(-600) }),
        'original-value',
        'revocation-unknown',
        later,
      ],
      [
        `${how}: without an end, of last month`,
        answered(how, { atMs: hour(-700), nextMs: null }),
        'original-value',
        'revocation-unknown',
        later,
      ],
      [
        `${how}: without an end, of that day`,
        answered(how, { atMs: hour(1), nextMs: null }),
        'original-value',
        undefined,
        later,
      ],
      [
        `${how}: of somebody else`,
        answered(how, { by: known(fraud), state: { revokedMs: hour(-2) } }),
        'original-value',
        'revocation-unknown',
        later,
      ],
      [
        `${how}: who does not know`,
        answered(how, { state: 'unknown' }),
        'original-value',
        'revocation-unknown',
        later,
      ],
    ]);
  }
  const listed = (...extensions: Extension[]): readonly string[] => {
    const crls = [parseCrl(list({ issuer: root, extensions }), 'test')];
    const { bytes } = both();
    return judgeSourceSafely(memorySource(bytes), {
      anchors: { ...anchors, crls },
      atMs: nowMs,
      limits: pdfLimits,
    }).warnings;
  };
  t.notOk(listed().includes('revocation-unknown'), 'a list of everything');
  const someOnly = ext.raw('2.5.29.28', derSequence(der(0x82, Buffer.from([0xff]))), true);
  t.ok(
    listed(someOnly).includes('revocation-unknown'),
    'a list of authorities only says nothing of a person',
  );
  const dir = t.testdir({ anchors: { 'root.der': '' } });
  fs.writeFileSync(join(dir, 'anchors/root.der'), root.der);
  const run = (pdf: Pdf): { status: number | null; report: Report } => {
    fs.writeFileSync(join(dir, 'a.pdf'), pdf.bytes);
    const at = new Date(later).toISOString();
    const asked = [
      'pdf',
      'verify',
      join(dir, 'a.pdf'),
      '--anchors',
      join(dir, 'anchors'),
      '--at',
      at,
      '--json',
    ];
    const { status, stdout } = spawnSync(
      'env',
      ['-u', 'NODE_OPTIONS', process.execPath, lienthong, ...asked],
      { encoding: 'utf8' },
    );
    return { status, report: JSON.parse(stdout) as Report };
  };
  t.match(run(answered('signature')), {
    status: 0,
    report: {
      verdict: 'original-value',
      signatures: [{ judgedBy: 'time-stamp', revocation: 'not-revoked' }, {}],
    },
  });
  t.match(run(answered('store', { state: { revokedMs: hour(-2) } })), {
    status: 65,
    report: { verdict: 'invalid', sentence: /đã bị thu hồi/ },
  });
});

const certification = (level: number): Partial<SignatureShape> => ({
  certifies: true,
  more: `/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /P ${level} /V /1.2 >> >>] `,
});
const locking = (parameters: string): Partial<SignatureShape> => ({
  more: `/Reference [<< /Type /SigRef /TransformMethod /FieldMDP /Data 1 0 R /TransformParams << ${parameters} /V /1.2 >> >> << /TransformMethod /DocMDP /TransformParams << /P 2 >> >>] `,
});
const added = (pdf: Pdf): Pdf => {
  const num = nextOf(pdf);
  return update(pdf, {
    [PAGE]: withKey(pdf.objects.get(PAGE)!, 'Contents', `[4 0 R ${num} 0 R]`),
    [num]: streamOf('BT /F1 10 Tf 20 350 Td (12) Tj ET'),
  });
};
const note = (pdf: Pdf, kind: string, more = ''): Pdf =>
  update(
    pdf,
    annotated(pdf, `<< /Type /Annot /Subtype /${kind} /Rect [0 0 400 400] /Contents (x) ${more}>>`),
  );
const fieldOver = (pdf: Pdf): Pdf => {
  const num = nextOf(pdf);
  const field = `<< /Type /Annot /Subtype /Widget /FT /Sig /T (Z) /Rect [0 0 400 400] /P 3 0 R /AP << /N ${num + 1} 0 R >> >>`;
  return update(pdf, {
    ...annotated(pdf, field),
    ...cover(num + 1),
    [CATALOG]: pdf.objects.get(CATALOG)!.replace('/Fields [', `/Fields [${num} 0 R `),
  });
};
const signedOver = (pdf: Pdf): Pdf => {
  const num = nextOf(pdf);
  return sign(pdf, stranger, {
    rect: '[0 0 400 400]',
    changes: cover(num),
    field: `/AP << /N ${num} 0 R >> `,
  });
};

t.test('certified documents: what each level lets be, and what paints over the page it never does', (t) => {
  const no: Verdict = 'changed-after-signing';
  const yes: Verdict = 'organisation-only';
  for (const level of [1, 2, 3]) {
    const pdf = sign(plain, body, certification(level));
    const covered = note(pdf, 'Text', `/AP << /N ${nextOf(pdf) + 1} 0 R >> `);
    judgeAll(t, [
      [`${level}: as it was`, pdf, yes],
      [`${level}: validation data`, store(pdf, [answer(body)]), yes],
      [`${level}: a document time stamp`, stamped(pdf), yes],
      [`${level}: another signature`, sign(pdf, person), level === 1 ? no : 'original-value'],
      [`${level}: page content`, added(pdf), no, 'page-content-added'],
      [`${level}: a sticky note`, note(pdf, 'Text'), level === 3 ? yes : no],
      [
        `${level}: a sticky note that paints`,
        update(covered, cover(nextOf(covered))),
        no,
        'annotation-added',
      ],
      ...['FreeText', 'Stamp', 'Redact', 'Square', 'Highlight', 'Ink'].map(
        (kind): Case => [`${level}: ${kind}`, note(pdf, kind), no, 'annotation-added'],
      ),
      [`${level}: an unsigned signature field over the page`, fieldOver(pdf), no, 'annotation-added'],
      [
        `${level}: a stranger's signature over the page`,
        signedOver(pdf),
        level === 1 ? no : 'valid-untrusted',
      ],
    ]);
  }
  const field = '<< /Type /Annot /Subtype /Widget /FT /Tx /T (so) /Rect [200 350 300 370] /P 3 0 R >>';
  const empty = newPdf('Noi dung', [field]);
  const form = update(empty, {
    [CATALOG]: '<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /SigFlags 3 >> >>',
    [PAGE]: withKey(empty.objects.get(PAGE)!, 'Annots', '[6 0 R]'),
  });
  const filled = (pdf: Pdf): Pdf => update(pdf, { 6: withKey(pdf.objects.get(6)!, 'V', '(12)') });
  const moved = (pdf: Pdf): Pdf => update(pdf, { 6: withKey(pdf.objects.get(6)!, 'Rect', '[0 0 400 400]') });
  judgeAll(t, [
    ['1: a field filled', filled(sign(form, body, certification(1))), no, 'form-filled'],
    ['2: a field filled', filled(sign(form, body, certification(2))), yes],
    ['3: a field filled', filled(sign(form, body, certification(3))), yes],
    ['3: a field moved', moved(sign(form, body, certification(3))), no, 'form-changed'],
    ['all fields locked', filled(sign(form, body, locking('/Action /All'))), no, 'form-filled'],
    ['this field locked', filled(sign(form, body, locking('/Action /Include /Fields [(so)]'))), no],
    ['another field locked', filled(sign(form, body, locking('/Action /Include /Fields [(khac)]'))), yes],
    ['all but this locked', filled(sign(form, body, locking('/Action /Exclude /Fields [(so)]'))), yes],
    ['approved, filled, signed by nobody after it', filled(sign(form, body)), no, 'form-filled'],
  ]);
  t.end();
});

t.test('attacks of the literature: shadows, incremental saves, universal forgery', (t) => {
  const no: Verdict = 'changed-after-signing';
  const prepared = newPdf('Dong y', Object.values(cover(6)));
  const shadow = both(
    update(prepared, {
      [PAGE]: prepared.objects.get(PAGE)!.replace('/Font', '/XObject << /H 6 0 R >> /Font'),
      4: streamOf('BT /F1 12 Tf 20 300 Td (Khong dong y) Tj ET /H Do'),
    }),
  );
  const signed = both();
  const twice = both(update(update(plain, { 4: streamOf('BT ET') }), { 4: plain.objects.get(4)! }));
  const hidden = twice.bytes.indexOf('4 0 obj\n', plain.bytes.length);
  const pointed = `xref\n4 1\n${String(hidden).padStart(10, '0')} 00000 n \ntrailer\n<< /Size 20 /Root 1 0 R /Prev ${twice.startxref} >>\nstartxref\n${twice.bytes.length}\n%%EOF\n`;
  const behind = (pdf: Pdf, text: string): Pick<Pdf, 'bytes'> => ({
    bytes: Buffer.concat([pdf.bytes, Buffer.from(text, 'latin1')]),
  });
  const object = `4 0 obj\n${streamOf('BT ET')}\nendobj\n`;
  const catalog = (key: string, value: string): Pdf =>
    update(signed, { [CATALOG]: withKey(signed.objects.get(CATALOG)!, key, value) });
  judgeAll(t, [
    ['hide: the layer is freed', update(shadow, { 6: null }), no, 'page-content-changed'],
    ['hide: the layer is emptied', update(shadow, { 6: streamOf('') }), no, 'page-content-changed'],
    [
      'replace: another font',
      update(shadow, { 5: '<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>' }),
      no,
      'page-content-changed',
    ],
    [
      'hide and replace: a table that points elsewhere in what was signed',
      behind(twice, pointed),
      no,
      'page-content-changed',
    ],
    ['incremental: an object, no table', behind(signed, object), no, 'hidden-data'],
    [
      'incremental: a trailer, no table',
      behind(signed, `${object}trailer\n<< /Size 20 /Root 1 0 R >>\n`),
      no,
      'hidden-data',
    ],
    ['another file behind it', behind(signed, 'PK\x03\x04zip'), no, 'hidden-data'],
    [
      'a page more',
      update(signed, {
        2: '<< /Type /Pages /Kids [3 0 R 40 0 R] /Count 2 >>',
        40: '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>',
      }),
      no,
      'pages-changed',
    ],
    [
      'a page turned',
      update(signed, { [PAGE]: withKey(signed.objects.get(PAGE)!, 'Rotate', '180') }),
      no,
      'pages-changed',
    ],
    ['opened elsewhere', catalog('OpenAction', '[3 0 R /Fit]'), no, 'catalog-changed'],
    ['shown as a portfolio', catalog('Collection', '<< /View /T >>'), no, 'catalog-changed'],
    ['with files inside', catalog('Names', '<< /EmbeddedFiles << /Names [] >> >>'), no, 'catalog-changed'],
    ['described anew', catalog('Metadata', 'null'), 'original-value'],
    ['saved again without a change', update(signed, {}), 'original-value'],
    [
      'a number between the two',
      sign(added(sign(plain, person)), body),
      'original-value',
      'number-or-stamp-added-before-organisation-signed',
    ],
    ['a number after both', added(signed), no, 'page-content-added'],
  ]);
  const one = sign(plain, body);
  const text = one.bytes.toString('latin1');
  const range = /\/ByteRange \[[^\]]*\]/;
  const contents = /\/Contents <[0-9a-f]*>/;
  const without = (what: RegExp | string, by: string): Pick<Pdf, 'bytes'> => {
    const [whole] = typeof what === 'string' ? [what] : what.exec(text)!;
    return { bytes: Buffer.from(text.replace(whole!, by.padEnd(whole!.length)), 'latin1') };
  };
  judgeAll(t, [
    ['no range', without(range, ''), 'invalid', 'byte-range-shape'],
    ['a range of nothing', without(range, '/ByteRange null'), 'invalid', 'byte-range-shape'],
    ['a range of negative numbers', without(range, '/ByteRange [0 -1 -1 -1]'), 'invalid', 'byte-range-shape'],
    ['no signature', without(contents, ''), 'invalid', 'contents-missing'],
    ['a signature of nothing', without(contents, '/Contents null'), 'invalid', 'contents-missing'],
    ['a signature of zero', without(contents, '/Contents <00>'), 'invalid', 'contents-missing'],
    ['no form of signature', without('/SubFilter /adbe.pkcs7.detached', ''), 'invalid', 'sub-filter-unknown'],
  ]);
  t.end();
});

t.test('keys: salts of PSS, curves, digests, and certificates that are not for documents', (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const byRsa = issue('UBND xã B', { kind: 'rsa', keys: rsa });
  const withKeys = (
    keys: { privateKey: Party['privateKey']; publicKey: Party['publicKey'] },
    kind: Party['kind'] = 'p256',
  ) => issue('UBND xã B', { keys, kind });
  const used = (...uses: string[]): Pdf =>
    sign(
      plain,
      issue('UBND xã B', { extensions: [signs, ext.usages(...uses.map((use) => `1.3.6.1.5.5.7.3.${use}`))] }),
    );
  const yes: Verdict = 'organisation-only';
  judgeAll(t, [
    ...[0, 20, 32, 64, 222].map(
      (pssSalt): Case => [`salt of ${pssSalt}`, sign(plain, byRsa, {}, { pssSalt }), yes],
    ),
    ['RSA SHA-1', sign(plain, byRsa, {}, { hash: 'sha1' }), yes, 'legacy-algorithm'],
    ['RSA MD5', sign(plain, byRsa, {}, { hash: 'md5' }), 'invalid', 'algorithm-refused'],
    ['ECDSA SHA-512', sign(plain, body, {}, { hash: 'sha512' }), yes],
    [
      'brainpool',
      sign(
        plain,
        withKeys(generateKeyPairSync('ec', { namedCurve: 'brainpoolP384r1' })),
        {},
        { hash: 'sha384' },
      ),
      yes,
    ],
    [
      'Ed25519',
      sign(plain, withKeys(generateKeyPairSync('ed25519'), 'ed25519'), {}, { hash: 'sha512' }),
      yes,
    ],
    [
      'Ed25519 with SHA-256',
      sign(plain, withKeys(generateKeyPairSync('ed25519'), 'ed25519')),
      'invalid',
      'algorithm-refused',
    ],
    ['a server', used('1'), 'valid-untrusted', 'chain-usage'],
    ['a server and its clients', used('1', '2'), yes],
    ['a program', used('3'), 'valid-untrusted', 'chain-usage'],
    ['mail', used('4'), yes],
    ['the time-stamping authority', sign(plain, tsa), 'valid-untrusted', 'chain-usage'],
    [
      'encipherment',
      sign(plain, issue('UBND xã B', { extensions: [ext.usage(0x20)] })),
      'valid-untrusted',
      'chain-usage',
    ],
    ['the root itself', sign(plain, root), 'valid-untrusted', 'chain-usage'],
    [
      'an extension that nobody knows',
      sign(plain, issue('UBND xã B', { extensions: [signs, ext.raw('1.2.3.9', Buffer.from([5, 0]), true)] })),
      'valid-untrusted',
      'chain-critical-extension',
    ],
    ['a wide place for the signature', sign(plain, body, { room: 400_000 }), yes],
  ]);
  t.end();
});

t.test(
  'forms of files: tables as streams, objects in streams, hybrid tables, signatures written oddly',
  (t) => {
    const cms = (content: Buffer): Buffer => cmsOf({ content, signer: body });
    const upper = (bytes: Buffer): Buffer =>
      Buffer.from(
        bytes.toString('latin1').replace(/<[0-9a-f]{8000}>/, (hex) => hex.toUpperCase()),
        'latin1',
      );
    const shaped = (bytes: Buffer): Pick<Pdf, 'bytes'> => ({ bytes });
    const table = (changes: Readonly<Record<number, string>> = {}, more: readonly string[] = []) =>
      shaped(withTable([...signedObjects(changes), ...more], cms));
    const plainTable = table().bytes;
    const streams = withStreams(cms, { hidden: false });
    const widget = '<< /Type /Annot /Subtype /Widget /Parent 5 0 R /Rect [0 0 0 0] /P 3 0 R >>';
    const yes: Verdict = 'organisation-only';
    const no: Verdict = 'changed-after-signing';
    judgeAll(t, [
      ['a table', shaped(plainTable), yes],
      ['a table, another page by a table', shaped(overriddenByTable(plainTable)), no, 'pages-changed'],
      [
        'a table, another page by a hybrid table',
        shaped(overriddenByHybrid(plainTable)),
        no,
        'pages-changed',
      ],
      ['streams', shaped(streams), yes],
      ['streams, another page by a table', shaped(overriddenByTable(streams)), no, 'pages-changed'],
      [
        'the signature in an object stream',
        shaped(withStreams(cms, { hidden: true })),
        'invalid',
        'contents-not-in-file',
      ],
      ['capital digits', shaped(upper(plainTable)), yes],
      ['words before the header', shaped(withTable(signedObjects(), cms, 'HTTP\r\n%PDF-2.0\n')), yes],
      ['no line behind the end', shaped(withTable(signedObjects(), cms, '%PDF-1.4\n', '')), yes],
      ['zeros behind the end', shaped(Buffer.concat([plainTable, Buffer.alloc(300)])), yes],
      [
        'the range in an object of its own',
        table({ 4: SIGNATURE.replace(/\[0 [\d ]+\]/, '6 0 R') }, [`[0 ${RANGES}]`]),
        yes,
      ],
      [
        'two ranges',
        table({ 4: SIGNATURE.replace('/ByteRange', '/ByteRange [0 1 2 3] /ByteRange') }),
        'invalid',
        'signature-key-repeated',
      ],
      [
        'one field in two places',
        table(
          {
            3: '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Annots [6 0 R 7 0 R] >>',
            5: '<< /FT /Sig /T (S) /V 4 0 R /Kids [6 0 R 7 0 R] >>',
          },
          [widget, widget],
        ),
        yes,
      ],
      [
        'in no form',
        table({ 1: '<< /Type /Catalog /Pages 2 0 R >>' }),
        'invalid',
        'signature-not-in-its-revision',
      ],
    ]);
    t.end();
  },
);

t.test(
  'pdfsig has no better opinion',
  { skip: spawnSync('pdfsig', ['-v']).error !== undefined && 'pdfsig is not installed' },
  (t) => {
    const file = join(t.testdir(), 'a.pdf');
    const saysOf = (pdf: Pick<Pdf, 'bytes'>): string[] => {
      fs.writeFileSync(file, pdf.bytes);
      const said = execFileSync('pdfsig', ['-nocert', file], { encoding: 'utf8' });
      return [...said.matchAll(/Signature Validation: (.*)/g)].map(([, one]) => one!);
    };
    for (const pdf of [both(), sign(plain, body, certification(2)), answered('signature'), answered('store')])
      t.same(
        saysOf(pdf),
        judge(pdf).signatures.map(() => 'Signature is Valid.'),
      );
    t.end();
  },
);

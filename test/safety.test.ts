// What enters is safe: marks of state secrets, files by content, archives, the policy file, malware with a real clamd; first the rules alone, then
// through real nodes and a real hub, in both directions.

import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import t from 'tap';
import { checkParts } from '../certs/inspect/check-parts.ts';
import { createInspector } from '../certs/inspect/inspector.ts';
import type { SafetyView } from '../edge-node/core.ts';
import { injected } from '../hub/offline.ts';
import { signedStatementCodec } from '../protocol/codec.ts';
import { uuidToBytes } from '../protocol/ids.ts';
import { systemClock } from '../protocol/node/clock.ts';
import { scanStream } from '../protocol/node/files/clamd.ts';
import { sniffType } from '../protocol/node/files/types.ts';
import { openPolicyFile } from '../protocol/node/safety/policy-file.ts';
import { createScanner } from '../protocol/node/safety/scanner.ts';
import { decide } from '../protocol/safety/findings.ts';
import { builtInRules, PolicyMistake, parsePolicy, policyText, rulesFor } from '../protocol/safety/policy.ts';
import { levelInTitle, secretsSaid, stampLevel, tagKeptOut } from '../protocol/safety/secrecy.ts';
import { events, parseStatement } from '../protocol/statement.ts';
import { runFuzz } from './fuzz/run.ts';
import { makeClamd, noClamd } from './support/clamd.ts';
import { archived, cmsOf } from './support/cms.ts';
import { bareNode, pollOnce, prepare, startTestHub, temporaryDir } from './support/hub.ts';
import { ocspAnswer } from './support/ocsp.ts';
import { eventually, type Office, openOffice, seeEachOther } from './support/office.ts';
import { authority, type Extension, ext, make, nameOf, nowMs } from './support/pki.ts';
import { exitOf } from './support/processes.ts';
import { newPdf, type Pdf, signedPdf } from './support/revisions.ts';
import { cli } from './support/run-cli.ts';
import { sharedData } from './support/shared-data.ts';
import { oldFontPdf, unicodePdf } from './support/text-pdf.ts';

const prose = [
  { text: 'ỦY BAN NHÂN DÂN XÃ ĐÔNG HÀ', x: 60, y: 780 },
  { text: 'Căn cứ Luật Bảo vệ bí mật nhà nước và các cấp độ TUYỆT MẬT, TỐI MẬT và', x: 60, y: 700 },
];
const archive = { depthMax: 3, membersMax: 10_000, bytesMax: 4 * 2 ** 30, ratioMax: 200 };
const inspector = createInspector({ clock: systemClock });
t.teardown(() => inspector.close());
const inspect = (bytes: Uint8Array, name = 'van-ban.pdf') =>
  inspector.inspect({ bytes }, { name, atMs: systemClock.nowMs(), archive, pdfVersions: [1.4, 2] });
const stampsOf = async (bytes: Uint8Array) => (await inspect(bytes)).facts?.firstPage.stamps;

t.test('stamps, titles and tags are told from prose', async (t) => {
  for (const [cell, level] of [
    ['MẬT', 'MẬT'],
    ['M Ậ T', 'MẬT'],
    ['TUYỆT  MẬT', 'TUYỆT MẬT'],
    ['[ TỐI MẬT ]', 'TỐI MẬT'],
    ['Độ mật: MẬT', 'MẬT'],
    ['HOẢ TỐC – MẬT', 'MẬT'],
    ['MẬТ', 'MẬT'],
    ['TỐI MẬT'.normalize('NFD'), 'TỐI MẬT'],
    ['HỎA TỐC', undefined],
    ['BÍ MẬT', undefined],
    ['ĐỘ MẬT', undefined],
    ['Mật', undefined],
    ['các tài liệu MẬT', undefined],
  ] as const)
    t.equal(stampLevel(cell), level, cell);
  for (const [title, level] of [
    ['Báo cáo MẬT về diễn tập', 'MẬT'],
    ['CV-TUYET-MAT.pdf', 'TUYỆT MẬT'],
    ['12_MẬT_bao-cao.pdf', 'MẬT'],
    ['Kế hoạch (Mật)', 'MẬT'],
    ['QUY CHẾ BẢO VỆ BÍ MẬT NHÀ NƯỚC', undefined],
    ['V/v bảo mật thông tin', undefined],
    ['MẬT ĐỘ DÂN SỐ NĂM 2026', undefined],
    ['HỎA TỐC: giấy mời họp', undefined],
  ] as const)
    t.equal(levelInTitle(title), level, title);
  t.equal(tagKeptOut('Y tế; Quốc phòng - an ninh'), 'quoc phong');
  t.equal(tagKeptOut('An toàn thông tin'), undefined);
  t.match(secretsSaid({ extraJson: '{"độ mật":"Tối mật"}' }), [
    { code: 'secret-level', where: 'extra/độ mật' },
  ]);
  t.same(
    secretsSaid({ subject: 'Về việc thử', extraJson: '{"secrecy":"thường","x":1}', sphere: 'Văn hoá' }),
    [],
  );
});

t.test(
  'the stamp on page 1 is found by its place, in any font, form or direction, and not in prose',
  async (t) => {
    t.same(await stampsOf(unicodePdf([...prose, { text: 'MẬT', x: 60, y: 740 }])), ['MẬT']);
    t.same(
      await stampsOf(unicodePdf([...prose, { text: 'MẬT.', x: 60, y: 684 }])),
      [],
      'the last word of a paragraph',
    );
    t.same(await stampsOf(unicodePdf(prose)), []);
    t.same(
      await stampsOf(unicodePdf([...prose, { text: 'TỐI MẬT', x: 300, y: 400, angle: 90 }])),
      ['TỐI MẬT'],
      'rotated',
    );
    t.same(
      await stampsOf(unicodePdf([...prose, { text: 'TUYỆT MẬT', x: 60, y: 740 }], { inForm: true })),
      ['TUYỆT MẬT'],
      'in a form',
    );
    t.same(
      await stampsOf(
        unicodePdf([...prose, ...[...'MẬT'].map((text, i) => ({ text, x: 60 + i * 30, y: 740 }))]),
      ),
      ['MẬT'],
      'letters far apart',
    );
    t.same(await stampsOf(unicodePdf([...prose, { text: 'HỎA TỐC', x: 60, y: 740 }])), []);
    const freeText =
      '/Annots [<< /Type /Annot /Subtype /FreeText /Rect [0 0 9 9] /Contents <feff004d1eac0054> >>]';
    t.same(await stampsOf(unicodePdf(prose, { page: freeText })), ['MẬT'], 'an annotation');
    const line = 'Céng hßa x· héi chñ nghÜa ViÖt Nam';
    t.same(
      await stampsOf(
        oldFontPdf('.VnTimeH', [
          { bytes: line, y: 780 },
          { bytes: 'mËt', y: 740 },
        ]),
      ),
      ['MẬT'],
      'TCVN3 capitals',
    );
    t.same(
      await stampsOf(
        oldFontPdf('VNI-Times', [
          { bytes: 'COÄNG HOØA XAÕ HOÄI', y: 780 },
          { bytes: 'TOÁI MAÄT', y: 740 },
        ]),
      ),
      ['TỐI MẬT'],
      'VNI',
    );
    const names = '<< /Differences [1 /T /O /I /M /A /Ocircumflexacute /Acircumflexdotbelow] >>';
    t.same(
      await stampsOf(
        oldFontPdf(
          'ABCDEF+Times',
          [
            { bytes: 'Van ban hanh chinh so muoi hai', y: 780 },
            { bytes: '\x01\x06\x03 \x04\x07\x01', y: 740 },
          ],
          names,
        ),
      ),
      ['TỐI MẬT'],
      'glyph names',
    );
  },
);

t.test('what cannot be read is said, what is active is named', async (t) => {
  const scan = await inspect(unicodePdf([]));
  t.match(scan.findings, [{ code: 'page-unreadable', said: 'no-text' }]);
  const unmapped = unicodePdf(prose).toString('latin1').replace(' /ToUnicode 7 0 R', '                 ');
  t.match((await inspect(Buffer.from(unmapped, 'latin1'))).facts, { firstPage: { state: 'undecodable' } });
  const active = unicodePdf(prose, { catalog: '/OpenAction << /S /JavaScript /JS (app.alert) >>' });
  t.match((await inspect(active)).findings, [{ code: 'pdf-active', said: 'JavaScript' }]);
  t.match((await inspect(Buffer.from('%PDF-1.7\nbroken'))).findings, [{ code: 'pdf-unreadable' }]);
  t.match((await inspect(Buffer.from('MZ\x90\0'), 'bao-cao.pdf')).findings, [
    { code: 'name-mismatch' },
    { code: 'executables' },
  ]);
});

t.test('a program is known by its head, and two letters at the beginning make none', (t) => {
  const dos = (changes: (head: Buffer) => void, bytes = 4096): Buffer => {
    const head = Buffer.alloc(bytes, 0xee);
    head.write('MZ');
    changes(head);
    return head;
  };
  const programs: Readonly<Record<string, Buffer>> = {
    'a newer head': dos((head) => head.writeUInt32LE(128, 60) && head.write('PE\0\0', 128, 'latin1')),
    'a newer head further on': dos((head) => head.writeUInt32LE(70_000, 60)),
    'pages of DOS': dos(
      (head) => head.fill(0, 2, 64) && head.writeUInt16LE(3, 4) && head.writeUInt16LE(4, 8),
    ),
    'cut short': Buffer.from('MZ\x90\0', 'latin1'),
    'a script': Buffer.from('#!/bin/sh\necho'),
    'a script, with a word behind': Buffer.from('#! /usr/bin/env python3\r\n'),
    'a script that is a PDF too': Buffer.from('#!/bin/sh\n%PDF-1.7\n'),
    'a program that is a PDF too': dos(
      (head) =>
        head.writeUInt32LE(128, 60) && head.write('%PDF-1.7', 70) && head.write('PE\0\0', 128, 'latin1'),
    ),
  };
  for (const [name, bytes] of Object.entries(programs)) t.equal(sniffType(bytes).dangerous, true, name);
  const others: Readonly<Record<string, Buffer>> = {
    'MZ and noise': dos(() => {}),
    'MZ and text': Buffer.from(`MZ là hai chữ đầu của một văn bản thường. ${'Văn bản. '.repeat(40)}`),
    '#! and noise': Buffer.concat([Buffer.from('#!'), Buffer.alloc(100, 0xd0)]),
    '#! and no path': Buffer.from('#!bin\n'),
  };
  for (const [name, bytes] of Object.entries(others)) t.equal(sniffType(bytes).dangerous, false, name);
  t.end();
});

t.test('a document whose files take too long is held with the reason, the rest of it unread', async (t) => {
  const inspector = createInspector({ clock: systemClock });
  const bytes = unicodePdf(prose);
  const part = (index: number) => ({
    index,
    name: `${index}.pdf`,
    lengthBytes: bytes.length,
    head: async () => bytes.subarray(0, 8192),
    content: async () => ({ bytes }),
    stream: async () => (async function* () {})(),
  });
  const checked = await checkParts([part(0), part(1)], {
    rules: builtInRules,
    inspector,
    scanner: createScanner(undefined, systemClock),
    atMs: 0,
    within: { clock: systemClock, ms: 0 },
  });
  await inspector.close();
  if (checked.kind !== 'checked') throw new Error('no scanner is away');
  const late = { code: 'inspection-failed', said: 'time-limit of the document' } as const;
  t.match(checked.findings, [
    { ...late, part: 0 },
    { ...late, part: 1 },
  ]);
  const { action } = decide(checked.findings, builtInRules, { types: new Map(), receiving: false });
  t.equal(action, 'hold');
});

t.test('a file that lies elsewhere by the time it is opened is looked at there', async (t) => {
  const dir = t.testdir();
  const bytes = unicodePdf(prose);
  const file = join(dir, 'sealed');
  fs.writeFileSync(file, bytes);
  const checkOne = async (places: readonly string[]) => {
    let asked = 0;
    const checked = await checkParts(
      [
        {
          index: 0,
          name: 'a.pdf',
          lengthBytes: bytes.length,
          head: async () => bytes.subarray(0, 8192),
          content: async () => ({ file: places[asked++] ?? '' }),
          stream: async () => (async function* () {})(),
        },
      ],
      { rules: builtInRules, inspector, scanner: createScanner(undefined, systemClock), atMs: 0 },
    );
    if (checked.kind !== 'checked') throw new Error('no scanner is away');
    return checked.findings.filter(({ code }) => code === 'inspection-failed');
  };
  const gone = join(dir, 'plain');
  t.same(await checkOne([gone, file]), []);
  t.match(await checkOne([gone, gone, file]), [{ said: 'file ENOENT' }], 'once more, and no more often');
});

t.test('many documents of one sender do not keep that of another from its turn at the hub', async (t) => {
  const hub = await startTestHub();
  const [many, one] = [await bareNode(hub.hub, 'H08.35.01'), await bareNode(hub.hub, 'H08.35.02')];
  t.teardown(async () => {
    await Promise.all([many.close(), one.close()]);
    await hub.close();
  });
  const parts = [{ name: 'a.pdf', content: unicodePdf(prose) }];
  const drafts = (n: number) => Array.from({ length: n }, () => ({ to: [one.unit], parts }));
  const answers = await many.link.submit(prepare(many, drafts(40)).map(({ wrapper }) => wrapper));
  t.ok(answers.every(({ problem }) => problem === ''));
  await one.link.submit(prepare(one, [{ to: [many.unit], parts }]).map(({ wrapper }) => wrapper));
  const order = () =>
    hub.hub.store.reader.all<{ sender: string }>(
      "SELECT e.sender FROM checks c JOIN envelopes e ON e.seq = c.envelope_seq WHERE c.state = 'passed' ORDER BY c.decided_ms, c.rowid",
    );
  await eventually(async () => (order().length === 41 ? true : undefined));
  t.ok(order().findIndex(({ sender }) => sender === one.unit) < 40, 'not behind all of them');
});

t.test('a file that takes too long or fails ends its child and not the next answer', async (t) => {
  const slow = createInspector({ clock: systemClock, wallMs: 1 });
  t.match(
    (
      await slow.inspect(
        { bytes: unicodePdf(prose) },
        { name: 'a.pdf', atMs: 0, archive, pdfVersions: [1.4, 2] },
      )
    ).findings,
    [{ code: 'inspection-failed', said: 'time-limit' }],
  );
  await slow.close();
  const small = createInspector({ clock: systemClock, queueMax: 1 });
  const question = { name: 'a.pdf', atMs: 0, archive, pdfVersions: [1.4, 2] as [number, number] };
  const first = small.inspect({ bytes: unicodePdf(prose) }, question);
  await t.rejects(small.inspect({ bytes: unicodePdf(prose) }, question), { code: 'overloaded' });
  t.equal((await first).type, 'pdf');
  t.match((await small.inspect({ file: '/nowhere/at/all' }, question)).findings, [
    { code: 'inspection-failed', said: 'file ENOENT' },
  ]);
  await small.close();
  // Nobody ever writes into the pipe: the look would last for its whole minute.
  const pipe = join(t.testdir(), 'pipe');
  t.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const closing = createInspector({ clock: systemClock, wallMs: 3_600_000 });
  const looked = closing.inspect({ file: pipe }, question);
  const told = t.rejects(looked, { code: 'shutting-down' }, 'a stop says nothing of the file');
  await closing.close();
  await told;
  await t.rejects(closing.inspect({ file: pipe }, question), { code: 'shutting-down' });
});

t.test(
  'archives of others are judged as their manifests say',
  { skip: !fs.existsSync(sharedData('names-and-archives')) && '../shared/data is not here' },
  async (t) => {
    const manifest = JSON.parse(fs.readFileSync(sharedData('names-and-archives/manifest.json'), 'utf8')) as {
      file: string;
      expected: string;
    }[];
    // The names in this one are inside a signature's XML, not in the archive.
    for (const { file, expected } of manifest.filter(
      ({ file }) => !file.includes('datafile-name-in-signature'),
    )) {
      const path = sharedData(`names-and-archives/${file}`);
      const { findings } = await inspector.inspect(
        { file: path },
        { name: file.split('/').at(-1)!, atMs: 0, archive, pdfVersions: [1.4, 2] },
      );
      const unsafe = findings.some(({ code }) => code === 'archive-unsafe');
      t.equal(unsafe, !/^ACCEPT/.test(expected), `${file}: ${expected}`);
    }
  },
);

t.test('a policy is read whole or not at all, and the one before stays in force', async (t) => {
  const policy = parsePolicy(
    '# ghi chú\n[default]\nmacros = refuse  # of all\n[unit h08.35.12]\npart-bytes-max = 2 MiB\n[kind recall]\ntypes = pdf text\n',
  );
  t.match(rulesFor(policy, { kind: 'document', codes: ['H08.35.12'] }), {
    macros: 'refuse',
    'part-bytes-max': 2 * 1024 * 1024,
  });
  t.equal(rulesFor(policy, { kind: 'recall', codes: [] }).types.length, 2);
  t.same(
    rulesFor(parsePolicy(policyText(builtInRules)), { kind: 'document', codes: [] }),
    builtInRules,
    'what is shown can be read again',
  );
  for (const [text, line] of [
    ['[default]\nmacros = maybe', 2],
    ['macros = hold', 1],
    ['[default]\n\nmacro = hold', 3],
    ['[unit A]\nmacros = hold\n[unit a]', 3],
    ['[default]\npart-bytes-max = much', 2],
    ['[default]\ntypes = pdf, banana', 2],
    ['[kind letter]', 1],
    ['[default]\nmacros = hold\nmacros = hold', 3],
  ] as const)
    try {
      parsePolicy(text);
      t.fail(text);
    } catch (error) {
      t.match(error, { line }, text);
      t.ok(error instanceof PolicyMistake && error.vi.length > 5, 'in Vietnamese too');
    }
  const dir = temporaryDir('policy');
  const mistakes: number[] = [];
  const open = () => openPolicyFile(dir, { onMistake: ({ line }) => mistakes.push(line) });
  const about = { kind: 'document', codes: [] };
  const file = open();
  t.equal(file.rulesFor(about).macros, 'hold');
  fs.writeFileSync(join(dir, 'policy.conf'), '[default]\nmacros = refuse\n');
  t.equal(file.rulesFor(about).macros, 'refuse', 'without a restart');
  fs.writeFileSync(join(dir, 'policy.conf'), '[default]\nmacros = refuse\nmacros = deliver\n');
  t.equal(file.rulesFor(about).macros, 'refuse');
  t.match(file.state(), { from: 'last-good', mistake: { line: 3 } });
  t.equal(open().rulesFor(about).macros, 'refuse', 'also after a restart');
  t.same(mistakes, [3, 3]);
  const types = new Map([[0, 'zip' as const]]);
  const unscanned = decide([{ code: 'scan-too-large', part: 0, said: '' }], builtInRules, {
    types,
    receiving: false,
  });
  t.equal(unscanned.action, 'hold', 'an archive never passes unscanned');
  fs.rmSync(dir, { recursive: true });
});

t.test("only OK is clean, whatever answers at the scanner's address", async (t) => {
  let reply: (socket: Socket) => void = () => {};
  const server = createServer((socket) => {
    socket.on('error', () => {});
    reply(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const scan = (bytes = Buffer.alloc(300_000)) =>
    scanStream(
      (async function* () {
        yield bytes;
      })(),
      { at: { host: '127.0.0.1', port }, streamBytesMax: 1_000_000, silenceMs: 300 },
    );
  const says = (...pieces: string[]) => {
    reply = (socket) => {
      socket.resume();
      socket.once('data', async () => {
        for (const piece of pieces) {
          socket.write(piece);
          await systemClock.sleep(20);
        }
      });
    };
  };
  says('stream: OK\0');
  t.same(await scan(), { kind: 'clean' });
  says('str', 'eam: Eicar-Test', ' FOUND\0');
  t.same(await scan(), { kind: 'infected', name: 'Eicar-Test' }, 'in pieces');
  says("stream: Can't allocate memory ERROR\0");
  t.match(await scan(), { kind: 'error' });
  says('INSTREAM size limit exceeded. ERROR\0');
  t.same(await scan(), { kind: 'too-large' });
  says('stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0');
  t.same(await scan(), { kind: 'too-large' });
  says('stream: OK');
  t.match(await scan(), { kind: 'down' }, 'an answer without its end');
  says('OK\0');
  t.match(await scan(), { kind: 'error' });
  reply = (socket) => socket.once('data', () => socket.destroy());
  t.match(await scan(), { kind: 'down' }, 'killed in the middle');
  reply = (socket) => socket.pause();
  t.match(await scan(Buffer.alloc(900_000)), { kind: 'down', said: 'no progress' }, 'silent');
  t.same(await scan(Buffer.alloc(1_000_001)), { kind: 'too-large' }, 'not even sent');
  server.close();
  t.match(await scan(), { kind: 'down', said: 'ECONNREFUSED' });
});

const root = authority('CA gốc mẫu');
const signs = ext.usage(0xc0);
const signer = (name: string, serial: number, ...more: Extension[]) =>
  make({ name, issuer: root, serial, extensions: [signs, ...more] });
const person = signer('Nguyễn Văn A', 11);
const unit = signer('UBND xã B', 12);
const tsa = signer('Dấu thời gian', 13, { ...ext.usages('1.3.6.1.5.5.7.3.8'), critical: true });
const known = { ...root, nameDer: nameOf(root.name) };

/** Signed and stamped by a person and a unit, each signature with an answer of OCSP about its signer. */
function signedByBoth(revokedMs: number | undefined): Buffer {
  const said = (serial: bigint) =>
    ocspAnswer({
      issuer: known,
      by: known,
      serial,
      atMs: nowMs,
      state: serial === 12n && revokedMs !== undefined ? { revokedMs } : 'good',
    });
  const sign = (pdf: Pdf, name: string, by: typeof person, serial: bigint) =>
    signedPdf(pdf, {
      name,
      cms: (content) =>
        cmsOf({ content, signer: by, stamp: { by: tsa, atMs: nowMs }, signed: [archived(said(serial))] }),
    });
  return sign(sign(newPdf(), 'NguoiKy', person, 11n), 'CoQuan', unit, 12n).bytes;
}

/** A ZIP of one stored member; `flags` 1: encrypted. */
function zip(name: string, bytes: Buffer, flags = 0): Buffer {
  const [local, central, end] = [Buffer.alloc(30), Buffer.alloc(46), Buffer.alloc(22)];
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(flags, 6);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(flags, 8);
  for (const [head, at] of [
    [local, 14],
    [central, 16],
  ] as const) {
    head.writeUInt32LE(crc32(bytes), at);
    head.writeUInt32LE(bytes.length, at + 4);
    head.writeUInt32LE(bytes.length, at + 8);
    head.writeUInt16LE(name.length, at + 12);
  }
  const before = 30 + name.length + bytes.length;
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(before, 16);
  return Buffer.concat([local, Buffer.from(name), bytes, central, Buffer.from(name), end]);
}

const lienthong = (...args: string[]) => exitOf(args);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const eicar = Buffer.from(
  ['X5O!P%@AP[4', '\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(''),
);
type Problem = { code: string; detail?: string };
async function send(
  office: Office,
  part: { name: string; bytes: Uint8Array },
  more: object = {},
): Promise<{ status: number; body: Problem & { documentId: string } }> {
  const answer = await office.fetch('/v1/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      idempotencyKey: randomUUID(),
      recipients: ['H08.35.13'],
      subject: 'Về việc thử',
      parts: [{ name: part.name, mediaType: 'application/octet-stream', contentBase64: base64(part.bytes) }],
      ...more,
    }),
  });
  return { status: answer.status, body: (await answer.json()) as Problem & { documentId: string } };
}
type View = {
  state: string;
  safety?: SafetyView;
  metadata?: object;
  envelopes: { lastError?: string; sealedMs?: number; recipients: { timeline: { code: string }[] }[] }[];
};
const show = async (office: Office, id: string, direction: 'in' | 'out' = 'out') =>
  (await (await office.fetch(`/v1/${direction === 'out' ? 'documents' : 'inbox'}/${id}`)).json()) as View;
const checkedAs = (office: Office, id: string, state: SafetyView['state'], direction: 'in' | 'out' = 'out') =>
  eventually(async () => {
    const view = await show(office, id, direction);
    return view.safety?.state === state ? view : undefined;
  });
const delivered = (office: Office, id: string) =>
  eventually(async () => ((await show(office, id)).state === 'delivered' ? true : undefined));

t.test('through real nodes and a real hub', { skip: noClamd }, async (t) => {
  const clamd = makeClamd();
  const hubClamd = makeClamd();
  await Promise.all([clamd.start(), hubClamd.start()]);
  const scanner = { socket: clamd.socket, streamBytesMax: 100_000, silenceMs: 5_000, graceMs: 0 };
  const anchorsDir = temporaryDir('anchors');
  fs.writeFileSync(join(anchorsDir, 'root.der'), root.der);
  const hub = await startTestHub({
    config: { safety: { inspect: true, scanner: { socket: hubClamd.socket } } },
  });
  const a = await openOffice(hub.hub, 'H08.35.12', { safety: { scanner, anchorsDir } });
  const b = await openOffice(hub.hub, 'H08.35.13', {
    safety: { scanner: { ...scanner, streamBytesMax: 1_000_000 }, anchorsDir },
  });
  t.teardown(async () => {
    await Promise.all([a.node.close(), b.node.close()]);
    await hub.close();
    await Promise.all([clamd.stop(), hubClamd.stop()]);
    clamd.remove();
    hubClamd.remove();
  });
  await seeEachOther([a, b], ['H08.35.12', 'H08.35.13']);

  await t.test('a good document passes everywhere, and its verdict is stored at both ends', async (t) => {
    const { body } = await send(a, { name: 'cong-van.pdf', bytes: unicodePdf(prose) });
    await delivered(a, body.documentId);
    const sent = await show(a, body.documentId);
    t.match(sent.safety, {
      state: 'passed',
      parts: [
        {
          scan: 'clean',
          type: 'pdf',
          firstPage: 'read',
          verdict: 'unsigned',
          sentence: { vi: /chưa được ký số/ },
        },
      ],
    });
    const arrived = await checkedAs(b, body.documentId, 'passed', 'in');
    t.match(arrived.safety, { parts: [{ scan: 'clean', verdict: 'unsigned', report: { signatures: [] } }] });
    t.equal((await b.fetch(`/v1/inbox/${body.documentId}/parts/0`)).status, 200);
    const said = await cli('show', body.documentId, '--dir', a.dir);
    t.match(said.out, /Đã kiểm tra/);
    t.match(said.out, /unsigned: Văn bản chưa được ký số/);
  });

  await t.test(
    'what a signed document is worth stands at both ends, with what OCSP said of its signers',
    async (t) => {
      for (const [revokedMs, verdict, words] of [
        [undefined, 'original-value', /có giá trị như bản gốc/],
        [nowMs + 3_600_000, 'original-value', /có giá trị như bản gốc/],
        [nowMs - 3_600_000, 'invalid', /đã bị thu hồi/],
      ] as const) {
        const { body } = await send(a, { name: 'da-ky.pdf', bytes: signedByBoth(revokedMs) });
        await delivered(a, body.documentId);
        const seen = { parts: [{ verdict, sentence: { vi: words } }] };
        t.match((await show(a, body.documentId)).safety, seen, `${verdict} at the sender`);
        t.match(
          (await checkedAs(b, body.documentId, 'passed', 'in')).safety,
          seen,
          `${verdict} at the receiver`,
        );
      }
    },
  );

  await t.test(
    'marks of state secrets are refused at the sending node, with the law, and nobody overrides it',
    async (t) => {
      for (const more of [
        { subject: 'Báo cáo MẬT' },
        { sphere: 'Quốc phòng' },
        { extra: { secrecyLevel: 'Tối mật' } },
      ]) {
        const { status, body } = await send(a, { name: 'a.txt', bytes: Buffer.from('x') }, more);
        t.equal(status, 422);
        t.match(body, { code: 'secrecy-refused', detail: /Luật Bảo vệ bí mật nhà nước|Quy chế/ });
      }
      t.match((await send(a, { name: 'TUYET-MAT.txt', bytes: Buffer.from('x') })).body, {
        code: 'secrecy-refused',
      });
      const stamped = await send(a, {
        name: 'b.pdf',
        bytes: unicodePdf([...prose, { text: 'MẬT', x: 60, y: 740 }]),
      });
      t.equal(stamped.status, 202, 'the page is looked at by the worker');
      const view = await checkedAs(a, stamped.body.documentId, 'refused');
      t.match(view, {
        state: 'refused',
        safety: { secret: true, findings: [{ code: 'secret-stamp', action: 'refuse' }] },
      });
      const release = await cli(
        'node',
        'release',
        stamped.body.documentId,
        '--dir',
        a.dir,
        '--by',
        'chanh.vp@x',
        '--reason',
        'thử',
      );
      t.equal(release.code, 1);
    },
  );

  await t.test('files are refused by content before anything leaves, with reasons', async (t) => {
    t.match((await send(a, { name: 'bao-cao.pdf', bytes: Buffer.from('MZ\x90\0\0') })).body, {
      code: 'file-refused',
      detail: /\/parts\/0: executables .*thực thi/,
    });
    t.match((await send(a, { name: 'chay.bat', bytes: Buffer.from('echo') })).body, { code: 'file-refused' });
    const bomb = sharedData('names-and-archives/derived/overlap-200x20MB.zip');
    if (fs.existsSync(bomb)) {
      const { body } = await send(a, { name: 'ho-so.zip', bytes: fs.readFileSync(bomb) });
      t.match(await checkedAs(a, body.documentId, 'refused'), {
        safety: { findings: [{ code: 'archive-unsafe' }] },
        envelopes: [{ lastError: 'file-refused' }],
      });
    }
    fs.writeFileSync(join(a.dir, 'policy.conf'), '[unit H08.35.12]\ntypes = pdf text\n');
    t.match((await send(a, { name: 'anh.png', bytes: Buffer.from('89504e470d0a1a0a', 'hex') })).body, {
      code: 'file-refused',
      detail: /type-not-listed/,
    });
    fs.writeFileSync(join(a.dir, 'policy.conf'), '[unit H08.35.12]\ntypes = pdf banana\n');
    t.match(
      (await send(a, { name: 'anh.png', bytes: Buffer.from('89504e470d0a1a0a', 'hex') })).body,
      { code: 'file-refused' },
      'the old one stays',
    );
    const { checks } = (await (await a.fetch('/readyz')).json()) as {
      checks: { name: string; said?: string }[];
    };
    t.match(
      checks.find(({ name }) => name === 'safety'),
      { result: 'warn', said: /policy\.conf:2/ },
    );
    fs.rmSync(join(a.dir, 'policy.conf'));
  });

  await t.test('malware is held, and a second person lets a false positive go', async (t) => {
    const { body } = await send(a, { name: 'thu.txt', bytes: eicar });
    const view = await checkedAs(a, body.documentId, 'held');
    t.match(view.safety, {
      findings: [{ code: 'infected', said: /Eicar/i, action: 'hold' }],
      parts: [{ scan: 'infected' }],
    });
    const held = (await (await a.fetch('/v1/held')).json()) as { rows: { id: string }[] };
    t.same(
      held.rows.map(({ id }) => id),
      [body.documentId],
    );
    const own = await a.fetch(`/v1/documents/${body.documentId}/release`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"reason":"nhầm"}',
    });
    t.match(await own.json(), { code: 'same-person-refused' }, 'whoever handed it in cannot');
    const other = await cli(
      'node',
      'release',
      body.documentId,
      '--dir',
      a.dir,
      '--by',
      'chanh.vp@dongha',
      '--reason',
      'tệp thử của bộ quét',
    );
    t.equal(other.code, 0, other.err);
    t.match((await show(a, body.documentId)).safety, {
      state: 'released',
      ended: { by: 'chanh.vp@dongha', why: 'tệp thử của bộ quét' },
    });
    // The hub has its own scanner and its own two persons.
    const { held: atHub } = await eventually(async () => {
      const { out: stdout } = await lienthong('hub', 'held', '--dir', hub.dir, '--json');
      const answer = JSON.parse(stdout) as {
        held: { envelopeId: string; state: string; findings: { code: string }[] }[];
      };
      return answer.held[0]?.state === 'held' ? answer : undefined;
    });
    t.match(atHub, [{ findings: [{ code: 'infected' }] }]);
    const { node } = hub.hub.directory.current().unit(b.unit)!;
    t.same(
      await hub.hub.store.redrive({ peer: node, nowMs: systemClock.nowMs() }),
      [],
      'redriving is no way round',
    );
    const id = atHub[0]!.envelopeId;
    const act = (account: string) =>
      injected(hub.hub, { account, host: 'test' })<{ result: string }>(
        'POST',
        `/admin/v1/held/${id}/release`,
        {
          reason: 'tệp thử của bộ quét',
        },
      );
    t.match(await act('mot'), { result: 'first' });
    await t.rejects(act('mot'), { code: 'same-person-refused' });
    t.match(await act('hai'), { result: 'released' });
    await delivered(a, body.documentId);
    const arrived = await checkedAs(b, body.documentId, 'held', 'in');
    t.match(arrived.safety?.findings, [{ code: 'infected' }]);
    t.match(
      await (await b.fetch(`/v1/inbox/${body.documentId}/parts/0`)).json(),
      { code: 'document-held' },
      'and the receiving node holds it again',
    );
    for (const by of ['van.thu@b', 'chu.tich@b']) {
      const { out: stdout } = await cli(
        'node',
        'release',
        body.documentId,
        '--dir',
        b.dir,
        '--by',
        by,
        '--reason',
        'đã hỏi nơi gửi',
        '--json',
      );
      t.match(JSON.parse(stdout), { result: by === 'van.thu@b' ? 'first' : 'released' });
    }
    t.equal((await b.fetch(`/v1/inbox/${body.documentId}/parts/0`)).status, 200);
  });

  await t.test(
    'what the scanner cannot take is marked, archives are held; a scanner that is away delays and heals',
    async (t) => {
      const large = await send(a, { name: 'lon.txt', bytes: Buffer.alloc(150_000, 'a') });
      await delivered(a, large.body.documentId);
      t.match((await show(a, large.body.documentId)).safety, {
        state: 'passed',
        parts: [{ scan: 'too-large', scanWords: { vi: /chưa quét/ } }],
      });
      const zip = await send(a, {
        name: 'lon.zip',
        bytes: Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(150_000, 'b')]),
      });
      await checkedAs(a, zip.body.documentId, 'held');
      t.match(await a.node.edge.extend(zip.body.documentId, { to: [a.unit] }), { added: [String] });
      await clamd.stop('SIGKILL');
      const waiting = await send(a, { name: 'cho.txt', bytes: Buffer.from('chờ quét') });
      const told = await eventually(async () => {
        const view = await show(a, waiting.body.documentId);
        return view.safety?.waiting === 'scanner-unreachable' ? view : undefined;
      });
      t.match(told, { state: 'queued', safety: { words: { vi: 'Chờ quét mã độc' } } });
      t.ok(
        (await a.node.edge.status()).alarms.some(({ code }) => code === 'scanner-unreachable'),
        'told when the grace is over',
      );
      t.match((await a.node.edge.status()).safety.scanner, { configured: true, downSinceMs: Number });
      const corrected = await a.node.edge.update(waiting.body.documentId, {
        reason: 'Sai trích yếu',
        fields: { subject: 'Trích yếu đúng' },
      });
      await t.rejects(a.node.edge.retry(waiting.body.documentId), { code: 'document-held' });
      await clamd.start();
      await delivered(a, waiting.body.documentId);
      await delivered(a, corrected.updateId!);
      const order = [waiting.body.documentId, corrected.updateId!].map(
        (id) =>
          hub.hub.store.reader.get<{ seq: number }>(
            'SELECT seq FROM envelopes WHERE document_id = ?',
            uuidToBytes(id),
          )!.seq,
      );
      t.ok(order[0]! < order[1]!, 'a correction goes behind what it corrects, which waited for its check');
      await hubClamd.stop('SIGKILL');
      const { body } = await send(a, { name: 'cho.txt', bytes: Buffer.from('chờ quét tại trung tâm') });
      await eventually(async () =>
        hub.hub.store.reader.get(
          "SELECT 1 FROM checks WHERE state = 'pending' AND waiting = 'scanner-unreachable'",
        ),
      );
      t.not(
        (await show(a, body.documentId)).state,
        'delivered',
        'the hub holds what its own scanner has not seen',
      );
      await hubClamd.start();
      await delivered(a, body.documentId);
      const kept = (await show(a, zip.body.documentId)).envelopes;
      t.same(
        kept.map(({ sealedMs }) => sealedMs),
        [undefined, undefined],
        'a further recipient waits for the same word of a person',
      );
      const { updateId } = await a.node.edge.update(zip.body.documentId, {
        reason: 'Sai trích yếu',
        fields: { subject: 'Trích yếu đúng' },
      });
      await a.node.edge.judgeHeld(zip.body.documentId, {
        act: 'reject',
        actor: 'nguoi-hai',
        why: 'không dùng',
        direction: 'out',
      });
      t.equal((await show(a, updateId!)).state, 'cancelled', 'nobody has what it corrects');
    },
  );

  await t.test('every rule about files holds, refuses or marks what it is about', async (t) => {
    const deep = [1, 2, 3, 4].reduce(
      (inner, depth) => zip(`${depth}.zip`, inner),
      zip('a.txt', Buffer.from('a')),
    );
    const locked = unicodePdf(prose).toString('latin1').replace('/Root', '/Encrypt 99 0 R /Root');
    const cases: readonly (readonly [string, Uint8Array, SafetyView['state'], string])[] = [
      ['vi-lenh.rtf', Buffer.from('{\\rtf1 {\\object\\objdata 00}}'), 'held', 'macros'],
      ['khoa.zip', zip('a.txt', Buffer.from('a'), 1), 'held', 'archive-encrypted'],
      ['sau.zip', deep, 'refused', 'archive-unsafe'],
      ['khoa.pdf', Buffer.from(locked, 'latin1'), 'held', 'pdf-encrypted'],
      [
        'dong.pdf',
        unicodePdf(prose, { catalog: '/OpenAction << /S /JavaScript /JS (x) >>' }),
        'held',
        'pdf-active',
      ],
      [
        'cu.pdf',
        Buffer.from(
          unicodePdf(prose)
            .toString('latin1')
            .replace(/%PDF-\d\.\d/, '%PDF-1.2'),
          'latin1',
        ),
        'passed',
        'pdf-version',
      ],
      ['ten.pdf', Buffer.from('chỉ là chữ'), 'passed', 'name-mismatch'],
      ['hoa-toc.pdf', unicodePdf([...prose, { text: 'HỎA TỐC', x: 60, y: 740 }]), 'passed', ''],
    ];
    for (const [name, bytes, state, code] of cases) {
      const { status, body } = await send(a, { name, bytes });
      t.equal(status, 202, `${name}: ${body.detail}`);
      const codes = (await checkedAs(a, body.documentId, state)).safety?.findings.map((one) => one.code);
      t.ok(code === '' ? codes?.length === 0 : codes?.includes(code as never), `${name}: ${codes}`);
    }
    fs.writeFileSync(join(a.dir, 'policy.conf'), '[kind document]\npart-bytes-max = 1 KiB\n');
    t.match((await send(a, { name: 'lon.txt', bytes: Buffer.alloc(2000, 'a') })).body, {
      code: 'file-refused',
      detail: /part-bytes-max/,
    });
    fs.rmSync(join(a.dir, 'policy.conf'));
  });

  await t.test(
    'the hub refuses what a dishonest node lets through, and ends what it finds later with a signed notice',
    async (t) => {
      const bare = await bareNode(hub.hub, 'H08.35.99');
      t.teardown(() => bare.close());
      const offer = async (subject: string, content: Uint8Array) => {
        const [made] = prepare(bare, [
          { to: [b.unit], metadata: { subject }, parts: [{ name: 'a.pdf', content }] },
        ]);
        const [result] = await bare.link.submit([made!.wrapper]);
        return {
          receipt: result!.receipt,
          code: result!.problem === '' ? '' : (JSON.parse(result!.problem) as Problem).code,
        };
      };
      t.match(await offer('Báo cáo MẬT', Buffer.from('x')), { code: 'secrecy-refused' });
      t.match(await offer('x', Buffer.from('MZ\x90\0')), { code: 'file-refused' });
      const taken = await offer('x', unicodePdf([...prose, { text: 'MẬT', x: 60, y: 740 }]));
      t.ok(taken.receipt.length > 0, 'taken over, and looked at while it waits');
      const notice = await eventually(async () => {
        const { items } = await pollOnce(bare);
        const statements = items.flatMap(({ statement }) =>
          statement ? [parseStatement(signedStatementCodec.decode(statement.statement)).statement] : [],
        );
        return statements.find(({ results }) => results.some(({ code }) => code === 'secrecy-refused'));
      });
      t.equal(notice.event, events.ContentHandoverFailure);
      t.match(
        hub.hub.store.reader.all('SELECT code FROM refusals ORDER BY id'),
        [{ code: 'secrecy-refused' }, { code: 'file-refused' }],
        'refusals are evidence',
      );
      await hub.hub.admin.act('unitDescribe', {
        unit: b.unit,
        documentBytesMax: 1000,
        nowMs: systemClock.nowMs(),
      });
      const { receipt } = await offer('x', Buffer.alloc(1001, 'a'));
      t.match(
        parseStatement(signedStatementCodec.decode(receipt)).statement.results,
        [{ code: 'part-too-large' }],
        'what the recipient takes is asked again here',
      );
      const told = await eventually(async () => {
        const { body } = await send(a, { name: 'lon.txt', bytes: Buffer.alloc(1001, 'a') });
        return body.code === 'part-too-large' ? body : undefined;
      });
      t.match(
        told,
        { detail: /H08\.35\.13 takes at most 1000 bytes/ },
        'and at the node before anything leaves',
      );
    },
  );
});

t.test('the dry run says what would become of files', async (t) => {
  const dir = temporaryDir('dry');
  const files = {
    'tot.pdf': unicodePdf(prose),
    'mat.pdf': unicodePdf([...prose, { text: 'MẬT', x: 60, y: 740 }]),
    'xau.conf': Buffer.from('[default]\nmacros: hold\n'),
  };
  for (const [name, bytes] of Object.entries(files)) fs.writeFileSync(join(dir, name), bytes);
  const good = await lienthong('policy', 'check', join(dir, 'tot.pdf'));
  t.equal(good.code, 0, good.err);
  const bad = await lienthong('policy', 'check', join(dir, 'mat.pdf'), '--json');
  t.equal(bad.code, 65);
  t.match(JSON.parse(bad.out), { action: 'refuse', findings: [{ code: 'secret-stamp', said: 'MẬT' }] });
  const shown = await lienthong('policy', 'show');
  t.match(shown.out, /macros +=/);
  const wrong = await lienthong('policy', 'show', '--file', join(dir, 'xau.conf'));
  t.equal(wrong.code, 78);
  t.match(wrong.err, /dòng 2/);
  fs.rmSync(dir, { recursive: true });
});

t.test('damaged inputs end in refusals: a few seconds of the fuzzer', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.comment(`seed ${seed}`);
  const { findings, rounds } = await runFuzz({ seconds: 4, seed });
  t.same(
    findings.map(({ input, ...finding }) => finding),
    [],
  );
  t.ok(rounds > 0);
});

t.test('every test that SAFETY.md names for a rule is there', (t) => {
  const text = fs.readFileSync(new URL('../docs/SAFETY.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| .+ \| `(test\/[a-z-]+\.test\.ts)` \| (.+) \|$/gm)];
  t.ok(rows.length > 25, `${rows.length} rows`);
  for (const [, file = '', title = ''] of rows)
    t.ok(
      fs.readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').includes(title),
      `${file}: ${title}`,
    );
  t.end();
});

// What the demo sends, and how it watches: real documents between all levels, every statement shown as it arrives, and at the end the proof that
// each part arrived byte for byte and that all evidence verifies offline.
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { DocumentView } from '../../edge-node/core.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { controlStream } from '../../protocol/node/control.ts';
import type { District, Office } from './district.ts';
import { exitOf } from './processes.ts';
import { makeLargePart, makeSamples, type Sample } from './samples.ts';

type Say = (line: string) => void;
type Key = Office['key'];

export type Sending = {
  readonly title: string;
  readonly from: Key;
  readonly to: readonly Key[];
  readonly urgency?: string;
  readonly files: readonly {
    readonly path: string;
    readonly name: string;
    readonly mediaType: string;
    readonly sha256: string;
    readonly lengthBytes: number;
  }[];
  readonly about: Partial<Sample> & { readonly subject: string };
};

export type Row = {
  readonly document: string;
  readonly documentId: string;
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly seconds: number;
  readonly bytesSame: boolean;
  readonly proofGood: boolean;
};

/** Public legal texts signed by a sample CA, the gazette's file whose signature is broken, and large generated parts. */
export async function prepareSendings(dir: string, largeBytes: readonly number[]): Promise<Sending[]> {
  const files = join(dir, 'mau');
  mkdirSync(files, { recursive: true });
  const samples = await makeSamples({ dir: files, nowMs: systemClock.nowMs() });
  const good = samples.filter(({ signatures }) => signatures === 'person+organisation');
  const broken = samples.filter(({ signatures }) => signatures === 'broken');
  const routes: readonly Pick<Sending, 'from' | 'to' | 'urgency'>[] = [
    { from: 'district', to: ['communeA', 'communeB', 'province'] },
    { from: 'communeA', to: ['communeB'], urgency: 'flash' },
    { from: 'communeA', to: ['district'] },
    { from: 'communeB', to: ['province'] },
  ];
  const sendings: Sending[] = good.map((sample, i) => ({
    ...routes[i % routes.length]!,
    title: sample.title,
    files: [fileOf(sample)],
    about: sample,
  }));
  for (const sample of broken)
    sendings.push({
      from: 'province',
      to: ['communeA'],
      title: `${sample.title} (chữ ký trong tệp đã hỏng)`,
      files: [fileOf(sample)],
      about: sample,
    });
  for (const [i, lengthBytes] of largeBytes.entries()) {
    const path = join(files, `du-lieu-${i + 1}.bin`);
    const { sha256 } = await makeLargePart({ file: path, lengthBytes, seed: `demo ${i}` });
    const megabytes = Math.round(lengthBytes / 1e6);
    sendings.push({
      title: `Hồ sơ ${megabytes} MB`,
      from: 'communeB',
      to: i % 2 === 0 ? ['communeA', 'district'] : ['province'],
      files: [
        {
          path,
          name: `Hồ sơ kèm theo ${i + 1}.bin`,
          mediaType: 'application/octet-stream',
          sha256,
          lengthBytes,
        },
      ],
      about: { subject: `Hồ sơ dung lượng lớn ${megabytes} MB` },
    });
  }
  return sendings;
}

function fileOf({ file, mediaType, sha256, lengthBytes, title }: Sample): Sending['files'][number] {
  return { path: file, name: `${title.replaceAll('/', '-')}.pdf`, mediaType, sha256, lengthBytes };
}

/** Hands every sending in at its office, follows it to its end and proves it. Returns one row per recipient. */
export async function play(district: District, sendings: readonly Sending[], say: Say): Promise<Row[]> {
  const rows = await Promise.all(
    sendings.map(async (sending) => {
      const office = district.offices[sending.from];
      const startedMs = systemClock.nowMs();
      const documentId = await handIn(office, sending, district);
      say(
        `${office.name} gửi "${sending.title}" tới ${sending.to.map((key) => district.offices[key].name).join(', ')}`,
      );
      const view = await follow(office, documentId, sending, say);
      return await Promise.all(
        view.envelopes[0]!.recipients.map((recipient) =>
          judge(district, { sending, office, documentId, recipient, startedMs }),
        ),
      );
    }),
  );
  return rows.flat();
}

async function handIn(office: Office, sending: Sending, district: District): Promise<string> {
  const parts = [];
  for (const file of sending.files) {
    const uploadId = await upload(office, file.path);
    parts.push({ name: file.name, mediaType: file.mediaType, uploadId });
  }
  const { about } = sending;
  const { documentId } = await office.running.ask<{ documentId: string }>('POST', '/v1/documents', {
    idempotencyKey: `demo ${sending.title} ${sending.from}`.slice(0, 200),
    recipients: sending.to.map((key) => district.offices[key].code),
    parts,
    subject: about.subject,
    ...(about.number ? { number: about.number } : {}),
    ...(about.notation ? { notation: about.notation } : {}),
    ...(about.type ? { type: about.type } : {}),
    ...(about.issueDate ? { issueDate: about.issueDate } : {}),
    ...(about.signer ? { signers: [{ name: about.signer.name, position: about.signer.title }] } : {}),
    ...(sending.urgency ? { urgency: sending.urgency } : {}),
  });
  return documentId;
}

async function upload(office: Office, path: string): Promise<string> {
  return await controlStream(
    office.running.dir,
    {
      method: 'POST',
      path: '/v1/uploads',
      headers: { 'content-type': 'application/octet-stream' },
      body: createReadStream(path),
    },
    async ({ body }) => (JSON.parse(await textOf(body)) as { uploadId: string }).uploadId,
  );
}

const finalStates: readonly string[] = ['delivered', 'refused', 'expired', 'undeliverable', 'cancelled'];
const patienceMs = 300_000;

/** Shows each new statement; ends when every recipient has one that is final. */
async function follow(office: Office, documentId: string, sending: Sending, say: Say): Promise<DocumentView> {
  const seen = new Set<string>();
  const untilMs = systemClock.monotonicMs() + patienceMs;
  for (;;) {
    const view = await office.running.ask<DocumentView>('GET', `/v1/documents/${documentId}`);
    for (const { name, timeline } of view.envelopes[0]!.recipients)
      for (const event of timeline) {
        const key = `${name} ${event.event} ${event.atMs} ${event.by}`;
        if (seen.has(key)) continue;
        seen.add(key);
        say(`  "${sending.title}" → ${name}: ${event.words.vi} (${event.event}, ${event.byName})`);
      }
    if (view.envelopes[0]!.recipients.every(({ state }) => finalStates.includes(state))) return view;
    if (systemClock.monotonicMs() > untilMs) return view;
    await systemClock.sleep(100);
  }
}

async function judge(
  district: District,
  of: {
    sending: Sending;
    office: Office;
    documentId: string;
    recipient: DocumentView['envelopes'][number]['recipients'][number];
    startedMs: number;
  },
): Promise<Row> {
  const { sending, office, documentId, recipient, startedMs } = of;
  const receiver = Object.values(district.offices).find(({ code }) => code === recipient.code)!;
  const last = recipient.timeline.at(-1)?.atMs ?? startedMs;
  return {
    document: sending.title,
    documentId,
    from: office.name,
    to: recipient.name,
    state: recipient.state,
    seconds: Math.max(0, last - startedMs) / 1000,
    bytesSame: recipient.state === 'delivered' && (await bytesSame(receiver, documentId, sending)),
    proofGood: await proofGood(district, office, documentId),
  };
}

/** Reads every part back from the receiving node and compares its SHA-256 with the file that was handed in. */
async function bytesSame(receiver: Office, documentId: string, sending: Sending): Promise<boolean> {
  for (const [index, { sha256 }] of sending.files.entries()) {
    const found = await whenChecked(() =>
      controlStream(
        receiver.running.dir,
        { method: 'GET', path: `/v1/inbox/${documentId}/parts/${index}` },
        async ({ body }) => await digestOf(body),
      ),
    );
    if (found !== sha256) return false;
  }
  return true;
}

/** An arrival is read only after its check, which takes its time. */
export async function whenChecked<T>(read: () => Promise<T>): Promise<T> {
  const untilMs = systemClock.monotonicMs() + patienceMs;
  for (;;)
    try {
      return await read();
    } catch (error) {
      if (!isExchangeError(error, 'document-held') || systemClock.monotonicMs() > untilMs) throw error;
      await systemClock.sleep(100);
    }
}

async function digestOf(body: Readable): Promise<string> {
  const hasher = createHash('sha256');
  for await (const chunk of body) hasher.update(chunk as Buffer);
  return hasher.digest('hex');
}

/** Writes the proof file and has it verified by the offline command, which sees nothing but the file and the root. */
async function proofGood(district: District, office: Office, documentId: string): Promise<boolean> {
  const file = join(district.dir, 'bang-chung', `${documentId}.ltproof`);
  mkdirSync(join(district.dir, 'bang-chung'), { recursive: true });
  const bytes = await controlStream(
    office.running.dir,
    { method: 'GET', path: `/v1/documents/${documentId}/proof` },
    async ({ body }) => Buffer.concat(await Readable.from(body).toArray()),
  );
  writeFileSync(file, bytes);
  const { code } = await exitOf(['verify', file, '--root', district.root, '--json']);
  return code === 0;
}

async function textOf(body: Readable): Promise<string> {
  return Buffer.concat(await Readable.from(body).toArray()).toString();
}

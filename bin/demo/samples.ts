// Makes the documents the demo sends: signed PDFs set from public legal texts, a gazette's PDF whose signature no longer
// matches, and large parts of any length. The files can be made again at any time, so they are written without ceremony of
// durability; never write an office's document this way. Stands before the document's path: these are what a clerk submits.
import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeSampleCa, type SampleCa, type SampleSigner } from './sample-ca.ts';
import { makeSamplePdf, parseSampleText, type SampleText } from './sample-pdf.ts';
import { addSignature } from './sample-sign.ts';

/** One document: where it is, what its register entry says, and what a check of its signatures should find. */
export type Sample = {
  /** Absolute when `dir` is. */
  file: string;
  mediaType: 'application/pdf';
  /** What a clerk calls it: type, number and notation. */
  title: string;
  number: string;
  notation: string;
  type: string;
  /** YYYY-MM-DD in Vietnam's zone. */
  issueDate: string;
  subject: string;
  signer: { name: string; title: string };
  lengthBytes: number;
  /** Lower-case hex. */
  sha256: string;
  signatures: 'person+organisation' | 'broken' | 'none';
};

/** The sample authority's root, written beside the documents for a check that wants a trust anchor. */
export const SAMPLE_ROOT_FILE = 'ca-mau.pem';

const TEXTS = ['quyet-dinh-2317', 'thong-bao-45', 'cong-van-112', 'quyet-dinh-78'];
const textPath = (name: string): string => fileURLToPath(new URL(`./texts/${name}`, import.meta.url));
const GAZETTE = {
  number: '28',
  notation: '2018/QĐ-TTg',
  type: 'Quyết định',
  issueDate: '2018-07-12',
  subject: 'Về việc gửi, nhận văn bản điện tử giữa các cơ quan trong hệ thống hành chính nhà nước',
  signer: { name: 'Nguyễn Xuân Phúc', title: 'Thủ tướng' },
};

type Entry = Pick<Sample, 'number' | 'notation' | 'type' | 'issueDate' | 'subject' | 'signer'>;

async function put(
  file: string,
  bytes: Uint8Array,
  entry: Entry,
  signatures: Sample['signatures'],
): Promise<Sample> {
  await writeFile(file, bytes);
  return {
    file,
    mediaType: 'application/pdf',
    title: `${entry.type} ${entry.number}/${entry.notation}`,
    ...entry,
    lengthBytes: bytes.byteLength,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    signatures,
  };
}

const vietnamDate = (ms: number): string => new Date(ms + 7 * 3_600_000).toISOString().slice(0, 10);

type Signers = { person: Promise<SampleSigner>; organisation: Promise<SampleSigner> };

/** Issues each person and each organisation once, however many documents they sign. */
function signersOf(ca: SampleCa): (text: SampleText) => Signers {
  const issued = new Map<string, Signers>();
  return (text) => {
    const known = issued.get(text.organisation);
    if (known) return known;
    const { organisation, signer, title } = text;
    const signers = {
      person: ca.issue({ commonName: signer, organisation, title }),
      organisation: ca.issue({ commonName: organisation, organisation }),
    };
    issued.set(organisation, signers);
    return signers;
  };
}

async function makeSigned(file: string, text: SampleText, signers: Signers, nowMs: number): Promise<Sample> {
  const { bytes, place } = await makeSamplePdf(text, { nowMs });
  const pageIndex = place.pageIndex;
  const byPerson = await addSignature(bytes, await signers.person, {
    role: 'person',
    pageIndex,
    rect: place.person,
    nowMs,
  });
  // The organisation signs after the person, here a minute later (Decree 30/2020, article 14).
  const byBoth = await addSignature(byPerson, await signers.organisation, {
    role: 'organisation',
    pageIndex,
    rect: place.organisation,
    nowMs: nowMs + 60_000,
  });
  const { number, notation, type, issueDate, subject } = text;
  const entry = {
    number,
    notation,
    type,
    issueDate,
    subject,
    signer: { name: text.signer, title: text.title },
  };
  return put(file, byBoth, entry, 'person+organisation');
}

/**
 * Writes four signed documents, the gazette's PDF and the sample root into `dir` (made if absent; files are overwritten).
 * Signing keys are fresh on every call and forgotten after it; everything else follows from the texts and `nowMs`.
 * `gazettePdf` is the path of another copy of decision 28/2018/QĐ-TTg; without it the copy beside the texts is taken.
 */
export async function makeSamples(options: {
  dir: string;
  nowMs: number;
  gazettePdf?: string;
}): Promise<Sample[]> {
  const { dir, nowMs } = options;
  await mkdir(dir, { recursive: true });
  const ca = await makeSampleCa({ nowMs });
  const signers = signersOf(ca);
  const texts: { name: string; text: SampleText; signers: Signers }[] = [];
  for (const name of TEXTS) {
    const text = parseSampleText(await readFile(textPath(`${name}.txt`), 'utf8'));
    if (!text.issueDate) text.issueDate = vietnamDate(nowMs);
    texts.push({ name, text, signers: signers(text) });
  }
  const samples: Sample[] = [];
  for (const { name, text, signers } of texts) {
    samples.push(await makeSigned(join(dir, `${name}.pdf`), text, signers, nowMs));
  }
  const gazettePdf = options.gazettePdf ?? textPath('28-2018-qd-ttg.pdf');
  samples.push(await put(join(dir, basename(gazettePdf)), await readFile(gazettePdf), GAZETTE, 'broken'));
  await writeFile(join(dir, SAMPLE_ROOT_FILE), ca.rootPem);
  return samples;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * Writes `lengthBytes` of an AES-256-CTR key stream keyed by `seed`: the same bytes for the same seed, and nothing a compressor
 * can shorten. Memory does not grow with the length. Overwrites `file`; returns its SHA-256 in lower-case hex.
 */
export async function makeLargePart(options: {
  file: string;
  lengthBytes: number;
  seed: string;
}): Promise<{ sha256: string; lengthBytes: number }> {
  const key = createHash('sha256').update(`lienthong sample part ${options.seed}`).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK_BYTES);
  const hash = createHash('sha256');
  const handle = await open(options.file, 'w');
  try {
    for (let left = options.lengthBytes; left > 0; left -= CHUNK_BYTES) {
      const chunk = cipher.update(left < CHUNK_BYTES ? zeros.subarray(0, left) : zeros);
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('hex'), lengthBytes: options.lengthBytes };
}

// Looks through a ZIP (office files are ZIPs) without writing anything: what comes out is counted, what the archive says of itself is compared
// with it, archives inside archives are opened to a depth. Runs where a stranger's bytes may run (the inspection process). No member name
// is ever a path; no length of the archive decides how much memory is spent.
import { crc32 } from 'node:zlib';
import { nameFault } from '../../names.ts';
import { createInflating } from './inflate.ts';
import { sniffType } from './types.ts';
import { localHeader, zipMarks } from './zip-records.ts';

/** Random access to the bytes of one file; fewer bytes only where it ends. */
export type ByteReader = { readonly sizeBytes: number; read(at: number, lengthBytes: number): Buffer };

export type ArchiveBounds = {
  readonly depthMax: number;
  readonly membersMax: number;
  /** All that comes out, over all depths. */
  readonly bytesMax: number;
  readonly ratioMax: number;
};
export type ArchiveFinding = {
  readonly code: 'archive-encrypted' | 'archive-unsafe' | 'archive-unread' | 'executable' | 'macros';
  /** Which member, by its place, and why; never trusted text in front. */
  readonly said: string;
};

/** Growth is looked at once this much came out. */
const ratioFromBytes = 8 * 1024 * 1024;
/** A member that is an archive itself is held in memory for its directory. */
const nestedBytesMax = 64 * 1024 * 1024;
const directoryBytesMax = 64 * 1024 * 1024;
const sliceBytes = 16 * 1024;
/** Findings kept; the first ones tell. */
const findingsMax = 40;
const headBytes = 8192;

class Unsafe extends Error {}
class Unread extends Error {}

type Member = {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly at: number;
  /** Unix mode of the external attributes; 0 where another system made it. */
  readonly mode: number;
};

type Walk = {
  readonly bounds: ArchiveBounds;
  members: number;
  bytes: number;
  readonly found: ArchiveFinding[];
};

/** Never throws for what is in the archive. Stops at the first thing that is unsafe: there is nothing more to learn. */
export async function inspectZip(
  reader: ByteReader,
  bounds: ArchiveBounds,
): Promise<readonly ArchiveFinding[]> {
  const walk: Walk = { bounds, members: 0, bytes: 0, found: [] };
  await level(reader, 1, '', walk);
  return walk.found;
}

function note(walk: Walk, code: ArchiveFinding['code'], said: string): void {
  if (walk.found.length < findingsMax) walk.found.push({ code, said: said.slice(0, 200) });
}

/** False: stop altogether. */
async function level(reader: ByteReader, depth: number, where: string, walk: Walk): Promise<boolean> {
  try {
    const members = directory(reader, walk);
    assertNames(members);
    assertApart(members, reader);
    for (const [i, member] of members.entries())
      if (!(await one(reader, member, { depth, where: `${where}#${i + 1}`, walk }))) return false;
    return true;
  } catch (error) {
    if (error instanceof Unsafe) {
      note(walk, 'archive-unsafe', `${where}${where && ': '}${error.message}`);
      return false;
    }
    if (!(error instanceof Unread)) throw error;
    note(walk, 'archive-unread', `${where}${where && ': '}${error.message}`);
    return true;
  }
}

/** The members that the central directory names. */
function directory(reader: ByteReader, walk: Walk): Member[] {
  const tailAt = Math.max(0, reader.sizeBytes - 66_000);
  const tail = reader.read(tailAt, reader.sizeBytes - tailAt);
  const endAt = tail.lastIndexOf(Buffer.from('504b0506', 'hex'));
  if (endAt < 0 || endAt + 22 > tail.length) throw new Unread('no end record');
  let count = tail.readUInt16LE(endAt + 10);
  let sizeBytes = tail.readUInt32LE(endAt + 12);
  let at = tail.readUInt32LE(endAt + 16);
  if (count === 0xffff || sizeBytes === 0xffffffff || at === 0xffffffff) {
    const locator = endAt - 20;
    if (locator < 0 || tail.readUInt32LE(locator) !== 0x07064b50)
      throw new Unread('a ZIP64 record is missing');
    const record = reader.read(Number(tail.readBigUInt64LE(locator + 8)), 56);
    if (record.length < 56 || record.readUInt32LE(0) !== 0x06064b50)
      throw new Unread('a ZIP64 record is damaged');
    [count, sizeBytes, at] = [32, 40, 48].map((field) => Number(record.readBigUInt64LE(field))) as [
      number,
      number,
      number,
    ];
  }
  if (walk.members + count > walk.bounds.membersMax)
    throw new Unsafe(`more than ${walk.bounds.membersMax} members`);
  if (sizeBytes > directoryBytesMax) throw new Unsafe('the directory is too large');
  // Bytes in front of the archive (a self-extracting head) shift every offset.
  const shift = tailAt + endAt - (count === 0 ? tailAt + endAt : at + sizeBytes);
  if (count > 0 && shift > 0 && reader.read(at, 4).readUInt32LE?.(0) !== zipMarks.central) at += shift;
  const bytes = reader.read(at, sizeBytes);
  const members: Member[] = [];
  for (let here = 0; members.length < count; ) {
    if (here + 46 > bytes.length || bytes.readUInt32LE(here) !== zipMarks.central)
      throw new Unread('the directory is damaged');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) =>
      bytes.readUInt16LE(here + field),
    ) as [number, number, number];
    members.push(memberAt(bytes, here, nameBytes, extraBytes));
    here += 46 + nameBytes + extraBytes + commentBytes;
  }
  walk.members += count;
  return members;
}

function memberAt(bytes: Buffer, here: number, nameBytes: number, extraBytes: number): Member {
  const long = (field: number): number => bytes.readUInt32LE(here + field);
  const sizes = [long(24), long(20), long(42)] as [number, number, number];
  // ZIP64: what stands as all ones follows in the extra field, in this order.
  const extra = bytes.subarray(here + 46 + nameBytes, here + 46 + nameBytes + extraBytes);
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let from = at + 4;
    for (const i of [0, 1, 2] as const)
      if (sizes[i] === 0xffffffff && from + 8 <= extra.length) {
        sizes[i] = Number(extra.readBigUInt64LE(from));
        from += 8;
      }
  }
  const unix = bytes.readUInt8(here + 5) === 3;
  return {
    name: bytes.subarray(here + 46, here + 46 + nameBytes).toString('utf8'),
    flags: bytes.readUInt16LE(here + 8),
    method: bytes.readUInt16LE(here + 10),
    crc: long(16),
    packedBytes: sizes[1],
    bytes: sizes[0],
    at: sizes[2],
    mode: unix ? long(38) >>> 16 : 0,
  };
}

/** Names that lead out, links, and names that would overwrite one another when somebody unpacks. */
function assertNames(members: readonly Member[]): void {
  const seen = new Set<string>();
  for (const { name, mode } of members) {
    if ((mode & 0o170000) === 0o120000) throw new Unsafe('a symbolic link');
    const path = name.replaceAll('\\', '/');
    if (
      path.startsWith('/') ||
      /^[A-Za-z]:/.test(path) ||
      path.split('/').includes('..') ||
      name.includes('\0')
    )
      throw new Unsafe('a path that leads out of the folder');
    const last = path.replace(/\/$/, '').split('/').at(-1)!;
    const fault = nameFault(last.normalize('NFC'));
    if (fault === 'contains an invisible or direction-changing character')
      throw new Unsafe(`a name ${fault}`);
    const folded = path.normalize('NFKC').toLowerCase();
    if (seen.has(folded)) throw new Unsafe('two members of the same name');
    seen.add(folded);
  }
}

/** Members that share bytes are a bomb (Fifield): each must have its own place. */
function assertApart(members: readonly Member[], reader: ByteReader): void {
  const places = members
    .map(({ at, packedBytes, name }) => ({ from: at, to: at + 30 + Buffer.byteLength(name) + packedBytes }))
    .sort((a, b) => a.from - b.from);
  for (const [i, { from, to }] of places.entries()) {
    if (to > reader.sizeBytes) throw new Unread('a member goes on behind the end of the archive');
    if (i > 0 && from < places[i - 1]!.to) throw new Unsafe('members overlap');
  }
}

const macroNames =
  /(^|\/)(vbaProject\.bin|xl\/macrosheets\/|Basic\/script-lb\.xml|Basic\/[^/]+\/[^/]+\.xml)/i;

async function one(
  reader: ByteReader,
  member: Member,
  { depth, where, walk }: { depth: number; where: string; walk: Walk },
): Promise<boolean> {
  if (member.name.endsWith('/')) return true;
  if (macroNames.test(member.name)) note(walk, 'macros', where);
  if ((member.flags & 1) !== 0) {
    note(walk, 'archive-encrypted', where);
    return true;
  }
  const header = localHeader(reader.read(member.at, 30 + 65_535 + 65_535));
  if (!header || reader.read(member.at, 4).readUInt32LE(0) !== zipMarks.local)
    throw new Unread('a member is not where the directory says');
  if (header.member !== member.name || header.method !== member.method)
    throw new Unsafe('directory and member differ');
  if (member.method !== 0 && member.method !== 8) {
    note(walk, 'archive-unread', `${where}: compression method ${member.method}`);
    return true;
  }
  const out = await unpack(reader, member, header.headerBytes, { depth, walk });
  const type = sniffType(out.head);
  if (type.dangerous && type.mediaType !== 'text/html')
    note(walk, 'executable', `${where} ${type.mediaType}`);
  if (!isZip(out.head)) return true;
  if (depth >= walk.bounds.depthMax)
    throw new Unsafe(`archives inside archives deeper than ${walk.bounds.depthMax}`);
  if (!out.whole) {
    note(walk, 'archive-unread', `${where}: an archive inside of more than ${nestedBytesMax} bytes`);
    return true;
  }
  const whole = out.whole;
  const inner = {
    sizeBytes: whole.length,
    read: (at: number, length: number) => whole.subarray(at, at + length),
  };
  return await level(inner, depth + 1, where, walk);
}

const isZip = (head: Buffer): boolean => head.length >= 4 && head.readUInt32LE(0) === zipMarks.local;

type Unpacked = { readonly head: Buffer; readonly whole: Buffer | undefined };

/** Counts what comes out; keeps the first 8 KiB, and all of it where the member is an archive itself. */
async function unpack(
  reader: ByteReader,
  member: Member,
  headerBytes: number,
  { depth, walk }: { depth: number; walk: Walk },
): Promise<Unpacked> {
  const { bounds } = walk;
  let came = 0;
  let crc = 0;
  let head = Buffer.alloc(0);
  let kept: Buffer[] | undefined;
  let keptBytes = 0;
  const take = (piece: Buffer): void => {
    came += piece.length;
    walk.bytes += piece.length;
    if (came > member.bytes) throw new Unsafe('a member is larger than it says');
    if (walk.bytes > bounds.bytesMax) throw new Unsafe(`more than ${bounds.bytesMax} bytes come out`);
    if (came > ratioFromBytes && came > member.packedBytes * bounds.ratioMax)
      throw new Unsafe(`grows more than ${bounds.ratioMax} times`);
    crc = crc32(piece, crc);
    if (head.length < headBytes) {
      head = Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
      if (kept === undefined && isZip(head) && depth < bounds.depthMax) kept = [];
    }
    if (kept === undefined) return;
    keptBytes += piece.length;
    if (keptBytes <= nestedBytesMax) kept.push(Buffer.from(piece));
  };
  const from = member.at + headerBytes;
  if (member.method === 0) {
    if (member.packedBytes !== member.bytes) throw new Unsafe('a stored member says two sizes');
    for (let at = 0; at < member.bytes; at += sliceBytes)
      take(reader.read(from + at, Math.min(sliceBytes, member.bytes - at)));
  } else await inflate(reader, { from, bytes: member.packedBytes }, take);
  if (came !== member.bytes) throw new Unsafe('a member is smaller than it says');
  if (crc !== member.crc) throw new Unread('a checksum does not match');
  return { head, whole: kept !== undefined && keptBytes <= nestedBytesMax ? Buffer.concat(kept) : undefined };
}

async function inflate(
  reader: ByteReader,
  packed: { readonly from: number; readonly bytes: number },
  take: (piece: Buffer) => void,
): Promise<void> {
  const inflater = createInflating(() => new Unread('compressed data is damaged'));
  try {
    for (let at = 0; at < packed.bytes; at += sliceBytes) {
      const { out, ended } = await inflater.push(
        Buffer.from(reader.read(packed.from + at, Math.min(sliceBytes, packed.bytes - at))),
      );
      for (const piece of out) take(piece);
      if (ended) return;
    }
  } finally {
    inflater.close();
  }
}

// The records of a ZIP file (APPNOTE 4.3) as far as both programs read them. Pure. A length or name in them is somebody's claim: readers count
// what really comes out, and no member name is ever used as a path.

export const zipMarks = {
  local: 0x04034b50,
  descriptor: 0x08074b50,
  central: 0x02014b50,
  end: 0x06054b50,
} as const;

export type LocalHeader = {
  readonly member: string;
  readonly flags: number;
  readonly method: number;
  readonly compressedBytes: number;
  readonly headerBytes: number;
};
/** undefined: more bytes are needed (30, then the name). Assumes the magic bytes. */
export function localHeader(bytes: Buffer): LocalHeader | undefined {
  if (bytes.length < 30) return undefined;
  const nameBytes = bytes.readUInt16LE(26);
  const headerBytes = 30 + nameBytes + bytes.readUInt16LE(28);
  if (bytes.length < headerBytes) return undefined;
  return {
    member: bytes.subarray(30, 30 + nameBytes).toString('utf8'),
    flags: bytes.readUInt16LE(6),
    method: bytes.readUInt16LE(8),
    compressedBytes: bytes.readUInt32LE(18),
    headerBytes,
  };
}

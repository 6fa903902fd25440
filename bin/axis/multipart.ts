// Reads one multipart/form-data body as it comes: small fields are kept, the bytes of one file go to a sink. Constant memory.
// Of the stand-in axis only; bounds are those of a practice server.

const FIELD_BYTES_MAX = 64 * 1024;

export type Multipart = {
  readonly fields: Readonly<Record<string, string>>;
  readonly file: string | undefined;
};

export class MultipartError extends Error {}

/** `onFile` gets every piece of the first part that has a filename. */
export async function readMultipart(
  contentType: string,
  body: AsyncIterable<Uint8Array>,
  onFile: (piece: Buffer) => Promise<void> | void,
): Promise<Multipart> {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!boundary) throw new MultipartError('no boundary');
  const mark = Buffer.from(`\r\n--${boundary}`);
  const fields: Record<string, string> = {};
  let file: string | undefined;
  // The first mark has no line end before it.
  let held: Buffer = Buffer.from('\r\n');
  let part: { name: string; isFile: boolean; text: Buffer[]; bytes: number } | undefined;
  let ended = false;

  const give = async (piece: Buffer): Promise<void> => {
    if (!part || piece.length === 0) return;
    if (part.isFile) return await onFile(piece);
    part.bytes += piece.length;
    if (part.bytes > FIELD_BYTES_MAX) throw new MultipartError('a field is too long');
    part.text.push(piece);
  };
  const close = (): void => {
    if (part && !part.isFile) fields[part.name] = Buffer.concat(part.text).toString('utf8');
    part = undefined;
  };
  const open = (head: string): void => {
    const disposition = /content-disposition:([^\r\n]*)/i.exec(head)?.[1] ?? '';
    const name = /name="([^"]*)"/.exec(disposition)?.[1] ?? '';
    const isFile = /filename=/.test(disposition);
    if (isFile) {
      if (file !== undefined) throw new MultipartError('two files');
      file = name;
    }
    part = { name, isFile, text: [], bytes: 0 };
  };
  /** False: more bytes are needed. */
  const step = async (): Promise<boolean> => {
    const at = held.indexOf(mark);
    if (at < 0) {
      const safe = held.length - mark.length - 4;
      if (safe <= 0) return false;
      await give(held.subarray(0, safe));
      held = Buffer.from(held.subarray(safe));
      return false;
    }
    const after = at + mark.length;
    if (held.length < after + 2) return false;
    if (held.subarray(after, after + 2).toString() === '--') {
      await give(held.subarray(0, at));
      close();
      ended = true;
      return false;
    }
    const headEnd = held.indexOf('\r\n\r\n', after);
    if (headEnd < 0) {
      if (held.length - after > FIELD_BYTES_MAX)
        throw new MultipartError('a part without an end of its head');
      return false;
    }
    await give(held.subarray(0, at));
    close();
    open(held.subarray(after, headEnd).toString('utf8'));
    held = Buffer.from(held.subarray(headEnd + 4));
    return true;
  };

  for await (const piece of body) {
    if (ended) continue;
    held = Buffer.concat([held, piece]);
    while (!ended && (await step()));
  }
  if (!ended) throw new MultipartError('cut off');
  return { fields, file };
}

// One file as multipart/form-data, streaming, with its whole length known before the first byte (RFC 7578). For the connectors' uploads.
import { randomBytes } from 'node:crypto';

export type MultipartField = { readonly name: string; readonly value: string };

/** `filename` must be plain ASCII; `open` gives `lengthBytes` bytes. */
export function multipartFile(file: {
  readonly name: string;
  readonly filename: string;
  /** Default application/octet-stream. */
  readonly contentType?: string;
  readonly lengthBytes: number;
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly fields?: readonly MultipartField[];
}): {
  readonly contentType: string;
  readonly lengthBytes: number;
  readonly body: AsyncGenerator<Uint8Array>;
} {
  const boundary = `----lienthong${randomBytes(16).toString('hex')}`;
  const fields = (file.fields ?? [])
    .map(
      ({ name, value }) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    .join('');
  const head = Buffer.from(
    `${fields}--${boundary}\r\nContent-Disposition: form-data; name="${file.name}"; filename="${file.filename}"\r\nContent-Type: ${file.contentType ?? 'application/octet-stream'}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    lengthBytes: head.length + file.lengthBytes + tail.length,
    body: (async function* () {
      yield head;
      yield* file.open();
      yield tail;
    })(),
  };
}

// PEM in and out. Every text ends in a newline, so that texts can be joined ("bad end line" otherwise).
// It must never guess: another label or anything that is not base64 is refused. Pure.
import { ExchangeError } from '../protocol/errors.ts';

export function derToPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** A certificate as PEM text. */
export const certificatePem = (der: Uint8Array): string => derToPem('CERTIFICATE', der);

/** The one block of this label in `text`, which holds nothing else. Throws `certificate-malformed`. */
export function pemToDer(label: string, text: string): Uint8Array {
  const match = /^\s*-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----\s*$/.exec(text);
  if (match?.[1] !== label) throw new ExchangeError('certificate-malformed', `no PEM text of a ${label}`);
  return Buffer.from(match[2] ?? '', 'base64');
}

/** Throws `certificate-malformed`. */
export const certificateDer = (pem: string): Uint8Array => pemToDer('CERTIFICATE', pem);

/** Every block of `label` in `text`, in order; other text is passed over. Throws `certificate-malformed` for one that is not base64. */
export function pemBlocks(label: string, text: string): readonly Uint8Array[] {
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  return text
    .split(begin)
    .slice(1)
    .map((rest) => {
      const [body, ...more] = rest.split(end);
      if (more.length === 0 || !/^[A-Za-z0-9+/=\s]+$/.test(body!))
        throw new ExchangeError('certificate-malformed', `a damaged ${label}`);
      return Buffer.from(body!, 'base64');
    });
}

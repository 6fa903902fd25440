// Why a chain of any authority is not accepted: one closed list, each with its clause. `unsupported` is what this program does not judge; it is
// refused too, and counted apart, so that nobody takes our silence for a verdict. Words for people are in bin/certs/words.ts.

export const refusalCodes = {
  malformed: 'RFC 5280 §4.1',
  'too-large': 'bounds of this program',
  'unknown-issuer': 'RFC 5280 §6.1.3 (a)(4)',
  'signature-invalid': 'RFC 5280 §6.1.3 (a)(1)',
  'algorithm-refused': 'policy of this program: SHA-256 or stronger',
  'algorithm-unsupported': 'RFC 5280 §6.1.3 (a)(1)',
  'key-refused': 'policy of this program: RSA of 2048 bits or more, named curves',
  'not-yet-valid': 'RFC 5280 §6.1.3 (a)(2)',
  expired: 'RFC 5280 §6.1.3 (a)(2)',
  revoked: 'RFC 5280 §6.1.3 (a)(3)',
  'issuer-not-ca': 'RFC 5280 §6.1.4 (k)',
  'issuer-key-usage': 'RFC 5280 §6.1.4 (n)',
  'path-too-long': 'RFC 5280 §6.1.4 (l)(m)',
  'name-not-permitted': 'RFC 5280 §6.1.3 (b)(c)',
  'name-form-unsupported': 'RFC 5280 §4.2.1.10',
  'too-many-names': 'bounds of this program',
  'critical-extension': 'RFC 5280 §6.1.4 (o), §6.1.5 (f)',
  policy: 'RFC 5280 §6.1.3 (f), §6.1.5 (g); RFC 9618',
  purpose: 'RFC 5280 §4.2.1.12',
  'key-usage': 'RFC 5280 §4.2.1.3',
  profile: 'profiles of this system (PROTOCOL.md)',
  'crl-missing': 'RFC 5280 §6.3.3',
  'crl-not-yet-valid': 'RFC 5280 §6.3.3 (a)',
  'crl-expired': 'RFC 5280 §6.3.3 (a)',
  'crl-signature-invalid': 'RFC 5280 §6.3.3 (g)',
  'crl-issuer': 'RFC 5280 §6.3.3 (b)(1), (f)',
  'crl-scope': 'RFC 5280 §6.3.3 (b)(2), (d)',
  'crl-unsupported': 'RFC 5280 §5.2, §5.3',
} as const;
export type RefusalCode = keyof typeof refusalCodes;

const unsupported: ReadonlySet<RefusalCode> = new Set([
  'algorithm-unsupported',
  'name-form-unsupported',
  'critical-extension',
  'crl-unsupported',
]);

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  readonly detail: string;
  /** Subject of the certificate (or issuer of the list) that it is about, where one is. */
  readonly about: string;
  constructor(code: RefusalCode, detail = '', about = '') {
    super(`${code}${detail ? `: ${detail}` : ''}`);
    this.code = code;
    this.detail = detail;
    this.about = about;
  }
  get unsupported(): boolean {
    return unsupported.has(this.code);
  }
  get clause(): string {
    return refusalCodes[this.code];
  }
}

/** The refusal in `error`, or `error` thrown on: a fault of this program is never a verdict. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  throw error;
}

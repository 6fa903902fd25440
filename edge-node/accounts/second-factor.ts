// The second factor: time-based codes (RFC 6238, SHA-1, 6 digits, 30 s: what every authenticator app reads). The only door of otpauth.
// Must never accept a time step twice: a code that was watched over a shoulder is worth nothing.
import { Secret, TOTP } from 'otpauth';

const periodS = 30;
/** One step either way: half a minute of a phone's clock being off. */
const windowSteps = 1;

const totpOf = (secret: string, label = ''): TOTP =>
  new TOTP({
    issuer: 'Liên thông',
    label,
    algorithm: 'SHA1',
    digits: 6,
    period: periodS,
    secret: Secret.fromBase32(secret),
  });

/** base32 of 160 random bits, and the address that an app takes over (as text or as a QR code). */
export function newSecondFactor(email: string): { readonly secret: string; readonly uri: string } {
  const secret = new Secret({ size: 20 }).base32;
  return { secret, uri: totpOf(secret, email).toString() };
}

/** The time step that the code is of, above `afterStep`; undefined for a wrong or used code. */
export function secondFactorStep(
  code: string,
  secret: string,
  at: { readonly nowMs: number; readonly afterStep: number },
): number | undefined {
  const token = code.replace(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return undefined;
  const delta = totpOf(secret).validate({ token, timestamp: at.nowMs, window: windowSteps });
  if (delta === null) return undefined;
  const step = Math.floor(at.nowMs / 1000 / periodS) + delta;
  return step > at.afterStep ? step : undefined;
}

/** For tests and for a person's own app. */
export const secondFactorCode = (secret: string, nowMs: number): string =>
  totpOf(secret).generate({ timestamp: nowMs });

// The standard revocation lists (RFC 5280 §5) of this hub's issuing CAs, for programs outside this system: one file with the list of each
// CA, the present one first. Our own decisions never read it (certs/trust.ts asks the directory), so that a list that has ended locks
// out nobody. Made anew after every revocation and once a day; must never name a certificate under another CA than its own.
import { join } from 'node:path';
import { type Certificate, parseCertificate } from '../certs/certificate.ts';
import { buildCrl, type RevokedEntry } from '../certs/crl.ts';
import type { OwnKey } from '../certs/keys.ts';
import type { Clock } from '../protocol/node/clock.ts';
import { writeFileDurable } from '../protocol/node/durable.ts';
import type { Database } from '../protocol/node/sqlite.ts';
import type { HubIdentity } from './identity.ts';

const DAY_MS = 86_400_000;
/** Longer than a holiday, so that those who fetch it daily are never without; shorter ends a forgotten copy sooner. */
const LIFE_MS = 10 * DAY_MS;

export type RevocationLists = {
  /** PEM, label `X509 CRL`, one block for each CA. */
  pem(): string;
  /** Writes DIR/crl.pem when what it should say has changed. */
  tend(): void;
};

type Row = { serial: string; der: Uint8Array; revoked_from_ms: number; revoked_ms: number | null };
type Made = { readonly pem: string; readonly of: string; readonly atMs: number };

export function createRevocationLists(deps: {
  readonly dir: string;
  readonly db: Database;
  readonly identity: () => HubIdentity;
  readonly revocationNumber: () => number;
  readonly clock: Clock;
}): RevocationLists {
  const { dir, db, identity, clock } = deps;
  let made: Made | undefined;
  let written: Made | undefined;
  /** Serial → key id of the CA that gave it: reading a certificate takes 60 µs, and a list may have 10,000. */
  const issuerOf = new Map<string, string>();

  function entriesOf(issuers: readonly Certificate[]): Map<string, RevokedEntry[]> {
    const byIssuer = new Map<string, RevokedEntry[]>();
    const rows = db.all<Row>(
      'SELECT serial, der, revoked_from_ms, revoked_ms FROM certificates WHERE revoked_from_ms IS NOT NULL ORDER BY serial',
    );
    for (const { serial, der, revoked_from_ms: fromMs, revoked_ms: revokedMs } of rows) {
      let issuer = issuerOf.get(serial);
      if (issuer === undefined) {
        const { x509 } = parseCertificate(der);
        issuer = issuers.find((ca) => x509.checkIssued(ca.x509))?.keyId ?? '';
        issuerOf.set(serial, issuer);
      }
      const entry = { serialHex: serial, revokedAtMs: revokedMs ?? fromMs, invalidFromMs: fromMs };
      const list = byIssuer.get(issuer);
      if (list) list.push(entry);
      else byIssuer.set(issuer, [entry]);
    }
    return byIssuer;
  }

  function build(): Made {
    const { issuer, former } = identity();
    const nowMs = clock.nowMs();
    const of = `${deps.revocationNumber()} ${issuer.notAfterMs} ${former.length}`;
    if (made && made.of === of && nowMs - made.atMs < DAY_MS && nowMs >= made.atMs) return made;
    const cas: { certificate: Certificate; key: OwnKey }[] = [
      { certificate: parseCertificate(issuer.certificateDer), key: issuer.key },
      // One that was certified twice has one list.
      ...former.filter(({ certificate }) => certificate.notAfterMs >= nowMs),
    ].filter(({ key }, i, all) => all.findIndex((each) => each.key.keyId === key.keyId) === i);
    const entries = entriesOf(cas.map(({ certificate }) => certificate));
    const pem = cas
      .map(({ certificate, key }) =>
        buildCrl(certificate, key.privateKey, {
          entries: entries.get(certificate.keyId) ?? [],
          // RFC 5280 §5.2.3: rises with every list. In seconds, as no two are made in one.
          number: BigInt(Math.floor(nowMs / 1000)),
          thisUpdateMs: nowMs,
          nextUpdateMs: nowMs + LIFE_MS,
        }),
      )
      .join('');
    made = { pem, of, atMs: nowMs };
    return made;
  }

  return {
    pem: () => build().pem,
    tend() {
      const now = build();
      if (now === written) return;
      writeFileDurable(join(dir, 'crl.pem'), now.pem, { mode: 0o644 });
      written = now;
    },
  };
}

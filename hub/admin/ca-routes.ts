// The operator's acts on the hub's CAs and on the deployment's roots, as JSON on the control socket: what the root signed elsewhere is
// installed, a root that hands over is followed. Every one is an act under the audit before a file changes. Must never take a
// certificate that does not hang under a root believed here.
import type { FastifyInstance } from 'fastify';
import { parseCertificate } from '../../certs/certificate.ts';
import { certificateDer } from '../../certs/pem.ts';
import { renewalDueMs } from '../../certs/profile.ts';
import { handoversOf } from '../../certs/roots.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { OwnCertificates } from '../own-certificates.ts';
import { rowOfCertificate } from '../store/certificate-rows.ts';
import type { Admin } from './acts.ts';

const pem = { type: 'string', minLength: 64, maxLength: 64 * 1024 } as const;
const body = (properties: Record<string, unknown>) => ({
  body: { type: 'object', additionalProperties: false, required: Object.keys(properties), properties },
});

export type CaLine = {
  readonly kind: 'root' | 'issuing' | 'former';
  readonly serial: string;
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly dueMs: number;
  /** Certificates of others under it that are still good. */
  readonly living: number | undefined;
};

export function addCaRoutes(app: FastifyInstance, admin: Admin, own: OwnCertificates): void {
  const { clock } = admin;

  app.get('/admin/v1/ca', async () => ({ lines: caLines(admin, own) }));

  app.post<{ Body: { certificate: string; root: string } }>(
    '/admin/v1/ca/install',
    { schema: body({ certificate: pem, root: pem }) },
    async ({ body: { certificate, root } }) => {
      const signed = { certificateDer: certificateDer(certificate), rootDer: certificateDer(root) };
      own.checkIssuing(signed);
      const record = rowOfCertificate('issuing', own.identity().hubId, signed.certificateDer);
      await admin.act('issuingInstall', { record, nowMs: clock.nowMs() });
      await own.installIssuing(signed);
      return { serial: record.serial, notAfterMs: record.notAfterMs };
    },
  );

  app.post<{ Body: { handover: string } }>(
    '/admin/v1/ca/handover',
    { schema: body({ handover: pem }) },
    async ({ body: { handover } }) => {
      const offered = handoversOf(handover);
      if (offered.length === 0) throw new ExchangeError('request-malformed', 'no root hand-over in the file');
      const followed = own.followable(offered);
      if (!followed) {
        const { handovers, newestDer } = own.identity().roots;
        const { fingerprint } = parseCertificate(newestDer);
        // Given again, after a cut between believing and telling, say: told once more.
        if (offered.every((bytes) => handovers.some((each) => Buffer.compare(each, bytes) === 0))) {
          await admin.act('publishAnew', { nowMs: clock.nowMs() });
          return { root: fingerprint };
        }
        throw new ExchangeError(
          'request-malformed',
          `it does not begin at the newest root that is believed here, ${fingerprint}`,
        );
      }
      const { fingerprint } = parseCertificate(followed.newestDer);
      await admin.act('rootFollow', { about: fingerprint, nowMs: clock.nowMs() });
      await own.follow(offered);
      await admin.act('publishAnew', { nowMs: clock.nowMs() });
      return { root: fingerprint };
    },
  );
}

function caLines(admin: Admin, own: OwnCertificates): CaLine[] {
  const { roots, issuer, former } = own.identity();
  const nowMs = admin.clock.nowMs();
  const living = admin.store.reader
    .all<{ der: Uint8Array }>(
      'SELECT der FROM certificates WHERE not_after_ms >= ? AND revoked_from_ms IS NULL AND role <> ?',
      nowMs,
      'issuing',
    )
    .map(({ der }) => parseCertificate(der));
  const line = (kind: CaLine['kind'], der: Uint8Array): CaLine => {
    const ca = parseCertificate(der);
    const below = living.filter(({ x509 }) => x509.checkIssued(ca.x509)).length;
    const { serialHex: serial, fingerprint, notBeforeMs, notAfterMs } = ca;
    return {
      kind,
      serial,
      fingerprint,
      notBeforeMs,
      notAfterMs,
      dueMs: renewalDueMs(ca),
      living: kind === 'root' ? undefined : below,
    };
  };
  return [
    ...roots.anchors.map((anchor) => line('root', anchor instanceof Uint8Array ? anchor : anchor.der)),
    line('issuing', issuer.certificateDer),
    ...former.map(({ certificate }) => line('former', certificate.der)),
  ];
}

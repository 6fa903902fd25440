// Writer thread: certificates after they were issued: the hub's own renewed, a node's renewed, one withdrawn, what a restored hub learns from its peers. Every
// check comes before the first ledger entry of an operation. Must never let a withdrawn key serve on.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type CertificateRecord, recordCertificate } from './certificate-rows.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import { readNumberFact, writeFact } from './facts.ts';

export type OwnRenewal = {
  readonly record: CertificateRecord;
  readonly publish?: boolean;
  readonly nowMs: number;
};
export type RevokeArgs = {
  /**
   * Exactly one. `unit`: all its seals; `node`: all its connection keys and its console's, and the peer with them; `office`: the seals of a unit and the
   * connection of its node, which is what a stolen box had (the connection stays when the node serves other units: name the node then).
   */
  readonly what:
    | { readonly serial: string }
    | { readonly unit: string }
    | { readonly node: string }
    | { readonly office: string };
  /** For a compromise the invalidity time: what was accepted after it and is not delivered yet is held for a person. */
  readonly fromMs: number;
  readonly reason: string;
  readonly nowMs: number;
};
export type RevokeResult = {
  readonly serials: readonly string[];
  readonly cut: readonly string[];
  /** Deliveries that wait for a person now. */
  readonly held: number;
  /** Deliveries that had arrived before anybody knew: they stay, and are shown as accepted after the withdrawal. */
  readonly delivered: number;
};
type Revoked = { serial: string; role: string; subject: string };

function revocable(db: Database, what: RevokeArgs['what']): Revoked[] {
  const columns = 'SELECT serial, role, subject FROM certificates WHERE revoked_from_ms IS NULL';
  if ('serial' in what) return db.all(`${columns} AND serial = ?`, what.serial.toLowerCase());
  if ('unit' in what) return db.all(`${columns} AND subject = ? AND role = 'unit-seal'`, what.unit);
  if ('office' in what)
    return db.all(
      `${columns} AND ((subject = ?1 AND role = 'unit-seal') OR (role IN ('node-tls', 'node-console') AND subject =
         (SELECT node FROM units u WHERE unit = ?1 AND NOT EXISTS (SELECT 1 FROM units o WHERE o.node = u.node AND o.unit <> ?1))))`,
      what.office,
    );
  return db.all(`${columns} AND subject = ? AND role IN ('node-tls', 'node-console')`, what.node);
}

/** DESIGN §5 Validity: undelivered envelopes accepted after the invalidity time are held; delivered ones are marked, never deleted. */
function holdSince(db: Database, sender: string, fromMs: number): number {
  return db.run(
    `UPDATE deliveries SET state = 'held', last_error = 'certificate-revoked', lease_owner = NULL, lease_until_ms = NULL
     WHERE state IN ('ready', 'deferred', 'leased') AND envelope_seq IN (SELECT seq FROM envelopes WHERE sender = ? AND accepted_ms >= ?)`,
    sender,
    fromMs,
  ).changes;
}

/** A node none of whose connection keys is good any more. */
function closePeer(db: Database, { role, subject }: Pick<Revoked, 'role' | 'subject'>): void {
  if (role !== 'node-tls') return;
  const left = db.get(
    "SELECT 1 FROM certificates WHERE subject = ? AND role = 'node-tls' AND revoked_from_ms IS NULL",
    subject,
  );
  if (!left) db.run("UPDATE peers SET state = 'revoked' WHERE peer = ?", subject);
}

export type CatchUpArgs = {
  readonly number: number;
  readonly revocations: readonly {
    readonly serial: string;
    readonly fromMs: number;
    readonly reason: string;
  }[];
  readonly certificates: readonly CertificateRecord[];
  readonly nowMs: number;
};

/** The marked ones are a derived fact: accepted from a seal at a time at which it was withdrawn already. */
function deliveredSince(db: Database, sender: string, fromMs: number): number {
  const row = db.get<{ n: number }>(
    `SELECT count(*) AS n FROM deliveries d JOIN envelopes e ON e.seq = d.envelope_seq
     WHERE e.sender = ? AND e.accepted_ms >= ? AND d.state = 'delivered'`,
    sender,
    fromMs,
  );
  return row?.n ?? 0;
}

export function certificateOps(db: Database, deps: AdminDeps) {
  return {
    /** A certificate that was issued without an invitation. */
    certificateRecord({ record, nowMs }: { record: CertificateRecord; nowMs: number }): void {
      recordCertificate(db, deps, record, nowMs);
      publishPart(db, deps, nowMs);
    },

    /** Another issuing CA of this hub: the present one from now on, named by the directory before it certifies anything. */
    issuingInstall({ record, nowMs }: { record: CertificateRecord; nowMs: number }): boolean {
      if (db.get('SELECT 1 FROM certificates WHERE serial = ?', record.serial)) return false;
      recordCertificate(db, deps, record, nowMs);
      publishPart(db, deps, nowMs);
      return true;
    },

    /** The decision to believe the root that the present one hands over to; `about` is its fingerprint. Only the audit remembers it. False again. */
    rootFollow({ about }: { about: string; nowMs: number }): boolean {
      return !db.get("SELECT 1 FROM audit WHERE act = 'rootFollow' AND about = ?", about);
    },

    /** A new version without another change: what lies beside the directory has changed, and peers ask only for a new version. */
    publishAnew({ nowMs }: { nowMs: number }): { version: number } {
      return { version: publishPart(db, deps, nowMs) };
    },

    /**
     * The hub has renewed a certificate of its own, or found one in its folder whose record a power cut prevented. Idempotent. `publish`
     * false: the key that would sign the new version is not believed any more; the caller publishes once the next one is in use.
     */
    ownCertificateRenewed({ record, publish = true, nowMs }: OwnRenewal): boolean {
      if (db.get('SELECT 1 FROM certificates WHERE serial = ?', record.serial)) return false;
      recordCertificate(db, deps, record, nowMs);
      if (publish) publishPart(db, deps, nowMs);
      return true;
    },

    /** A certificate that this store lost in a restore and that is in use. Idempotent. */
    certificateAdopt({ record, nowMs }: { record: CertificateRecord; nowMs: number }): boolean {
      if (db.get('SELECT 1 FROM certificates WHERE serial = ?', record.serial)) return false;
      recordCertificate(db, deps, record, nowMs);
      return true;
    },

    /**
     * The next certificate of a node or a unit, or the one that the same new key got before. A seal stands in the directory at once,
     * beside the one before it; a connection key does not concern others and publishes nothing. `csr-invalid`, `certificate-revoked`.
     */
    certificateRenew({ record, nowMs }: { record: CertificateRecord; nowMs: number }): { der: Uint8Array } {
      const known = db.get<{
        der: Uint8Array;
        role: string;
        subject: string;
        revoked_from_ms: number | null;
      }>(
        'SELECT der, role, subject, revoked_from_ms FROM certificates WHERE key_id = ? ORDER BY not_after_ms DESC LIMIT 1',
        record.keyId,
      );
      if (known?.revoked_from_ms != null) throw new ExchangeError('certificate-revoked', 'the new key');
      if (known && (known.role !== record.role || known.subject !== record.subject))
        throw new ExchangeError('csr-invalid', 'the new key is in use for something else');
      if (known) return { der: known.der };
      recordCertificate(db, deps, record, nowMs);
      if (record.role === 'unit-seal') publishPart(db, deps, nowMs);
      return { der: record.der };
    },

    /** In force with the directory version that this publishes. `certificate-malformed` when nothing matches. */
    certificateRevoke({ what, fromMs, reason, nowMs }: RevokeArgs): RevokeResult {
      const found = revocable(db, what);
      if (found.length === 0) throw new ExchangeError('not-found', 'no certificate in force matches');
      const cut = new Set<string>();
      let held = 0;
      for (const { serial, role, subject } of found) {
        db.run(
          'UPDATE certificates SET revoked_from_ms = ?, revoked_reason = ?, revoked_ms = ? WHERE serial = ? AND revoked_from_ms IS NULL',
          fromMs,
          Buffer.from(reason).subarray(0, 64).toString(),
          nowMs,
          serial,
        );
        if (role === 'unit-seal') held += holdSince(db, subject, fromMs);
        if (role !== 'node-tls') continue;
        cut.add(subject);
        closePeer(db, { role, subject });
      }
      writeFact(db, 'revocationNumber', String(readNumberFact(db, 'revocationNumber') + 1));
      publishPart(db, deps, nowMs);
      const senders = new Set(found.flatMap(({ role, subject }) => (role === 'unit-seal' ? [subject] : [])));
      const delivered = [...senders].reduce((sum, sender) => sum + deliveredSince(db, sender, fromMs), 0);
      return { serials: found.map(({ serial }) => serial), cut: [...cut], held, delivered };
    },

    /**
     * What a part of this hub says that this store does not know: the store was restored from a backup made before it. Revocations enter,
     * whole or by serial alone; seals and certificates of the hub that were issued after the backup enter, since they verify. The next
     * version has a revocation number above the one learnt. Returns whose connections must be cut.
     */
    catchUp({ number, revocations, certificates, nowMs }: CatchUpArgs): { cut: string[]; learnt: number } {
      let learnt = 0;
      for (const record of certificates) {
        if (db.get('SELECT 1 FROM certificates WHERE serial = ?', record.serial)) continue;
        recordCertificate(db, deps, record, nowMs);
        learnt += 1;
      }
      const cut = new Set<string>();
      for (const { serial, fromMs, reason } of revocations) {
        const known = db.get<Revoked & { revoked_from_ms: number | null }>(
          'SELECT serial, role, subject, revoked_from_ms FROM certificates WHERE serial = ?',
          serial,
        );
        if (known?.revoked_from_ms != null) continue;
        learnt += 1;
        if (!known) {
          db.run(
            'INSERT INTO lost_revocations (serial, revoked_from_ms, reason, learnt_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
            serial,
            fromMs,
            reason,
            nowMs,
          );
          continue;
        }
        db.run(
          'UPDATE certificates SET revoked_from_ms = ?, revoked_reason = ?, revoked_ms = ? WHERE serial = ?',
          fromMs,
          reason,
          nowMs,
          serial,
        );
        if (known.role === 'unit-seal') holdSince(db, known.subject, fromMs);
        if (known.role === 'node-tls') cut.add(known.subject);
        closePeer(db, known);
      }
      writeFact(db, 'revocationNumber', String(Math.max(number, readNumberFact(db, 'revocationNumber')) + 1));
      publishPart(db, deps, nowMs);
      return { cut: [...cut], learnt };
    },
  };
}

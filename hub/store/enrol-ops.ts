// Writer thread: invitations, enrolment, confirmation, certificates and revocations. An issued certificate is recorded with its
// ledger entry here, durably, before enrolment/ hands it out. Every check comes before the first ledger entry of an operation.
// Must never store an invitation's secret, nor let a box that nobody confirmed take the place of one that works.
import { parseCertificate } from '../../certs/certificate.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import { readNumberFact, writeFact } from './facts.ts';
import type { PeerStateName } from './unit-ops.ts';
import { raiseAlarm, stateOfUnit } from './unit-rows.ts';

/** What certs/ has issued, as it is kept. `serial` is lower-case hex. */
export type CertificateRecord = {
  readonly serial: string;
  readonly role: string;
  readonly subject: string;
  /** Hex. */
  readonly keyId: string;
  readonly der: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
};

/** The row of a certificate that the hub made for itself. */
export function rowOfCertificate(
  role: string,
  subject: string,
  certificateDer: Uint8Array,
): CertificateRecord {
  const { serialHex, keyId, der, notBeforeMs, notAfterMs } = parseCertificate(certificateDer);
  return { serial: serialHex, role, subject, keyId, der, notBeforeMs, notAfterMs };
}

export type InvitationRow = {
  readonly id: number;
  readonly unit: string;
  readonly made_ms: number;
  readonly expires_ms: number;
  readonly used_ms: number | null;
  readonly tls_key_id: string | null;
  readonly seal_key_id: string | null;
  readonly answer: string | null;
  readonly closed_ms: number | null;
  readonly words: string | null;
  readonly node: string | null;
  readonly confirmed_ms: number | null;
};
export const invitationColumns =
  'id, unit, made_ms, expires_ms, used_ms, tls_key_id, seal_key_id, answer, closed_ms, words, node, confirmed_ms';

/** The node that holds a TLS key, whoever its units are: one box that enrols a second unit is recognised by it. */
export function nodeOfTlsKey(
  db: Database,
  keyId: string,
): { node: string; state: PeerStateName } | undefined {
  return db.get(
    "SELECT p.peer AS node, p.state FROM certificates c JOIN peers p ON p.peer = c.subject WHERE c.key_id = ? AND c.role = 'node-tls' LIMIT 1",
    keyId,
  );
}

export function recordCertificate(
  db: Database,
  { appendLedger }: Pick<AdminDeps, 'appendLedger'>,
  record: CertificateRecord,
  nowMs: number,
): void {
  const { serial, role, subject, keyId, der, notBeforeMs, notAfterMs } = record;
  const sequence = appendLedger('certificate', der, nowMs);
  db.run(
    `INSERT INTO certificates (serial, role, subject, key_id, der, not_before_ms, not_after_ms, issued_ms, ledger_sequence)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    serial,
    role,
    subject,
    keyId,
    der,
    notBeforeMs,
    notAfterMs,
    nowMs,
    sequence,
  );
}

export type OwnRenewal = {
  readonly record: CertificateRecord;
  readonly publish?: boolean;
  readonly nowMs: number;
};
export type EnrolArgs = {
  readonly invitation: number;
  readonly node: string;
  readonly tls: CertificateRecord;
  readonly seal: CertificateRecord;
  /** JSON of the answer; given again for the same keys. */
  readonly answer: string;
  readonly words: string;
  /** False only where the configuration says so: nobody compares the words. */
  readonly mustConfirm: boolean;
  readonly nowMs: number;
};
/** `again`: somebody used the invitation, or brought this TLS key, in the meantime; look once more. */
export type EnrolResult = { readonly outcome: 'done' | 'again'; readonly cut: readonly string[] };
export type ConfirmResult = {
  readonly node: string;
  /** Peers whose connections must be cut: they serve no unit any more. */
  readonly cut: readonly string[];
};

/** Open work of a unit goes to the node that serves it now: what waited without a route, and what its old box had. */
function moveWork(db: Database, unit: string, from: readonly string[], to: string): void {
  for (const old of from) {
    db.run(
      `UPDATE deliveries SET peer = ?, state = CASE state WHEN 'leased' THEN 'ready' ELSE state END, lease_owner = NULL, lease_until_ms = NULL
       WHERE peer = ? AND unit = ? AND state IN ('ready', 'deferred', 'leased', 'held')`,
      to,
      old,
      unit,
    );
    if (old === '') continue;
    // Statements about what the unit sent follow it; later ones find the new node as the envelope's peer.
    db.run(
      `UPDATE OR IGNORE outgoing SET peer = ?, state = 'ready', lease_owner = NULL, lease_until_ms = NULL
       WHERE peer = ? AND state IN ('ready', 'leased') AND statement IN
         (SELECT s.id FROM statements s JOIN envelopes e ON e.seq = s.envelope_seq WHERE e.sender = ?)`,
      to,
      old,
      unit,
    );
    db.run('UPDATE envelopes SET from_peer = ? WHERE sender = ? AND from_peer = ?', to, unit, old);
  }
}

/** The words were compared (or need not be): the unit's node is the one of this invitation, and its seal enters the directory. */
function confirmNow(db: Database, invitation: number, nowMs: number): ConfirmResult {
  const row = db.get<{ unit: string; node: string; old: string | null }>(
    'SELECT i.unit, i.node, u.node AS old FROM invitations i JOIN units u ON u.unit = i.unit WHERE i.id = ?',
    invitation,
  )!;
  const { unit, node, old } = row;
  db.run('UPDATE invitations SET confirmed_ms = ? WHERE id = ? AND confirmed_ms IS NULL', nowMs, invitation);
  // A suspended unit stays suspended: confirming a box is not the decision to let the unit back.
  db.run(
    "UPDATE units SET node = ?, state = CASE WHEN state IN ('invited', 'unconfirmed') THEN 'active' ELSE state END WHERE unit = ?",
    node,
    unit,
  );
  db.run("UPDATE peers SET state = 'active' WHERE peer = ? AND state = 'unconfirmed'", node);
  const moved = old !== null && old !== node;
  moveWork(db, unit, moved ? ['', old] : [''], node);
  if (!moved || db.get('SELECT 1 FROM units WHERE node = ?', old)) return { node, cut: [] };
  db.run(
    "UPDATE peers SET state = 'closed' WHERE peer = ? AND state IN ('active', 'unconfirmed', 'suspended')",
    old,
  );
  return { node, cut: [old] };
}

/** A box whose units had all moved away and that is invited again waits for confirmation like a new one. */
function addNode(db: Database, node: string, nowMs: number): void {
  db.run(
    `INSERT INTO peers (peer, kind, state, added_ms) VALUES (?, 'node', 'unconfirmed', ?)
     ON CONFLICT (peer) DO UPDATE SET state = 'unconfirmed' WHERE state = 'closed'`,
    node,
    nowMs,
  );
}

/** One key has one role and one subject, for ever; a revoked key never comes back, on whatever invitation. */
function assertKeys(
  db: Database,
  { tls, seal }: Pick<EnrolArgs, 'tls' | 'seal'>,
  known: PeerStateName | undefined,
): void {
  if (known === 'revoked') throw new ExchangeError('peer-revoked');
  if (known === 'suspended') throw new ExchangeError('peer-suspended');
  for (const { keyId, role, subject } of [tls, seal]) {
    const others = db.all<{ role: string; subject: string; revoked_from_ms: number | null }>(
      'SELECT role, subject, revoked_from_ms FROM certificates WHERE key_id = ?',
      keyId,
    );
    if (others.some((other) => other.revoked_from_ms !== null))
      throw new ExchangeError('certificate-revoked', `the key for ${role}`);
    if (others.some((other) => other.role !== role || other.subject !== subject))
      throw new ExchangeError('csr-invalid', `the key for ${role} is in use for something else`);
  }
}

/** A box for a unit that already works on another one is a move: somebody must look before it happens. */
function alarmOfMove(db: Database, unit: string, node: string, nowMs: number): void {
  const old = db.get<{ node: string | null }>('SELECT node FROM units WHERE unit = ?', unit)?.node;
  if (!old || old === node) return;
  const said = `unit ${unit} enrolled on node ${node}; until now it is on ${old}`;
  raiseAlarm(db, { code: 'unit-moves', about: unit, said, atMs: nowMs });
}

function invitationOps(db: Database, deps: AdminDeps) {
  return {
    /** Ends unused invitations of the same unit: one paper in the world at a time. Returns its id. */
    invitationMake(args: { unit: string; secretHash: Uint8Array; expiresMs: number; nowMs: number }): number {
      const { unit, secretHash, expiresMs, nowMs } = args;
      if (stateOfUnit(db, unit) === 'closed') throw new ExchangeError('unit-closed', unit);
      // No machine may take the place of a border, or of an office behind one.
      if (db.get("SELECT 1 FROM units WHERE unit = ? AND border <> ''", unit))
        throw new ExchangeError('request-malformed', `${unit} is served by a border of this hub`);
      db.run(
        'UPDATE invitations SET closed_ms = ? WHERE unit = ? AND used_ms IS NULL AND closed_ms IS NULL',
        nowMs,
        unit,
      );
      return db.run(
        'INSERT INTO invitations (secret_hash, unit, made_ms, expires_ms) VALUES (?, ?, ?, ?)',
        secretHash,
        unit,
        nowMs,
        expiresMs,
      ).lastRowId;
    },

    /** Withdraws what is not used yet, and enrolments that nobody confirmed. Returns how many. */
    invitationClose({ unit, nowMs }: { unit: string; nowMs: number }): number {
      return db.run(
        'UPDATE invitations SET closed_ms = ? WHERE unit = ? AND closed_ms IS NULL AND confirmed_ms IS NULL',
        nowMs,
        unit,
      ).changes;
    },

    /** Certificates, node, words and the new directory version in one transaction. */
    enrol(args: EnrolArgs): EnrolResult {
      const { invitation, node, tls, seal, nowMs } = args;
      const known = nodeOfTlsKey(db, tls.keyId);
      const row = db.get<{ unit: string }>(
        'SELECT unit FROM invitations WHERE id = ? AND used_ms IS NULL AND closed_ms IS NULL AND expires_ms > ?',
        invitation,
        nowMs,
      );
      if (!row || (known && known.node !== node)) return { outcome: 'again', cut: [] };
      const { unit } = row;
      if (stateOfUnit(db, unit) === 'closed') throw new ExchangeError('unit-closed', unit);
      assertKeys(db, args, known?.state);
      db.run(
        'UPDATE invitations SET used_ms = ?, tls_key_id = ?, seal_key_id = ?, answer = ?, words = ?, node = ? WHERE id = ?',
        nowMs,
        tls.keyId,
        seal.keyId,
        args.answer,
        args.words,
        node,
        invitation,
      );
      addNode(db, node, nowMs);
      alarmOfMove(db, unit, node, nowMs);
      db.run("UPDATE units SET state = 'unconfirmed' WHERE unit = ? AND state = 'invited'", unit);
      const cut = args.mustConfirm ? [] : confirmNow(db, invitation, nowMs).cut;
      recordCertificate(db, deps, tls, nowMs);
      recordCertificate(db, deps, seal, nowMs);
      publishPart(db, deps, nowMs);
      return { outcome: 'done', cut };
    },

    /** The newest enrolment of the unit that waits. `words`, when given, must be the ones of its keys. */
    unitConfirm(args: { unit: string; words?: string | undefined; nowMs: number }): ConfirmResult {
      const { unit, words, nowMs } = args;
      if (stateOfUnit(db, unit) === 'closed') throw new ExchangeError('unit-closed', unit);
      const waiting = db.get<{ id: number; words: string }>(
        `SELECT id, words FROM invitations WHERE unit = ? AND used_ms IS NOT NULL AND confirmed_ms IS NULL AND closed_ms IS NULL
         ORDER BY used_ms DESC, id DESC LIMIT 1`,
        unit,
      );
      if (!waiting)
        throw new ExchangeError('request-malformed', `no enrolment of ${unit} waits for confirmation`);
      if (words !== undefined && spoken(words) !== spoken(waiting.words))
        throw new ExchangeError('request-malformed', 'these are not the six words of the keys that enrolled');
      const result = confirmNow(db, waiting.id, nowMs);
      publishPart(db, deps, nowMs);
      return result;
    },
  };
}

/** Words as people write them down: any case, blanks or hyphens between. */
const spoken = (words: string): string =>
  words
    .trim()
    .toLowerCase()
    .split(/[\s-]+/)
    .join('-');

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

export function enrolOps(db: Database, deps: AdminDeps) {
  return {
    ...invitationOps(db, deps),

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

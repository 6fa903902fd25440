// Writer thread: invitations, enrolment, confirmation. An issued certificate is recorded with its ledger entry here, durably, before enrolment/ hands
// it out. Every check comes before the first ledger entry of an operation.
// Must never store an invitation's secret, nor let a box that nobody confirmed take the place of one that works.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { type CertificateRecord, recordCertificate } from './certificate-rows.ts';
import { type AdminDeps, publishPart } from './directory-ops.ts';
import type { PeerStateName } from './unit-ops.ts';
import { raiseAlarm, stateOfUnit } from './unit-rows.ts';

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

export function enrolOps(db: Database, deps: AdminDeps) {
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

// What evidence says, in words a clerk or a judge reads: Vietnamese, with the English beside it where a program's output is likely quoted.
// It must never say more than ProvenFacts does, and always says what is not proven. Pure.

import type { Directory } from '../../protocol/directory.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import type { NotProven, ProvenFacts, ProvenRecipient } from '../../protocol/proof.ts';
import { kinds, urgencies } from '../../protocol/seal.ts';
import { eventName, outcomeName } from '../../protocol/statement.ts';
import type { Statement } from '../../protocol/wire.ts';

const nameOf = (table: Record<string, number>, value: number): string =>
  Object.keys(table).find((name) => table[name] === value) ?? `#${value}`;

export const kindName = (kind: number): string => nameOf(kinds, kind);
export const urgencyName = (urgency: number): string => nameOf(urgencies, urgency);

/** ISO 8601 in Vietnam's time (UTC+7 all year), to the second: "2026-11-22 14:03:05 +07:00". */
export function timeText(ms: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15 - 86_400_000) return `${ms} ms`;
  const local = new Date(ms + 7 * 3_600_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)} +07:00`;
}

/** "H08.35.13 UBND xã X (u0123…)": code and name as the signed directory of the file has them. */
export function partyText(directory: Directory, id: string): string {
  const unit = directory.unit(id);
  if (unit) return `${unit.aliases[0]?.code ?? ''} ${unit.name} (${id})`.trim();
  const hub = directory.hub(id);
  return hub?.name ? `${hub.name} (${id})` : id;
}

export const notProvenWords: Readonly<
  Record<NotProven['what'], { readonly vi: string; readonly en: string }>
> = {
  acceptance: {
    vi: 'Không có biên nhận của trung tâm: chưa chứng minh được đã gửi, và con dấu chỉ được xét theo giờ máy gửi.',
    en: "No receipt of the sender's hub: sending is not proven, and the seal was judged at the sender's own time.",
  },
  metadata: {
    vi: 'Tệp không kèm khối thông tin mô tả (trích yếu, tên tệp): chỉ chứng minh giá trị băm của nó.',
    en: 'The descriptive block (subject, file names) is not in the file: only its digest is proven.',
  },
  delivery: {
    vi: 'Không có biên nhận của nơi nhận: chưa chứng minh được nơi này đã nhận.',
    en: "No receipt of this recipient's node: its receipt of the document is not proven.",
  },
  'parts-checked': {
    vi: 'Biên nhận của nơi nhận không nêu giá trị băm của các tệp này.',
    en: 'The receipt of this recipient does not state the digests of these parts.',
  },
  'seal-named-by-directory': {
    vi: 'Không có danh bạ đã ký: khoá chỉ được xét theo chứng thư.',
    en: 'No signed directory was given: the key was judged by its certificate alone.',
  },
};

export function notProvenText(each: NotProven): string {
  const { vi, en } = notProvenWords[each.what];
  const where = 'recipient' in each ? `#${each.recipient + 1} ` : '';
  const parts = each.what === 'parts-checked' ? ` [${each.parts.map((i) => i + 1).join(', ')}]` : '';
  return `${where}${vi}${parts}\n    ${en}`;
}

function recipientLines(facts: ProvenFacts, directory: Directory, each: ProvenRecipient): string[] {
  const desk = each.desk ? `${each.desk}@` : '';
  const lines = [`  ${each.index + 1}. ${desk}${partyText(directory, each.unit)}`];
  if (each.accepted) lines.push(`     trung tâm / hub: ${each.accepted}`);
  if (each.receivedMs !== undefined) {
    const other =
      each.receivedBy === each.unit ? '' : `, do / by ${partyText(directory, each.receivedBy ?? '')}`;
    const offset = each.clockOffsetMs === 0 ? '' : ` (lệch giờ / clock offset ${each.clockOffsetMs} ms)`;
    lines.push(`     đã nhận / received ${timeText(each.receivedMs)}${offset}${other}`);
  }
  if (each.reportedMs !== undefined)
    lines.push(
      `     hệ thống khác báo đã đến, nơi nhận không ký / another system reports it arrived, the recipient signed nothing ${timeText(each.reportedMs)}`,
    );
  if (each.failed)
    lines.push(
      `     ${each.failed.outcome} ${timeText(each.failed.atMs)}${each.failed.code ? ` (${each.failed.code})` : ''}`,
    );
  if (facts.accepted && each.receivedMs === undefined && each.reportedMs === undefined && !each.failed)
    lines.push('     chưa có biên nhận / no receipt');
  return lines;
}

/** The whole verdict on a good proof. */
export function proofText(facts: ProvenFacts, directory: Directory): string {
  const { header, metadata, accepted } = facts;
  const lines = [
    'BẰNG CHỨNG HỢP LỆ — the proof is good',
    '',
    `Văn bản / document  ${facts.documentId}`,
    `Phong bì / envelope ${facts.envelopeId}  SHA-256 ${facts.digestHex}`,
    `Loại / kind         ${kindName(header.kind)}, độ khẩn / urgency ${urgencyName(header.urgency)}`,
    `Nơi gửi / sender    ${partyText(directory, header.sender)}`,
    `Đóng dấu / sealed   ${timeText(header.createdMs)} (giờ máy gửi / sender's clock)`,
    accepted
      ? `Trung tâm / hub     ${partyText(directory, accepted.hub)} đã nhận chuyển / accepted ${timeText(accepted.atMs)}, sổ / ledger ${accepted.ledgerSequence}, kỳ / epoch ${accepted.epoch}`
      : 'Trung tâm / hub     chưa có biên nhận / no receipt',
  ];
  if (metadata) {
    const number = [metadata.number, metadata.notation].filter(Boolean).join('/');
    lines.push(`Trích yếu / subject ${metadata.subject || '—'}${number ? `  (${number})` : ''}`);
  }
  lines.push('Tệp / parts');
  for (const [i, part] of header.parts.entries())
    lines.push(
      `  ${i + 1}. ${metadata?.parts[i]?.name ?? '—'}  ${part.length} B  SHA-256 ${Buffer.from(part.sha256).toString('hex')}`,
    );
  lines.push('Nơi nhận / recipients');
  for (const each of facts.recipients) lines.push(...recipientLines(facts, directory, each));
  for (const hop of facts.hops)
    lines.push(`Qua / hop ${partyText(directory, hop.hub)} ${timeText(hop.atMs)}`);
  if (facts.notProven.length > 0) {
    lines.push('', 'Chưa chứng minh / not proven');
    for (const each of facts.notProven) lines.push(`  - ${notProvenText(each)}`);
  }
  return lines.join('\n');
}

/** The same for programs: names instead of words, hex instead of bytes. */
export function proofJson(facts: ProvenFacts, directory: Directory): Record<string, unknown> {
  const { header, metadata } = facts;
  const party = (id: string) => ({
    id,
    code: directory.unit(id)?.aliases[0]?.code ?? null,
    name: directory.unit(id)?.name ?? directory.hub(id)?.name ?? null,
  });
  return {
    good: true,
    documentId: facts.documentId,
    envelopeId: facts.envelopeId,
    sha256: facts.digestHex,
    kind: kindName(header.kind),
    urgency: urgencyName(header.urgency),
    sender: party(header.sender),
    sealSerial: facts.sealSerialHex,
    createdMs: header.createdMs,
    deliverByMs: header.deliverByMs,
    accepted: facts.accepted ? { ...facts.accepted, hub: party(facts.accepted.hub) } : null,
    metadata,
    parts: header.parts.map((part, i) => ({
      name: metadata?.parts[i]?.name ?? null,
      mediaType: metadata?.parts[i]?.mediaType ?? null,
      lengthBytes: part.length,
      sha256: Buffer.from(part.sha256).toString('hex'),
    })),
    recipients: facts.recipients.map((each) => ({
      ...each,
      unit: party(each.unit),
      receivedBy: each.receivedBy ? party(each.receivedBy) : null,
      accepted: each.accepted ?? null,
      receivedMs: each.receivedMs ?? null,
      reportedMs: each.reportedMs ?? null,
      failed: each.failed ?? null,
    })),
    statements: facts.statements,
    hops: facts.hops,
    notProven: facts.notProven.map((each) => ({ ...each, ...notProvenWords[each.what] })),
  };
}

export function statementJson(statement: Statement): Record<string, unknown> {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return {
    event: eventName(statement.event),
    issuer: statement.issuer,
    atMs: statement.atMs,
    sender: statement.sender,
    envelopeId: uuidFromBytes(statement.envelopeId),
    documentId: uuidFromBytes(statement.documentId),
    envelopeDigest: hex(statement.envelopeDigest),
    epoch: statement.epoch,
    ledgerSequence: statement.ledgerSequence,
    directoryVersion: statement.directoryVersion,
    revocationNumber: statement.revocationNumber,
    clockOffsetMs: statement.clockOffsetMs,
    results: statement.results.map((each) => ({ ...each, outcome: outcomeName(each.outcome) })),
    parts: statement.parts.map(({ index, sha256 }) => ({ index, sha256: hex(sha256) })),
    ...(statement.foreignMessage?.length ? { foreignMessage: hex(statement.foreignMessage) } : {}),
  };
}

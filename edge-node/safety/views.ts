// Checks as people and programs see them: the verdict of each document, what is held, and a person's word about it. Derived from rows; the
// sentence of a signature report is passed on as it was stored at sending and at receiving.
import type { PartVerdict } from '../../certs/inspect/check-parts.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { findingWords, type Weighed } from '../../protocol/safety/findings.ts';
import type { EdgeContext } from '../context.ts';
import type { HeldRow, SafetyView } from '../core.ts';
import type { Direction } from '../store/safety-ops.ts';
import type { CheckRow } from '../store/safety-reads.ts';
import type { Arrival } from '../store/view-reads.ts';
import type { Found } from '../views.ts';
import { signatureRefused } from './signature-refused.ts';

const stateWords: Readonly<Record<CheckRow['state'], { readonly vi: string; readonly en: string }>> = {
  pending: { vi: 'Đang kiểm tra', en: 'being checked' },
  passed: { vi: 'Đã kiểm tra', en: 'checked' },
  held: { vi: 'Bị giữ, chờ người thứ hai', en: 'held for a second person' },
  refused: { vi: 'Bị từ chối', en: 'refused' },
  released: { vi: 'Đã được người thứ hai cho qua', en: 'released by a second person' },
  rejected: { vi: 'Đã bị loại', en: 'rejected' },
};

const findingsOf = (row: CheckRow): SafetyView['findings'] =>
  (JSON.parse(row.findings) as Weighed[]).map((finding) => ({
    ...finding,
    words: findingWords[finding.code] ?? { vi: finding.code, en: finding.code },
  }));

export function safetyOf(direction: Direction, doc: number, { store }: EdgeContext): SafetyView | undefined {
  const row = store.checkOf(direction, doc);
  if (!row) return undefined;
  const waitsForScanner = row.state === 'pending' && row.waiting === 'scanner-unreachable';
  return {
    state: row.state,
    words: waitsForScanner
      ? { vi: 'Chờ quét mã độc', en: 'waits for the malware scanner' }
      : stateWords[row.state],
    waiting: row.waiting ?? undefined,
    secret: row.secret === 1,
    findings: findingsOf(row),
    parts: (JSON.parse(row.parts) as PartVerdict[]).map(({ pdf, ...part }) => ({
      ...part,
      scanWords: scanWords[part.scan],
      verdict: pdf?.verdict,
      sentence: pdf ? { vi: pdf.sentence, en: pdf.sentenceEn } : undefined,
      report: pdf ?? undefined,
    })),
    policy: row.policy,
    sinceMs: row.since_ms,
    decidedMs: row.decided_ms ?? undefined,
    first: person(row.first_by, row.first_ms, row.first_why),
    ended: person(row.ended_by, row.ended_ms, row.ended_why),
  };
}

const scanWords: Readonly<Record<PartVerdict['scan'], { readonly vi: string; readonly en: string }>> = {
  clean: { vi: 'đã quét, sạch', en: 'scanned, clean' },
  infected: { vi: 'có mã độc', en: 'malware' },
  'too-large': { vi: 'chưa quét (vượt cỡ)', en: 'not scanned (too large)' },
  error: { vi: 'quét không có kết luận', en: 'no verdict' },
  'not-scanned': { vi: 'chưa quét mã độc (nút chưa có bộ quét)', en: 'not scanned' },
};

const person = (by: string | null, atMs: number | null, why: string | null) =>
  by === null ? undefined : { by, atMs: atMs ?? 0, why: why ?? '' };

/** A sent document that was reported as a state secret: hidden from its own sender too, until it is destroyed. */
export function isHiddenSent(seq: number, store: EdgeContext['store']): boolean {
  const check = store.checkState('out', seq);
  return check?.secret === 1 && check.state === 'held';
}

/** Throws `document-held` for an arrival that may not be read: being checked, held, rejected. */
export function assertReadable({ direction, row }: Found, { store }: EdgeContext): void {
  if (direction === 'out') {
    if (isHiddenSent(row.seq, store)) throw new ExchangeError('document-held', 'reported as a state secret');
    return;
  }
  const check = store.checkState('in', row.seq);
  if (check && check.state !== 'passed' && check.state !== 'released')
    throw new ExchangeError('document-held', check.state);
}

/**
 * Before acceptance (03), whoever asks: completeness, integrity and safety come first (QĐ 28/2018 Đ9.1). Codes: as `assertReadable`, and
 * `document-signature-invalid` for what is only given back.
 */
export function assertAcceptable(row: Arrival, context: EdgeContext): void {
  assertReadable({ direction: 'in', row }, context);
  const refused = signatureRefused({ safety: safetyOf('in', row.seq, context) });
  if (refused !== undefined) throw new ExchangeError('document-signature-invalid', refused);
}

export function heldRows(limit: number, context: EdgeContext): readonly HeldRow[] {
  const { store, directory } = context;
  return store.heldChecks(limit).flatMap((row): HeldRow[] => {
    const out = row.direction === 'out' ? store.documentSeq(row.doc) : undefined;
    const arrived = row.direction === 'in' ? store.arrivalSeq(row.doc) : undefined;
    const found = out ?? arrived;
    if (!found) return [];
    return [
      {
        id: uuidFromBytes(arrived?.envelope_id ?? found.document_id),
        direction: row.direction,
        from: directory.current().codeOf(out?.unit ?? arrived?.sender ?? ''),
        sinceMs: row.since_ms,
        secret: row.secret === 1,
        findings: findingsOf(row),
        first: person(row.first_by, row.first_ms, row.first_why),
      },
    ];
  });
}

/** A person's word; durable on return. See safety-ops.ts for who may. */
export async function judgeHeld(
  found: Found,
  how: { readonly act: 'release' | 'reject'; readonly actor: string; readonly why: string },
  context: EdgeContext,
): Promise<'first' | 'released' | 'rejected'> {
  if (how.actor.trim() === '') throw new ExchangeError('request-malformed', 'who decides is not named');
  if (how.why.trim() === '') throw new ExchangeError('request-malformed', 'a reason is needed');
  const { store, clock } = context;
  return await store.write('judgeHeld', {
    direction: found.direction,
    doc: found.row.seq,
    act: how.act,
    actor: how.actor.slice(0, 200),
    why: how.why.slice(0, 500),
    nowMs: clock.nowMs(),
  });
}

// Receipts and notices, good and hostile, for test/vectors/statements.json. Only generate.ts imports it.
import { signedStatementCodec, statementCodec } from '../../protocol/codec.ts';
import { limits } from '../../protocol/limits.ts';
import { envelopeDigest } from '../../protocol/seal.ts';
import { type PayloadType, type SigningKey, signMany, signOne } from '../../protocol/signature.ts';
import { events, outcomes, statementType } from '../../protocol/statement.ts';
import type { Signed, Statement } from '../../protocol/wire.ts';
import {
  atMs,
  bytesField,
  fixedBytes,
  hub,
  nextHub,
  numberField,
  type Outcome,
  recipient,
  sender,
  stranger,
  toBytes,
  type VectorFile,
} from '../support/vectors.ts';
import { header } from './generate-envelopes.ts';

const common = {
  version: 1,
  statementId: fixedBytes('statement', 16),
  envelopeId: header.envelopeId,
  documentId: header.documentId,
  envelopeDigest: envelopeDigest(fixedBytes('header bytes', 100)),
  sender: sender.id,
  atMs,
};
const ofHub: Partial<Statement> = {
  ...common,
  event: events.SubmissionAcceptance,
  issuer: hub.id,
  results: [
    { index: 0, unit: recipient.id, outcome: outcomes.accepted, code: '' },
    { index: 1, unit: stranger.id, outcome: outcomes.refused, code: 'unit-closed' },
  ],
  epoch: 1,
  directoryVersion: 12,
  revocationNumber: 3,
  ledgerSequence: 1001,
};
const ofUnit: Partial<Statement> = {
  ...common,
  event: events.ContentHandover,
  issuer: recipient.id,
  results: [{ index: 0, unit: recipient.id, outcome: outcomes.delivered, code: '' }],
  parts: [{ index: 0, sha256: fixedBytes('part', 32) }],
  clockOffsetMs: 1200,
};

type Made = {
  readonly base?: Partial<Statement>;
  readonly change?: Partial<Statement>;
  readonly bytes?: Uint8Array;
  readonly type?: PayloadType;
  readonly key?: SigningKey;
  readonly signed?: (good: Signed) => Signed;
};

function made({ base = ofHub, change, bytes, type, key, signed = (same) => same }: Made = {}): Buffer {
  const statement = { ...base, ...change };
  const inside = bytes ?? statementCodec.encode(statement);
  const by = key ?? (base === ofUnit ? recipient.signing : hub.signing);
  return signedStatementCodec.encode(
    signed(signOne(type ?? statementType(statement.event ?? 0), inside, by)),
  );
}
const unit = (change: Partial<Statement> = {}, more: Omit<Made, 'base' | 'change'> = {}) =>
  made({ base: ofUnit, change, ...more });
const notice = (event: keyof typeof events, outcome: number, code: string) =>
  made({ change: { event: events[event], results: [{ index: 0, unit: recipient.id, outcome, code }] } });
const results = (...list: Statement['results']): Partial<Statement> => ({ results: list });
/** The border's word about an office of another system (PROTOCOL.md 16). */
const beyond = (
  event: 'RelayToNonERDS' | 'RelayToNonERDSFailure',
  result: Partial<NonNullable<Statement['results']>[number]>,
  change: Partial<Statement> = {},
): Partial<Statement> => ({
  event: events[event],
  results: [{ index: 0, unit: recipient.id, outcome: outcomes.relayed, code: '', ...result }],
  parts: [{ index: 0, sha256: fixedBytes('unzipped file', 32) }],
  foreignMessage: fixedBytes('message', 32),
  ...change,
});
const one = ofHub.results![0]!;

type Case = readonly [name: string, clause: string, expect: Outcome, bytes: Buffer];

function goodCases(): Case[] {
  const batch = signMany(
    Array.from({ length: 5 }, (_, i) => ({
      type: 'lienthong/receipt/1' as const,
      bytes: statementCodec.encode({ ...ofHub, statementId: fixedBytes(`batch ${i}`, 16) }),
    })),
    hub.signing,
  );
  return [
    ['SubmissionAcceptance of a hub', '8.1', 'ok', made()],
    ['SubmissionAcceptance, last of a batch of five', '4.3', 'ok', signedStatementCodec.encode(batch[4]!)],
    ['ContentHandover of the recipient', '8.1', 'ok', unit()],
    ['ContentHandover without part digests', '8.1', 'ok', unit({ parts: [] })],
    [
      'ConsignmentRejection of the recipient',
      '8.1',
      'ok',
      unit({
        event: events.ConsignmentRejection,
        results: [{ index: 0, unit: recipient.id, outcome: outcomes.refused, code: 'part-name-refused' }],
        parts: [],
      }),
    ],
    ['SubmissionRejection', '8.1', 'ok', notice('SubmissionRejection', outcomes.refused, 'unit-unknown')],
    [
      'RelayAcceptance of the next hub',
      '8.1',
      'ok',
      made({ change: { event: events.RelayAcceptance, issuer: nextHub.id }, key: nextHub.signing }),
    ],
    [
      'RelayAcceptance, forwarded to the successor',
      '8.1',
      'ok',
      made({
        change: {
          event: events.RelayAcceptance,
          ...results({ index: 0, unit: stranger.id, outcome: outcomes.forwarded, code: '' }),
        },
      }),
    ],
    ['RelayRejection', '8.1', 'ok', notice('RelayRejection', outcomes.refused, 'route-none')],
    ['RelayFailure', '8.1', 'ok', notice('RelayFailure', outcomes.undeliverable, 'route-none')],
    [
      'ContentHandoverFailure, undeliverable',
      '8.1',
      'ok',
      notice('ContentHandoverFailure', outcomes.undeliverable, 'part-mismatch'),
    ],
    [
      'ContentHandoverFailure, cancelled',
      '8.1',
      'ok',
      notice('ContentHandoverFailure', outcomes.cancelled, 'delivery-withdrawn'),
    ],
    [
      'RelayToNonERDS: taken under an id of the other system',
      '16',
      'ok',
      made({ change: beyond('RelayToNonERDS', { foreignId: '5f1c0ffee0ddba11decade00' }) }),
    ],
    [
      'RelayToNonERDS: the other system reports',
      '16',
      'ok',
      made({ change: beyond('RelayToNonERDS', { outcome: outcomes.reported, words: '03 2026/01/15 09:10:00' }) }),
    ],
    [
      'RelayToNonERDSFailure in the words of the other system',
      '16',
      'ok',
      made({
        change: beyond('RelayToNonERDSFailure', {
          outcome: outcomes.refused,
          code: 'axis-recipient-locked',
          words: 'Đơn vị nhận đã bị khoá',
        }),
      }),
    ],
    [
      'AcceptanceRejectionExpiry',
      '8.1',
      'ok',
      notice('AcceptanceRejectionExpiry', outcomes.expired, 'envelope-expired'),
    ],
    [
      'unknown field',
      '14',
      'ok',
      made({ bytes: Buffer.concat([statementCodec.encode(ofHub), bytesField(99, 'later')]) }),
    ],
    [
      'event of a later version: a notice of a hub',
      '14',
      'ok',
      made({ change: { event: 99, ...results({ ...one, outcome: outcomes.undeliverable }) } }),
    ],
    ['outcome of a later version', '14', 'ok', made({ change: results({ ...one, outcome: 77 }) })],
  ];
}

function signerCases(): Case[] {
  return [
    ['hub event signed by another hub', '8.3', 'signature-invalid', made({ key: nextHub.signing })],
    [
      'hub event signed by a unit in the name of the hub',
      '8.3',
      'signature-invalid',
      made({ key: recipient.signing }),
    ],
    [
      'hub event by a unit in its own name',
      '8.3',
      'signature-invalid',
      made({ change: { issuer: recipient.id }, key: recipient.signing }),
    ],
    [
      'unit event by a hub in its own name',
      '8.3',
      'signature-invalid',
      unit({ issuer: hub.id }, { key: hub.signing }),
    ],
    [
      'word of another system by a unit',
      '16',
      'signature-invalid',
      made({ change: beyond('RelayToNonERDS', {}, { issuer: recipient.id }), key: recipient.signing }),
    ],
    ['unit event signed by another unit', '8.3', 'signature-invalid', unit({}, { key: stranger.signing })],
    [
      'unit states about another unit',
      '8.3',
      'statement-mismatch',
      unit(results({ index: 1, unit: stranger.id, outcome: outcomes.delivered, code: '' })),
    ],
    [
      'unit states about itself and another',
      '8.3',
      'statement-mismatch',
      unit(
        results(ofUnit.results![0]!, { index: 1, unit: stranger.id, outcome: outcomes.delivered, code: '' }),
      ),
    ],
    ['receipt signed as a notice', '8.2', 'signature-type-mismatch', made({ type: 'lienthong/notice/1' })],
    [
      'notice signed as a receipt',
      '8.2',
      'signature-type-mismatch',
      made({
        change: { event: events.RelayRejection, ...results({ ...one, outcome: outcomes.refused }) },
        type: 'lienthong/receipt/1',
      }),
    ],
    [
      'event of a later version signed as a receipt',
      '8.2',
      'signature-type-mismatch',
      made({
        change: { event: 99, ...results({ ...one, outcome: outcomes.undeliverable }) },
        type: 'lienthong/receipt/1',
      }),
    ],
    ['signed as a sealed header', '4.1', 'signature-type-mismatch', made({ type: 'lienthong/header/1' })],
    [
      'sealed as a header and then called a receipt',
      '4.1',
      'signature-invalid',
      made({ type: 'lienthong/header/1', signed: (g) => ({ ...g, type: 'lienthong/receipt/1' }) }),
    ],
    [
      'one bit of the signed bytes',
      '4.1',
      'signature-invalid',
      made({
        signed: (g) => ({
          ...g,
          bytes: Buffer.concat([g.bytes.subarray(0, -1), Buffer.of(g.bytes.at(-1)! ^ 1)]),
        }),
      }),
    ],
    [
      'key that nobody has',
      '4.2',
      'signer-unknown',
      made({ signed: (g) => ({ ...g, signature: { ...g.signature!, keyId: fixedBytes('nobody', 32) } }) }),
    ],
    ['no signature', '4', 'signature-invalid', made({ signed: (g) => ({ ...g, signature: null }) })],
    [
      'algorithm 4',
      '4.2',
      'signature-algorithm-refused',
      made({ signed: (g) => ({ ...g, signature: { ...g.signature!, algorithm: 4 } }) }),
    ],
  ];
}

function formCases(): Case[] {
  const good = made();
  const bytes = statementCodec.encode(ofHub);
  const malformed = (name: string, clause: string, change: Partial<Statement>): Case => [
    name,
    clause,
    'statement-malformed',
    made({ change }),
  ];
  return [
    ['nothing', '4', 'signature-invalid', Buffer.alloc(0)],
    ['last byte missing', '1.3', 'statement-malformed', good.subarray(0, -1)],
    ['a byte after the end', '1.3', 'statement-malformed', Buffer.concat([good, Buffer.of(0)])],
    ['event twice', '1.3', 'statement-malformed', made({ bytes: Buffer.concat([bytes, numberField(2, 1)]) })],
    [
      'epoch of 2^53',
      '1.3',
      'statement-malformed',
      made({
        bytes: Buffer.concat([
          statementCodec.encode({ ...ofHub, epoch: undefined as never }),
          numberField(10, 2 ** 53),
        ]),
      }),
    ],
    [
      'larger than 160 KiB',
      '9',
      'statement-too-large',
      made({ bytes: Buffer.concat([bytes, bytesField(99, Buffer.alloc(limits.statementBytesMax + 1024))]) }),
    ],
    malformed('version 2', '14', { version: 2 }),
    malformed('digest of 31 bytes', '8.2', { envelopeDigest: Buffer.alloc(31) }),
    malformed('statement id of 15 bytes', '8.2', { statementId: Buffer.alloc(15) }),
    ['envelope id absent', '8.2', 'id-malformed', made({ change: { envelopeId: Buffer.alloc(0) } })],
    malformed('no results', '8.2', results()),
    malformed('1,025 results', '9', {
      results: Array.from({ length: 1025 }, (_, index) => ({ ...one, index })),
    }),
    malformed('result index twice', '8.2', results(one, one)),
    malformed('outcome absent', '8.1', results({ ...one, outcome: 0 })),
    malformed(
      'delivered by the word of another system',
      '16',
      beyond('RelayToNonERDS', { outcome: outcomes.delivered }),
    ),
    malformed(
      'reported in a failure at another system',
      '16',
      beyond('RelayToNonERDSFailure', { outcome: outcomes.reported }),
    ),
    malformed('reported by a hub of this exchange', '16', results({ ...one, outcome: outcomes.reported })),
    malformed('words of another system of 301 bytes', '9', beyond('RelayToNonERDS', { words: 'x'.repeat(301) })),
    malformed('id of another system of 101 bytes', '9', beyond('RelayToNonERDS', { foreignId: 'x'.repeat(101) })),
    malformed(
      'digest of a message of 31 bytes',
      '16',
      beyond('RelayToNonERDS', {}, { foreignMessage: Buffer.alloc(31) }),
    ),
    malformed('delivered by the word of a hub', '8.1', results({ ...one, outcome: outcomes.delivered })),
    malformed('accepted in a rejection', '8.1', { event: events.SubmissionRejection }),
    malformed('delivered under an event of a later version', '8.1', {
      event: 99,
      ...results({ ...one, outcome: outcomes.delivered }),
    }),
    [
      'refused in a delivery receipt',
      '8.1',
      'statement-malformed',
      unit(results({ ...ofUnit.results![0]!, outcome: outcomes.refused })),
    ],
    malformed(
      'code of 65 bytes',
      '8.2',
      results({ ...one, outcome: outcomes.refused, code: 'x'.repeat(65) }),
    ),
    [
      'part digest of 20 bytes',
      '8.2',
      'statement-malformed',
      unit({ parts: [{ index: 0, sha256: Buffer.alloc(20) }] }),
    ],
  ];
}

export function statementFiles(): Record<string, VectorFile<object>> {
  return {
    statements: {
      about: 'Bytes of a Signed with a receipt or a notice, judged by clause 8.3 with the keys of keys.json.',
      vectors: [...goodCases(), ...signerCases(), ...formCases()].map(([name, clause, expect, bytes]) => ({
        name,
        clause,
        expect,
        bytes: toBytes(bytes),
      })),
    },
  };
}

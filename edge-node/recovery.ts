// After a restore of this store: the hub is asked what our units have sent since the backup, and the outbox is rebuilt from it before new
// work is taken. Otherwise a document that the backup held unsent would be sent a second time under another id.
// It must never take a header for ours that our own seal does not cover.
import { metadataCodec, signedCodec, wrapperCodec } from '../protocol/codec.ts';
import { isExchangeError } from '../protocol/errors.ts';
import { uuidFromBytes } from '../protocol/ids.ts';
import { openDecoded } from '../protocol/open.ts';
import type { SentItem } from '../protocol/wire.ts';
import type { EdgeContext } from './context.ts';
import { openKnownStatement, statementRow } from './statement-row.ts';
import type { SentRow, StatementRow } from './store/types.ts';

/** Headers and metadata only: some 2 kB each. */
const itemsMax = 500;

/** Idempotent: a cut one goes on where it stood. Returns when the outbox holds everything that the hub has of us. */
export async function recoverSent(context: EdgeContext, signal: AbortSignal): Promise<void> {
  const { store, link, clock, line, log } = context;
  for (;;) {
    const afterSequence = store.numberFact('sentAfter') || store.numberFact('ledgerSeen');
    const { items, more } = await link.sent({ afterSequence, itemsMax }, signal);
    const rows: SentRow[] = [];
    for (const item of items) {
      const row = await sentRow(item, context);
      if (row) rows.push(row);
    }
    const sentAfter = items.reduce((max, { ledgerSequence }) => Math.max(max, ledgerSequence), afterSequence);
    await store.write('rebuildSent', { items: rows, sentAfter, nowMs: clock.nowMs() });
    if (!more || sentAfter === afterSequence) break;
  }
  await store.write('setFacts', { recoveredCount: String(store.numberFact('restoreCount')), sentAfter: '0' });
  log.info({ event: 'link.up', recovered: true });
  line.setRecovering(false);
}

async function sentRow(item: SentItem, context: EdgeContext): Promise<SentRow | undefined> {
  const { store, clock, verifier, signers } = context;
  try {
    const statements: StatementRow[] = [];
    for (const bytes of item.statements)
      statements.push(statementRow(bytes, await openKnownStatement(bytes, context)));
    const wrapper = wrapperCodec.decode(item.wrapper);
    const atMs = statements[0]?.atMs ?? clock.nowMs();
    const { header, signed, digest } = await openDecoded(
      { ...wrapper, inlineParts: [], uploadedParts: [] },
      { resolve: signers.seal, verifier, atMs },
    );
    if (!context.identity().units.some(({ unit }) => unit === header.sender)) return undefined;
    const metadata = wrapper.metadata ? metadataCodec.decode(wrapper.metadata.block) : undefined;
    const id = uuidFromBytes(header.envelopeId);
    const idText = (bytes: Uint8Array) => (bytes.length === 16 ? uuidFromBytes(bytes) : undefined);
    return {
      envelopeId: header.envelopeId,
      digest,
      signed: signedCodec.encode(signed),
      createdMs: header.createdMs,
      statements,
      document: {
        documentId: header.documentId,
        unit: header.sender,
        idempotencyKey: metadata?.clientReference || `envelope ${id}`,
        requestDigest: new Uint8Array(0),
        kind: header.kind,
        urgency: header.urgency,
        nowMs: header.createdMs,
        deliverByMs: null,
        replyByMs: header.replyByMs,
        links: JSON.stringify(
          header.links.map(({ relation, envelopeId, documentId }) => ({
            relation,
            envelopeId: idText(envelopeId),
            documentId: idText(documentId),
          })),
        ),
        status: header.status ? JSON.stringify(header.status) : null,
        salt: wrapper.metadata?.salt ?? null,
        metadata: wrapper.metadata?.block ?? null,
        subject: metadata?.subject ?? null,
        notation: metadata?.notation ?? null,
        number: metadata?.number ?? null,
        bytes: header.parts.reduce((sum, { length }) => sum + length, 0),
        recipients: header.recipients.map(({ unit, desk, group, groupDirectoryVersion }) => ({
          unit,
          desk,
          group,
          groupVersion: groupDirectoryVersion,
        })),
        parts: header.parts.map(({ length, sha256, treeRoot }, i) => ({
          length,
          sha256,
          treeRoot,
          name: metadata?.parts[i]?.name ?? `part-${i + 1}`,
          mediaType: metadata?.parts[i]?.mediaType ?? '',
          content: null,
        })),
      },
    };
  } catch (error) {
    if (!isExchangeError(error) || error.row.retry !== 'never') throw error;
    await store.write('alarm', {
      atMs: clock.nowMs(),
      code: error.code,
      about: `sent ${item.ledgerSequence}`,
      said: 'the hub names an envelope of ours that does not verify',
    });
    return undefined;
  }
}

// A verified statement in the shape that the store takes. Used by the sender (receipts), the fetcher (what the hub relays) and recovery.
import { isExchangeError } from '../protocol/errors.ts';
import { assertBorderWord, type OpenedStatement, openStatement } from '../protocol/statement.ts';
import type { EdgeContext } from './context.ts';
import type { StatementRow } from './store/types.ts';

export function statementRow(bytes: Uint8Array, { statement: s }: OpenedStatement): StatementRow {
  return {
    bytes,
    statementId: s.statementId,
    issuer: s.issuer,
    event: s.event,
    sender: s.sender,
    envelopeId: s.envelopeId,
    digest: s.envelopeDigest,
    atMs: s.atMs,
    epoch: s.epoch,
    ledgerSequence: s.ledgerSequence,
    results: s.results.map(({ index, unit, outcome, code }) => ({ index, unit, outcome, code })),
  };
}

/**
 * As openStatement; an unknown signer is looked up in a fresh directory once. A hub's word for another system counts only about units behind
 * its own border.
 */
export async function openKnownStatement(
  bytes: Uint8Array,
  context: Pick<EdgeContext, 'signers' | 'verifier' | 'directory' | 'link'>,
): Promise<OpenedStatement> {
  const { signers, verifier, directory, link } = context;
  const open = async () => {
    const opened = await openStatement(bytes, signers.statement, verifier);
    assertBorderWord(opened.statement, (id) => directory.current().unit(id));
    return opened;
  };
  try {
    return await open();
  } catch (error) {
    if (!isExchangeError(error, 'signer-unknown')) throw error;
    if (!(await directory.refreshForSigner(link))) throw error;
    return await open();
  }
}

// Recipients of a document that was sent, by the addresses under which it shows them. A recipient of a code that has changed since is found by the
// present one and by the internal id. Nothing is sent here.
import { ExchangeError } from '../../protocol/errors.ts';
import type { EdgeContext } from '../context.ts';

/** Undefined stays undefined: everybody. Codes: `document-unknown`, `document-state-refused` (names the address that is no recipient of it). */
export function recipientsNamed(
  documentId: Uint8Array,
  to: readonly string[] | undefined,
  { store, directory }: EdgeContext,
): { unit: string; desk: string }[] | undefined {
  if (to === undefined) return undefined;
  const row = store.documentById(documentId);
  if (!row) throw new ExchangeError('document-unknown');
  const recipients = store.latestRecipients(row.seq).map(({ unit, desk }) => ({ unit, desk }));
  const current = directory.current();
  const by = new Map<string, { unit: string; desk: string }>();
  for (const each of recipients)
    for (const code of [each.unit, current.codeOf(each.unit)])
      by.set(each.desk === '' ? code : `${each.desk}@${code}`, each);
  const named = to.map((address) => {
    const found = by.get(address.trim().normalize('NFC'));
    if (!found)
      throw new ExchangeError('document-state-refused', `${address.slice(0, 200)} is no recipient of it`);
    return found;
  });
  return [...new Set(named)];
}

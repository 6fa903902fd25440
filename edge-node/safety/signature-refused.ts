// Whether the signature of an arrival is so bad that nobody accepts the document: the screen and the core ask here. Pure, as the page takes it along.
import type { DocumentView } from '../core.ts';

/**
 * The document itself (its first file) was signed with something that does not hold, or is no longer what was signed. What was only added after it was signed, or
 * is wrong with an attachment that others signed, the clerk judges by the verification block. The sentence of the verdict; undefined: nothing of the kind.
 */
export function signatureRefused({ safety }: Pick<DocumentView, 'safety'>): string | undefined {
  const main = safety?.parts.find(({ index }) => index === 0);
  const { signatures = [] } = (main?.report ?? {}) as { signatures?: readonly { integrity?: string }[] };
  const altered =
    main?.verdict === 'changed-after-signing' && signatures.some(({ integrity }) => integrity === 'altered');
  return main?.verdict === 'invalid' || altered ? (main?.sentence?.vi ?? '') : undefined;
}

// The look at a document that costs nothing, common to node and hub: sizes, names, the first bytes of each file. It says what is found already and
// whether the files have to be looked at to the end. It must never read more than the head of a file.
import type { Finding } from '../../protocol/safety/findings.ts';
import type { FileTypeName, Rules } from '../../protocol/safety/policy.ts';
import { lookAtHead, type PartToCheck, type PartVerdict } from './check-parts.ts';

export type QuickLook = {
  readonly findings: readonly Finding[];
  readonly types: ReadonlyMap<number, FileTypeName>;
  readonly verdicts: readonly PartVerdict[];
  /** Inspection or scanner have something to do. */
  readonly waits: boolean;
};

export async function quickLook(
  parts: readonly Pick<PartToCheck, 'index' | 'name' | 'lengthBytes' | 'head'>[],
  { rules, scanning }: { readonly rules: Rules; readonly scanning: boolean },
): Promise<QuickLook> {
  const findings: Finding[] = [];
  const types = new Map<number, FileTypeName>();
  const verdicts: PartVerdict[] = [];
  let waits = scanning && parts.length > 0;
  for (const part of parts) {
    const { type, mediaType, findings: found, needsInspection } = lookAtHead(part, await part.head(), rules);
    findings.push(...found);
    types.set(part.index, type);
    if (needsInspection) waits = true;
    verdicts.push({
      index: part.index,
      type,
      mediaType,
      scan: 'not-scanned',
      scanSaid: '',
      firstPage: null,
      pdf: null,
    });
  }
  const bytes = parts.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  if (bytes > rules['document-bytes-max'])
    findings.push({ code: 'document-bytes-max', said: `${bytes} bytes` });
  return { findings, types, verdicts, waits };
}

// What a file of a draft is, before it is sent: its signature, what a check would find, and what it says of itself as suggestions for the person who
// writes. Each file is looked at once, in the processes that read files of strangers; nothing here decides whether it may leave (outbox/submit.ts).
// Before a document's path.
import type { Inspection } from '../../certs/inspect/inspection.ts';
import type { ReportedSignature } from '../../certs/pdf/report.ts';
import { factsOfPages, type PageFacts } from '../../protocol/document/page-facts.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import { findingWords } from '../../protocol/safety/findings.ts';
import { kinds } from '../../protocol/seal.ts';
import type { EdgeContext } from '../context.ts';
import { rulesOf } from '../safety/quick.ts';
import type { DraftPart, PartLook, SuggestedField, Suggestion } from './contract.ts';
import { type Pages, pageSourceBytesMax } from './pages.ts';

export type Looked = { readonly view: PartLook; readonly inspection: Inspection };
export type Look = (part: Pick<DraftPart, 'handle' | 'name'>, unit: string) => Promise<Looked>;

/** The signature block of a decision with a long annex stands on its first pages. */
const pagesRead = 20;
/** As many as a draft has files; older ones are looked at again. */
const keptMax = 128;

const fieldsRead = [
  'number',
  'notation',
  'issueDate',
  'type',
  'subject',
  'signerName',
  'signerPosition',
  'signerCompetence',
] as const satisfies readonly SuggestedField[];

/** Throws `content-gone` for a handle that is not the unit's, and `overloaded`. */
export function createLook(context: EdgeContext, pages: Pages): Look {
  const { store, content, clock, safety } = context;
  const kept = new Map<string, Promise<Looked>>();

  async function look({ handle, name }: Pick<DraftPart, 'handle' | 'name'>, unit: string): Promise<Looked> {
    const staged = store.staged(handle);
    if (staged?.unit !== unit) throw new ExchangeError('content-gone', 'no such handle');
    const rules = rulesOf(context, { unit, kind: kinds.document });
    const inspection = await safety.inspector.inspect(await content.source(staged.sha256), {
      name,
      atMs: clock.nowMs(),
      archive: {
        depthMax: rules['archive-depth-max'],
        membersMax: rules['archive-members-max'],
        bytesMax: rules['archive-bytes-max'],
        ratioMax: rules['archive-ratio-max'],
      },
      pdfVersions: [rules['pdf-version-min'], rules['pdf-version-max']],
    });
    const readable =
      inspection.type === 'pdf' && staged.length <= pageSourceBytesMax && (await pages.available());
    async function* read() {
      yield* await content.read(staged!.sha256);
    }
    const texts = readable ? await pages.texts(read, pagesRead) : [];
    const count = readable ? await pages.count(read) : undefined;
    const facts = factsOfPages(texts);
    return {
      inspection,
      view: {
        handle,
        signature: signatureOf(inspection),
        findings: inspection.findings.map(({ code }) => ({ code, words: findingWords[code].vi })),
        suggestions: suggestionsOf(facts, inspection, count),
        places: facts.places ?? [],
      },
    };
  }

  return async (part, unit) => {
    const key = `${unit} ${part.handle} ${part.name}`;
    const known = kept.get(key);
    if (known) return await known;
    const looking = look(part, unit);
    kept.set(key, looking);
    if (kept.size > keptMax) kept.delete(kept.keys().next().value!);
    try {
      return await looking;
    } catch (error) {
      kept.delete(key);
      throw error;
    }
  };
}

const timeOf = ({ timeStamp, claimedTimeMs }: ReportedSignature): number | undefined =>
  (timeStamp?.valid ? timeStamp.timeMs : claimedTimeMs) ?? undefined;

function signatureOf({ pdf }: Inspection): PartLook['signature'] {
  if (!pdf) return undefined;
  return {
    verdict: pdf.verdict,
    // The advice behind the dash is for a receiver.
    sentence: `${pdf.sentence.replace(/ – [^–]*$/u, '').replace(/\.$/, '')}.`,
    signers: pdf.signatures
      .filter(({ kind, integrity }) => kind === 'signature' && integrity !== 'empty')
      .slice(0, 10)
      .map((signature) => ({
        name: signature.signer ?? '',
        organisation: signature.organisation ?? '',
        party: signature.party,
        atMs: timeOf(signature),
      })),
  };
}

/** A name in a certificate was checked by an authority; what is printed may be anything. */
function suggestionsOf(
  facts: PageFacts,
  { pdf }: Inspection,
  pages: number | undefined,
): PartLook['suggestions'] {
  const found: Partial<Record<SuggestedField, Suggestion>> = {};
  for (const field of fieldsRead) {
    const value = facts[field];
    if (value) found[field] = { value, from: 'text' };
  }
  if (pages) found.pages = { value: String(pages), from: 'text' };
  const person = pdf?.signatures.find(({ party, integrity }) => party === 'person' && integrity === 'good');
  if (person?.signer) found.signerName = { value: person.signer, from: 'signature' };
  return found;
}

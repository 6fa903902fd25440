// Says whether a change made after a signature is permitted for that signature, and by what.
// It must never permit a change to what is seen on the word of anybody less trusted than the signature it touches.
// The rule of Decree 30/2020, article 14: number and date come after the person signs, then the organisation signs over them.
import type { Change, ChangeKind } from './difference.ts';
import type { ReportedChange } from './report.ts';
import type { Judged } from './signature.ts';

/** One signature with what is known of its trust. */
export type Weighed = { readonly judged: Judged; readonly trusted: boolean };

export type Permission = {
  readonly of: Weighed;
  /** Strictest DocMDP of what was signed; undefined: nothing was said. */
  readonly level: number | undefined;
  readonly locked: (field: string) => boolean;
  readonly all: readonly Weighed[];
};

const HARMLESS: ReadonlySet<ChangeKind> = new Set<ChangeKind>(['validation-data', 'metadata']);
/** Additions that an organisation may sign for: the number, the date, a stamp. What was there stays. */
const ADDITIONS: ReadonlySet<ChangeKind> = new Set<ChangeKind>([
  'page-content-added',
  'annotation-added',
  'form-filled',
  'form-field-added',
  'structure-changed',
]);

/** `coveredTo`: the change lies in the revision that ends here; a signature covers it when it reaches as far. */
export function weighChange(change: Change, coveredTo: number, permission: Permission): ReportedChange {
  const by = permittedBy(change, coveredTo, permission);
  return { ...change, permitted: by !== null, by };
}

function permittedBy(change: Change, coveredTo: number, permission: Permission): ReportedChange['by'] {
  const { level, locked } = permission;
  const { kind } = change;
  if (HARMLESS.has(kind)) return 'harmless';
  if (kind === 'signature-added') return signaturePermitted(change, permission) ? 'harmless' : null;
  if (kind === 'signature-field-added') return level === 1 || locked(change.field ?? '') ? null : 'harmless';
  if (kind === 'form-filled' && level !== undefined && level >= 2 && !locked(change.field ?? ''))
    return 'modification-permission';
  // DocMDP 3 lets anybody comment. What paints over the page is no comment: it changes what is seen ("evil annotation", "sneaky signature").
  if (
    (kind === 'annotation-added' || kind === 'annotation-changed') &&
    level === 3 &&
    change.noteOnly === true
  )
    return 'modification-permission';
  if (ADDITIONS.has(kind) && level === undefined && coveringOrganisation(coveredTo, permission))
    return 'organisation-signature';
  return null;
}

/** Good: a bad one is the verdict itself. That it may be seen and not be trusted is weighed in verdict.ts. */
function signaturePermitted(change: Change, { level, locked, all }: Permission): boolean {
  const added = all.find(({ judged }) => judged.field.contents?.start === change.contentsAt);
  if (added?.judged.integrity !== 'good') return false;
  // A document time stamp is allowed even where nothing else is (ISO 32000-2, 12.8.2.2).
  return change.timeStamp === true || (level !== 1 && !locked(change.field ?? ''));
}

/** The organisation whose good signature covers the change that was made after a person signed. */
export function coveringOrganisation(coveredTo: number, { of, all }: Permission): Weighed | undefined {
  if (of.judged.party?.kind !== 'person') return undefined;
  return all.find(
    ({ judged, trusted }) =>
      judged.coverage.good &&
      judged.coverage.end >= coveredTo &&
      judged.integrity === 'good' &&
      judged.party?.kind === 'organisation' &&
      (trusted || !of.trusted),
  );
}

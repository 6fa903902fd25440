// Fields as handed in <-> metadata as sealed (wire.proto Metadata). Pure. Nothing is invented and nothing that was said is dropped.
import { ExchangeError } from '../errors.ts';
import { relations, urgencies } from '../seal.ts';
import type { Metadata } from '../wire.ts';
import type { DocumentFields } from './fields.ts';
import { kindByName } from './kinds.ts';
import { parseNumberAndNotation } from './notation.ts';

/** wire.proto Metadata.extra_json. */
const EXTRA_BYTES_MAX = 16 * 1024;

export type SaidMetadata = Partial<Omit<Metadata, 'parts' | 'clientReference'>>;

/** Only what was said. Throws `request-malformed` for extra fields that are too large. */
export function metadataOf(fields: DocumentFields): SaidMetadata {
  const { subject, number, notation, type, issueDate, sphere, note } = fields;
  const { paperFollows, pages, copies, otherPlaces, reason, reportPeriod } = fields;
  const plain = {
    subject,
    number,
    notation,
    type,
    issueDate,
    sphere,
    note,
    paperFollows,
    pages,
    copies,
    otherPlaces,
  };
  const said = Object.fromEntries(
    Object.entries({ ...plain, reason, reportPeriod }).filter(([, value]) => value !== undefined),
  );
  const extraJson = fields.extra === undefined ? undefined : JSON.stringify(fields.extra);
  if (extraJson !== undefined && Buffer.byteLength(extraJson) > EXTRA_BYTES_MAX)
    throw new ExchangeError('request-malformed', `/extra: more than ${EXTRA_BYTES_MAX} bytes of JSON`);
  return {
    ...said,
    ...(fields.origin === undefined ? {} : { origin: fields.origin === 'scan' ? 1 : 2 }),
    ...(fields.urgentAt === undefined ? {} : { urgentAtMs: Date.parse(fields.urgentAt) }),
    ...(extraJson === undefined ? {} : { extraJson }),
    ...(fields.signers === undefined
      ? {}
      : {
          signers: fields.signers.map(({ name, position = '', competence = '' }) => ({
            name,
            position,
            competence,
          })),
        }),
    ...(fields.related === undefined
      ? {}
      : {
          related: fields.related.map((each) => ({
            relation: relations[each.relation],
            number: each.number ?? '',
            notation: each.notation ?? '',
            issueDate: each.issueDate ?? '',
            issuer: each.issuer ?? '',
            issuerName: each.issuerName ?? '',
            foreignId: each.foreignId ?? '',
          })),
        }),
  };
}

/** What the sender said, else what the kind asks for (công điện, giấy mời, giấy triệu tập). */
export function urgencyOf({ urgency, type, number, notation }: DocumentFields): number {
  if (urgency !== undefined) return urgencies[urgency];
  const kind = kindByName(type ?? '') ?? parseNumberAndNotation(number ?? '', notation ?? '').kind;
  return kind?.urgency ?? urgencies.normal;
}

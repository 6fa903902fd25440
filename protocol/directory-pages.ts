// Form of a hub's part of the directory: whole (directory/1), or a signed head that names pages of units by their digests (directory/2).
// A unit's page follows from its id, so an act changes one page; whoever holds an older version needs only the pages whose digest is new,
// and checks each against the signed head. Pure. Signatures are judged in certs/, not here. PROTOCOL.md 3.6.
import { hash } from 'node:crypto';
import { directoryPageCodec, directoryPartCodec, signedDirectoryCodec } from './codec.ts';
import { ExchangeError } from './errors.ts';
import type { DirectoryPart, DirectoryUnit, SignedDirectory } from './wire.ts';

export type KnownUnit = DirectoryUnit & { readonly hub: string };
/** Units of one page; the same object as long as its content is the same, so that indexes can be carried over. */
export type OpenPage = { readonly digestHex: string; readonly units: readonly KnownUnit[] };
/** A part as read: `units` are those of all pages that are here. */
export type OpenPart = DirectoryPart & {
  /** Absent in a directory/1. In the order of pages; undefined where a page did not come (a proof brings only what it needs). */
  readonly pages?: readonly (OpenPage | undefined)[];
};

export const pagesMax = 4_096;
/** Grown when a page holds more than this on average; then to half of it. Larger: an act costs more; smaller: the signed head grows. */
const UNITS_PER_PAGE_MAX = 128;
const idLetters = '0123456789abcdefghjkmnpqrstvwxyz';

/** Number of pages for so many units, given the number now: it only grows, since each change of it rewrites everything. */
export function pageCountFor(units: number, now: number): number {
  let count = Math.max(1, now);
  if (units <= count * UNITS_PER_PAGE_MAX) return count;
  while (count < pagesMax && units > (count * UNITS_PER_PAGE_MAX) / 2) count *= 2;
  return count;
}

/** The first 20 random bits of the id, cut to the number of pages. 0 for what is no id. */
export function pageOf(unit: string, pageCount: number): number {
  let bits = 0;
  for (let at = 1; at <= 4; at++) bits = bits * 32 + Math.max(0, idLetters.indexOf(unit[at] ?? '0'));
  return Math.floor((bits * pageCount) / 2 ** 20);
}

/** Ids of a page are one range of text: from <= id < to. */
export function pageRange(page: number, pageCount: number): { readonly from: string; readonly to: string } {
  const letters = (bits: number) =>
    [15, 10, 5, 0].map((shift) => idLetters[Math.floor(bits / 2 ** shift) % 32]!).join('');
  const first = (page * 2 ** 20) / pageCount;
  const end = ((page + 1) * 2 ** 20) / pageCount;
  return { from: `u${letters(first)}`, to: end >= 2 ** 20 ? 'u~' : `u${letters(end)}` };
}

const none: readonly never[] = Object.freeze([]);
/** The few kinds that a country has, once each in memory. */
const kindsSeen = new Map<string, string>();
function kindOf(kind: string): string {
  const seen = kindsSeen.get(kind);
  if (seen !== undefined) return seen;
  if (kindsSeen.size < 1_000) kindsSeen.set(kind, kind);
  return kind;
}
const many = <Item>(items: readonly Item[] | undefined): readonly Item[] => (items?.length ? items : none);

/** Own properties only, empty lists shared: 125,000 units are held for as long as the program runs. */
function leanUnit(plain: DirectoryUnit, hub: string): KnownUnit {
  return {
    unit: plain.unit,
    hub,
    aliases: plain.aliases.map(({ code, fromMs, untilMs }) => ({ code, fromMs, untilMs })),
    name: plain.name,
    state: plain.state,
    sealCertificates: many(plain.sealCertificates),
    successors: many(plain.successors),
    documentBytesMax: plain.documentBytesMax,
    node: plain.node,
    parent: plain.parent,
    border: plain.border ?? '',
    kind: kindOf(plain.kind ?? ''),
    groups: many(plain.groups),
    acceptedKinds: many(plain.acceptedKinds),
    desks: many(plain.desks?.map(({ desk, name }) => ({ desk, name }))),
    formerNames: many(plain.formerNames?.map(({ name, fromMs, untilMs }) => ({ name, fromMs, untilMs }))),
    endedBy: plain.endedBy ?? 0,
    endedMs: plain.endedMs ?? 0,
    movedTo: plain.movedTo ?? '',
    movedFrom: plain.movedFrom ?? '',
  };
}

export function openPage(bytes: Uint8Array, hub: string): OpenPage {
  const units = directoryPageCodec.decode(bytes).units.map((unit) => leanUnit(unit, hub));
  return { digestHex: hash('sha256', bytes, 'hex'), units };
}

export type ReadPart = {
  readonly signed: SignedDirectory;
  readonly part: OpenPart;
  /** Number of pages that neither came nor are known. 0: the part is whole. */
  readonly missing: number;
};

/**
 * Decodes a SignedDirectory of either form; nothing is verified but the pages against the digests in the head. Pages that did not come are
 * taken over from `known`, the part of the same hub that is held. Codes: statement-malformed, statement-too-large, directory-page-wrong.
 */
export function readPart(
  bytes: Uint8Array,
  knownOf: (hub: string) => OpenPart | undefined = () => undefined,
): ReadPart {
  const signed = signedDirectoryCodec.decode(bytes);
  const head = directoryPartCodec.decode(signed.bytes);
  const digests = head.pageDigests ?? [];
  if (signed.type !== 'lienthong/directory/2') {
    if (digests.length > 0 || signed.pages.length > 0)
      throw new ExchangeError('statement-malformed', `pages in a ${signed.type.slice(0, 30)}`);
    return { signed, part: head, missing: 0 };
  }
  if (
    head.units.length > 0 ||
    digests.length < 1 ||
    digests.length > pagesMax ||
    digests.some(({ length }) => length !== 32)
  )
    throw new ExchangeError('statement-malformed', 'page digests');
  const wanted = new Set(digests.map((digest) => Buffer.from(digest).toString('hex')));
  const here = new Map<string, OpenPage>();
  for (const page of knownOf(head.hub)?.pages ?? []) if (page) here.set(page.digestHex, page);
  for (const bytes of signed.pages) {
    const digestHex = hash('sha256', bytes, 'hex');
    if (!wanted.has(digestHex)) throw new ExchangeError('directory-page-wrong', digestHex.slice(0, 16));
    if (!here.has(digestHex)) here.set(digestHex, openPage(bytes, head.hub));
  }
  const pages = digests.map((digest) => here.get(Buffer.from(digest).toString('hex')));
  return {
    signed,
    part: { ...head, pages, units: pages.flatMap((page) => page?.units ?? []) },
    missing: pages.filter((page) => page === undefined).length,
  };
}

/** The entry of one unit in a part, without walking all of it. */
export function unitIn(part: OpenPart, unit: string): DirectoryUnit | undefined {
  const units = part.pages ? part.pages[pageOf(unit, part.pages.length)]?.units : part.units;
  return units?.find((each) => each.unit === unit);
}

/** True if both say the same: of pages, by their digests. */
export function sameContent(a: OpenPart, b: OpenPart): boolean {
  const bytesOf = ({ pages: _, ...part }: OpenPart) =>
    directoryPartCodec.encode(part.pageDigests?.length ? { ...part, units: [] } : part);
  // Whole and in pages of one version: the units decide, whose order is the same in both.
  if (!a.pageDigests?.length !== !b.pageDigests?.length)
    return bytesOf({ ...a, pageDigests: [] }).equals(bytesOf({ ...b, pageDigests: [] }));
  return bytesOf(a).equals(bytesOf(b));
}

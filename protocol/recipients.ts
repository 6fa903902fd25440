// Places as people name them -> units of the signed directory. Pure. What is certain is matched: exact code, group, whole name, or an abbreviation
// that fits exactly one unit. What fits several is named with its candidates, never guessed; what fits none is listed for paper.
import { type Directory, destinationOf, type KnownUnit, nameWords, unitStates } from './directory.ts';
import { searchDirectory } from './directory-search.ts';
import { groupOf, unitsOfGroup, unitsOfKinds } from './groups.ts';
import { limits } from './limits.ts';
import { headOf, placesIn, splitPlace } from './recipient-text.ts';
import { fold } from './text/fold.ts';

export type PlaceUnit = {
  readonly unit: string;
  readonly code: string;
  readonly name: string;
  readonly desk: string;
  /** Group through which it was reached, '' for none. */
  readonly group: string;
  /** Why it can be reached on paper only; '' when it is served here. */
  readonly paper: '' | 'unit-has-no-node' | 'unit-suspended' | 'unit-closed' | 'unit-split';
};
export type Candidate = { readonly code: string; readonly name: string };
export type MatchedPlace =
  | {
      readonly text: string;
      readonly found: 'units';
      readonly how: 'code' | 'name' | 'abbreviation' | 'group' | 'kinds';
      readonly units: readonly PlaceUnit[];
    }
  | { readonly text: string; readonly found: 'several'; readonly candidates: readonly Candidate[] }
  /** `candidates`: what it may have meant, for a person; nothing of it was taken. */
  | { readonly text: string; readonly found: 'nothing'; readonly candidates: readonly Candidate[] }
  /** The unit is there and lists its desks, and this is none of them. */
  | {
      readonly text: string;
      readonly found: 'desk-unknown';
      readonly code: string;
      readonly desks: readonly string[];
    }
  | { readonly text: string; readonly found: 'note'; readonly note: 'as-named' | 'archive' };

export type MatchQuestion = {
  readonly directory: Directory;
  /** The hub whose groups and units come first. */
  readonly hub: string;
  /** Units that send: they are left out of groups. */
  readonly senders: ReadonlySet<string>;
  /** A unit's own groups, resolved to addresses; undefined for no such group. */
  readonly ownGroup: (
    codeOrName: string,
  ) => { readonly code: string; readonly members: readonly string[] } | undefined;
  readonly atMs: number;
};

const CANDIDATES_MAX = 5;
/** "… huyện", or "… huyện Tây Sơn" where that is the sender's own: another place behind the name is another office. */
function placeBehind({ directory, hub }: MatchQuestion): RegExp {
  const [, own = ''] =
    / (?:huyen|tinh|thanh pho|thi xa) (.+)$/.exec(` ${plainName(directory.hub(hub)?.name ?? '')}`) ?? [];
  return new RegExp(` (?:thuoc )?(?:uy ban nhan dan )?(?:huyen|tinh|thanh pho|thi xa)(?: ${own || '-'})?$`);
}

/** Words in front that name a person where the office is meant. */
const roles =
  /^(?:đồng chí |các đồng chí )?(?:phó )?(?:chủ tịch|thủ trưởng|giám đốc|hiệu trưởng|lãnh đạo|bí thư|thường trực|tt\.?)\s+/iu;

/** Names fold to words; offices write the people's committee in three ways, or leave it out before the name of a commune. */
function plainName(name: string): string {
  return nameWords(name).join(' ');
}
const withoutCommittee = (plain: string): string => plain.replace(/^uy ban nhan dan /, '');

type Names = { readonly exact: Map<string, KnownUnit[]>; readonly bare: Map<string, KnownUnit[]> };
const namesOf = new WeakMap<Directory, Map<string, Names>>();

/**
 * Whose units a bare name may mean, the nearest first: those of the sender's hub, of the hubs above it, of those below it. A name found
 * elsewhere is another district's office of the same name: a person must say so.
 */
function scopesOf({ directory, hub }: MatchQuestion): readonly (readonly string[])[] {
  const above: string[] = [];
  for (
    let at = directory.hub(hub)?.parent;
    at && above.length < limits.hopsMax;
    at = directory.hub(at)?.parent
  )
    above.push(at);
  const under = (id: string): boolean => {
    let at: string | undefined = id;
    for (let step = 0; at && step < limits.hopsMax; step++) {
      at = directory.hub(at)?.parent;
      if (at === hub) return true;
    }
    return false;
  };
  const below = directory.parts.map((part) => part.hub).filter(under);
  return [[hub], above, below];
}

/** By whole name, and by the name without committee. */
function names({ directory }: MatchQuestion, hub: string): Names {
  const known = namesOf.get(directory) ?? new Map<string, Names>();
  namesOf.set(directory, known);
  const made = known.get(hub);
  if (made) return made;
  const index: Names = { exact: new Map(), bare: new Map() };
  const put = (map: Map<string, KnownUnit[]>, key: string, unit: KnownUnit) => {
    const units = map.get(key);
    if (!units) map.set(key, [unit]);
    else if (!units.includes(unit)) units.push(unit);
  };
  for (const unit of unitsOfHub(directory, hub))
    for (const name of [unit.name, ...(unit.formerNames ?? []).map((former) => former.name)]) {
      const plain = plainName(name);
      put(index.exact, plain, unit);
      put(index.bare, withoutCommittee(plain), unit);
    }
  known.set(hub, index);
  return index;
}

function unitsOfHub(directory: Directory, hub: string): KnownUnit[] {
  return (directory.hub(hub)?.units ?? [])
    .flatMap(({ unit }) => directory.unit(unit) ?? [])
    .filter((unit) => unit.hub === hub);
}

/** Open units before ended ones: a name that passed on to a successor means the successor. */
function living(units: readonly KnownUnit[]): readonly KnownUnit[] {
  const open = units.filter(({ state }) => state !== unitStates.closed);
  return open.length > 0 ? open : units;
}

const wordsOfUnit = new WeakMap<KnownUnit, readonly string[]>();
function wordsOf(unit: KnownUnit): readonly string[] {
  const known = wordsOfUnit.get(unit);
  if (known) return known;
  const words = nameWords(unit.name).filter((word) => word !== 'va');
  wordsOfUnit.set(unit, words);
  return words;
}

/**
 * "TC-KH" fits "Tài chính - Kế hoạch": capitals are first letters of words, other words stand as they are; "và", "&" count for nothing.
 * Undefined when nothing in the text is an abbreviation.
 */
export function abbreviation(text: string): ((words: readonly string[]) => boolean) | undefined {
  const tokens = (text.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? [])
    .map((token) => ({
      plain: fold(token),
      short: token.length >= 2 && token === token.toUpperCase() && /\p{L}/u.test(token),
    }))
    .filter(({ plain }) => plain !== 'va');
  if (!tokens.some(({ short }) => short)) return undefined;
  return (words) => {
    const walk = (at: number, from: number): boolean => {
      const token = tokens[at];
      if (token === undefined) return from === words.length;
      if (words[from] === token.plain && walk(at + 1, from + 1)) return true;
      if (!token.short) return false;
      return (
        [...token.plain].every((letter, n) => words[from + n]?.startsWith(letter)) &&
        walk(at + 1, from + token.plain.length)
      );
    };
    return walk(0, 0);
  };
}

function unitOf(question: MatchQuestion, unit: KnownUnit, desk: string, group: string): PlaceUnit {
  const { directory } = question;
  const goal = destinationOf(directory, unit.unit);
  const of = (paper: PlaceUnit['paper']): PlaceUnit => ({
    unit: unit.unit,
    code: directory.codeOf(unit.unit),
    name: unit.name,
    desk,
    group,
    paper,
  });
  if (typeof goal === 'string') return of(goal === 'unit-unknown' ? 'unit-closed' : goal);
  const away = goal.state === unitStates.invited || goal.state === unitStates.unconfirmed;
  return of(away && !goal.border && !goal.movedFrom ? 'unit-has-no-node' : '');
}

/** Units of the nearest scope that has any. */
function nearest(question: MatchQuestion, pick: (hub: string) => readonly KnownUnit[]): readonly KnownUnit[] {
  for (const scope of scopesOf(question)) {
    const found = scope.flatMap(pick);
    if (found.length > 0) return living(found);
  }
  return [];
}

const candidatesOf = ({ directory }: MatchQuestion, units: readonly KnownUnit[]): Candidate[] =>
  units.slice(0, CANDIDATES_MAX).map(({ unit, name }) => ({ code: directory.codeOf(unit), name }));

function certain(
  question: MatchQuestion,
  text: string,
  found: readonly KnownUnit[],
  how: 'name' | 'abbreviation',
): MatchedPlace | undefined {
  const [only, ...others] = found;
  if (!only) return undefined;
  if (others.length > 0) return { text, found: 'several', candidates: candidatesOf(question, found) };
  return { text, found: 'units', how, units: [unitOf(question, only, '', '')] };
}

function byCode(question: MatchQuestion, text: string): MatchedPlace | undefined {
  const { directory, atMs } = question;
  const [, desk = '', code = ''] = /^(?:([^\s@]+)@)?(\S+)$/u.exec(text) ?? [];
  const unit = code === '' ? undefined : (directory.byCode(code, atMs) ?? directory.unit(code));
  if (!unit) return undefined;
  const desks = (unit.desks ?? []).map((each) => each.desk);
  if (desk !== '' && desks.length > 0 && !desks.includes(desk.toLowerCase()))
    return { text, found: 'desk-unknown', code: directory.codeOf(unit.unit), desks };
  return { text, found: 'units', how: 'code', units: [unitOf(question, unit, desk, '')] };
}

function byGroup(question: MatchQuestion, text: string): MatchedPlace | undefined {
  const { directory, hub, senders } = question;
  const wanted = groupOf(text) ?? text;
  const own = question.ownGroup(wanted);
  if (own) {
    const units = own.members.flatMap((member) => {
      const inner = matchPiece({ ...question, ownGroup: () => undefined }, member);
      return inner.found === 'units' ? inner.units.map((unit) => ({ ...unit, group: own.code })) : [];
    });
    return {
      text,
      found: 'units',
      how: 'group',
      units: once(units.filter(({ unit }) => !senders.has(unit))),
    };
  }
  const groups = directory.hub(hub)?.groups ?? [];
  const group = groups.find(({ code, name }) => code === wanted.toLowerCase() || fold(name) === fold(wanted));
  if (!group) return undefined;
  const units = unitsOfGroup(directory, hub, group.code).filter(({ unit }) => !senders.has(unit));
  return {
    text,
    found: 'units',
    how: 'group',
    units: units.map((unit) => unitOf(question, unit, '', group.code)),
  };
}

/** "UBND các xã, thị trấn", "các phòng, ban huyện": every unit of those kinds; a kind that the directory does not have leaves the place unmatched. */
function byKinds(question: MatchQuestion, text: string): MatchedPlace | undefined {
  const { directory, hub, senders } = question;
  const said =
    /^(ubnd |ủy ban nhân dân |uỷ ban nhân dân |đảng ủy |hđnd )?(?:tất cả )?(?:các|toàn thể) (.+)$/iu.exec(
      text,
    );
  if (!said) return undefined;
  const listed = said[2]!
    .replace(
      /\s+(?:thuộc|trực thuộc|trên địa bàn|của|huyện|tỉnh|thành phố|trong huyện|trong tỉnh)(?:\s.*)?$/iu,
      '',
    )
    .split(/\s*,\s*|\s+và\s+/u)
    .map(fold)
    .filter(Boolean);
  const units = directory.hub(hub)?.units ?? [];
  const kinds = new Set(units.map(({ kind }) => fold(kind ?? '')));
  if (listed.length === 0 || !listed.every((kind) => kinds.has(kind))) return undefined;
  const all = unitsOfKinds(directory, hub, listed).filter(({ unit }) => !senders.has(unit));
  const head = said[1] === undefined ? '' : plainName(said[1]);
  const headed = head === '' ? all : all.filter(({ name }) => plainName(name).startsWith(`${head} `));
  const chosen = headed.length > 0 ? headed : head === '' || head === 'uy ban nhan dan' ? all : [];
  if (chosen.length === 0) return undefined;
  return {
    text,
    found: 'units',
    how: 'kinds',
    units: chosen.map((unit) => unitOf(question, unit, '', fold(text).replaceAll(' ', '-').slice(0, 64))),
  };
}

function byName(question: MatchQuestion, text: string): MatchedPlace | undefined {
  const said = text
    .replace(roles, '')
    .replace(/^trưởng (?=phòng|ban|trạm)/iu, '')
    .replace(/^chánh (?=văn phòng|thanh tra)/iu, '');
  const plain = plainName(said);
  if (plain === '') return undefined;
  const place = placeBehind(question);
  for (const form of new Set([plain, plain.replace(place, '')])) {
    const exact = nearest(question, (hub) => names(question, hub).exact.get(form) ?? []);
    // Without the committee only where the place itself is named: "xã Bình Tường".
    const found =
      exact.length > 0
        ? exact
        : nearest(question, (hub) => names(question, hub).bare.get(withoutCommittee(form)) ?? []);
    const certainly = certain(question, text, found, 'name');
    if (certainly) return certainly;
  }
  const cut = said.replace(/\s+(?:huyện|tỉnh|thành phố|thị xã)(?:\s.*)?$/iu, '');
  // Cut off in the text as it was written, where the folded name ends in the sender's own place.
  const forms = [said, ...(place.test(plain) ? [cut] : [])].flatMap((form) => abbreviation(form) ?? []);
  for (const fits of forms) {
    const found = nearest(question, (hub) =>
      unitsOfHub(question.directory, hub).filter((unit) => fits(wordsOf(unit))),
    );
    const certainly = certain(question, text, found, 'abbreviation');
    if (certainly) return certainly;
  }
  return undefined;
}

function matchPiece(question: MatchQuestion, text: string): MatchedPlace {
  const matched =
    byCode(question, text) ?? byGroup(question, text) ?? byKinds(question, text) ?? byName(question, text);
  if (matched) return matched;
  const similar = searchDirectory(question.directory, text, { limit: CANDIDATES_MAX });
  const same = similar.filter(
    ({ name }) => withoutCommittee(plainName(name)) === withoutCommittee(plainName(text)),
  );
  // An office of exactly this name, but of another district.
  if (same.length > 0) return { text, found: 'several', candidates: candidatesOf(question, same) };
  return { text, found: 'nothing', candidates: candidatesOf(question, similar) };
}

const once = (units: readonly PlaceUnit[]): PlaceUnit[] => {
  const seen = new Set<string>();
  return units.filter(({ unit, desk }) => !seen.has(`${desk}@${unit}`) && seen.add(`${desk}@${unit}`));
};

export type Matched = {
  /** Every place named, in its order. */
  readonly places: readonly MatchedPlace[];
  /** Who can be served here, each once. */
  readonly served: readonly PlaceUnit[];
  /** For paper: what matched nothing, and units that cannot be reached here. */
  readonly paper: readonly { readonly text: string; readonly code: string; readonly reason: string }[];
  /** A person must choose: several fit, or the desk is none of the unit's. */
  readonly open: readonly string[];
  /** Places that the document names elsewhere ("Như Điều 3"): not looked at. */
  readonly elsewhere: readonly string[];
  /** True when every named place is served here, and none is left to a person. */
  readonly complete: boolean;
};

/**
 * The text of "Nơi nhận", or a pasted list of names and codes. Each line is tried whole first; then its parts, which count only as far as they
 * are certain.
 */
export function matchRecipients(text: string, question: MatchQuestion): Matched {
  const places = placesIn(text).flatMap(({ text: place, note }): MatchedPlace[] => {
    if (note) return [{ text: place, found: 'note', note }];
    const whole = matchPiece(question, place);
    if (whole.found !== 'nothing') return [whole];
    const pieces = splitPlace(place);
    if (pieces.length === 0) return [whole];
    const head = headOf(pieces[0]!);
    const parts = pieces.map((piece) => {
      const plain = matchPiece(question, piece);
      if (plain.found !== 'nothing' || head === '' || headOf(piece) !== '') return plain;
      const lent = matchPiece(question, `${head} ${piece}`);
      return lent.found === 'nothing' ? plain : { ...lent, text: piece };
    });
    return parts.some(({ found }) => found !== 'nothing') ? parts : [whole];
  });
  const units = places.flatMap((place) => (place.found === 'units' ? place.units : []));
  const served = once(units.filter(({ paper }) => paper === ''));
  const paper = [
    ...places.flatMap((place) =>
      place.found === 'nothing' ? [{ text: place.text, code: '', reason: 'unit-unknown' }] : [],
    ),
    ...once(units.filter(({ paper: why }) => why !== '')).map(({ name, code, paper: reason }) => ({
      text: name,
      code,
      reason,
    })),
  ];
  const open = places.flatMap((place) =>
    place.found === 'several' || place.found === 'desk-unknown' ? [place.text] : [],
  );
  const elsewhere = places.flatMap((place) =>
    place.found === 'note' && place.note === 'as-named' ? [place.text] : [],
  );
  return {
    places,
    served,
    paper,
    open,
    elsewhere,
    complete: paper.length + open.length + elsewhere.length === 0,
  };
}

// What the rest of the node may ask about people and sessions. Types only, and pure: the pages in the browser read some of them too.
// people.ts and sign-in.ts make them.

import type { ChangeLine } from './change-line.ts';
import type { Outside, OutsideConfig } from './outside-types.ts';
import type { Membership, Person, Role, UnitPerson } from './person.ts';

/** Where a request comes from, as the audit tells it. */
export type From = { readonly address: string; readonly browser: string };

/** Somebody with a session, at the unit where he works now. */
export type Caller = {
  readonly sessionId: number;
  readonly digest: Uint8Array;
  readonly method: 'password' | 'code' | 'outside';
  readonly person: Person;
  readonly unit: string;
  /** Own roles at the unit, then those given by others for a time. */
  readonly roles: readonly Role[];
  readonly given: readonly Role[];
};

export type SignedIn = {
  /** The cookie's value; told once. */
  readonly token: string;
  readonly expiresMs: number;
  /** Sign-ins that failed since the last good one. */
  readonly failures: number;
  /** The first time from a browser of this kind. */
  readonly newBrowser: boolean;
};

export type OwnSession = {
  readonly id: number;
  readonly method: string;
  readonly address: string;
  readonly browser: string;
  readonly begunMs: number;
  readonly seenMs: number;
  readonly current: boolean;
};

/** Where the browser is, as it says itself and the Host header confirms: passkeys are bound to both. */
export type PasskeyPlace = { readonly name: string; readonly origin: string };
export type PasskeyView = {
  readonly id: number;
  readonly name: string;
  readonly madeMs: number;
  readonly usedMs: number | undefined;
};

export type SignIn = {
  /**
   * Codes: `sign-in-refused` (one answer for unknown, disabled, wrong), `second-factor-needed` (only after the right password),
   * `rate-limited`.
   */
  withPassword(
    given: { readonly email: string; readonly password: string; readonly code?: string | undefined },
    from: From,
  ): Promise<SignedIn>;
  /** The code and the new password in one act; sessions of before end. Codes: `code-refused`, `password-weak`, `rate-limited`. */
  withCode(
    given: { readonly email: string; readonly code: string; readonly password: string },
    from: From,
  ): Promise<SignedIn>;
  /** The shared sign-in of the province as it is configured. */
  openOutside(config: OutsideConfig): Outside;
  /** After the province has said who it is (outside.ts). */
  outside(person: Person, from: From): Promise<SignedIn>;
  /** Who asks. Codes: `session-ended`. */
  caller(token: string): Promise<Caller>;
  /** The person is at the screen now: counts for the window of the day. */
  lookedIn(caller: Caller): Promise<void>;
  leave(caller: Caller): Promise<void>;
  sessions(caller: Caller): readonly OwnSession[];
  /** One's own session elsewhere. Throws `not-found`. */
  endSession(caller: Caller, id: number): Promise<void>;
  /** To another of one's units. Throws `right-missing`. */
  toUnit(caller: Caller, unit: string): Promise<void>;
  /** All other sessions end. Codes: `sign-in-refused` (the old one is wrong), `password-weak`. */
  changePassword(
    caller: Caller,
    given: { readonly before: string; readonly password: string },
  ): Promise<void>;
  /** A fresh secret, in force only after `confirmSecondFactor`. */
  offerSecondFactor(caller: Caller): Promise<{ readonly secret: string; readonly uri: string }>;
  confirmSecondFactor(caller: Caller, code: string): Promise<void>;
  /** Needs the password: a screen left open is not enough. */
  dropSecondFactor(caller: Caller, password: string): Promise<void>;
  hasSecondFactor(caller: Caller): boolean;
  passkeys(caller: Caller): readonly PasskeyView[];
  /** What the browser is asked for, to make one; the answer within five minutes. Throws `passkey-refused`. */
  offerPasskey(caller: Caller, place: PasskeyPlace): Promise<object>;
  addPasskey(
    caller: Caller,
    place: PasskeyPlace,
    given: { readonly name: string; readonly response: object },
  ): Promise<void>;
  /** Needs the password. Codes: `sign-in-refused`, `not-found`. */
  dropPasskey(caller: Caller, given: { readonly id: number; readonly password: string }): Promise<void>;
  /** After `second-factor-needed`: the question for the browser. Codes as `withPassword`, and `passkey-refused` where there is none. */
  askPasskey(
    given: { readonly email: string; readonly password: string },
    from: From & { readonly place: PasskeyPlace },
  ): Promise<{ readonly key: string; readonly options: object }>;
  /** The password was right when it was asked; this is the second half. Throws `passkey-refused`. */
  withPasskey(
    given: { readonly key: string; readonly response: object },
    from: From & { readonly place: PasskeyPlace },
  ): Promise<SignedIn>;
};

export type PersonRequest = {
  readonly unit: string;
  readonly email: string;
  readonly name: string;
  readonly position?: string;
  readonly desk?: string;
  readonly roles: readonly string[];
  readonly decision?: string;
  readonly decisionDate?: string;
  readonly emergency?: boolean;
  readonly actor: string;
};
export type Code = { readonly email: string; readonly code: string; readonly expiresMs: number };
export type ChangeList = {
  readonly changes: readonly ChangeLine[];
  readonly faults: readonly { readonly line: number; readonly why: string }[];
};
export type Delegation = {
  readonly id: number;
  readonly giver: string;
  readonly taker: string;
  readonly roles: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
  readonly endedMs: number | undefined;
};
type ByEmail = Pick<PersonRequest, 'unit' | 'email' | 'actor' | 'decision' | 'decisionDate'>;

export type People = {
  /** The person and the code for the first sign-in; the first of a unit becomes its administrator too. Codes: `person-known`, `request-malformed`. */
  add(p: PersonRequest): Promise<Code>;
  /** Codes: `person-unknown`, `person-last-admin`. */
  change(p: PersonRequest): Promise<void>;
  /** Ends the stay; sessions end at once. */
  leave(p: ByEmail): Promise<void>;
  disable(p: ByEmail): Promise<void>;
  enable(p: ByEmail): Promise<void>;
  /** For a first sign-in or a forgotten password: told once, kept as a digest. */
  code(unit: string, email: string, actor: string): Promise<Code>;
  list(unit: string): readonly (UnitPerson & { readonly lastSeenMs: number | undefined })[];
  /** What a list of changes would do, line by line; nothing is changed. */
  judge(unit: string, bytes: Uint8Array, name: string): Promise<ChangeList>;
  /** All lines or none. Throws `request-malformed` when a line is bad, or no decision is named. */
  apply(list: {
    readonly unit: string;
    readonly bytes: Uint8Array;
    readonly name: string;
    readonly decision: string;
    readonly decisionDate: string;
    readonly actor: string;
  }): Promise<{ readonly lines: number }>;
  /** Some of the giver's own roles, for at most a quarter. Codes: `person-unknown`, `right-missing`, `request-malformed`. */
  delegate(d: {
    readonly unit: string;
    readonly giver: string;
    readonly taker: string;
    readonly roles: readonly string[];
    readonly fromMs: number;
    readonly untilMs: number;
    readonly reason: string;
    readonly actor: string;
  }): Promise<void>;
  delegations(unit: string): readonly Delegation[];
  endDelegation(unit: string, id: number, actor: string): Promise<void>;
  /** All stays, newest first. Throws `person-unknown`. */
  history(email: string): readonly Membership[];
  /** Windows in which each person looked in, from one day to another (yyyy-MM-dd). */
  checkIns(
    unit: string,
    from: string,
    to: string,
  ): readonly {
    readonly email: string;
    readonly day: string;
    readonly slot: number;
    readonly at_ms: number;
  }[];
};

export type AuditVerdict = {
  readonly good: boolean;
  readonly rows: number;
  /** Rows from before the chain: their ids may not be proven. */
  readonly unchained: number;
  /** First row that does not follow. */
  readonly brokenAt: number | undefined;
  readonly newest: { readonly id: number; readonly digestHex: string } | undefined;
};

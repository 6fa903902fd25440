// The shared sign-in as the rest of the node sees it. Types only; outside.ts makes it.
import type { Person } from './person.ts';

export type OutsideConfig = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Claim that holds the official e-mail; default `email`. */
  readonly claim?: string | undefined;
};
export type Outside = {
  /** Where the browser goes, and the key that its cookie keeps. */
  begin(redirectUri: string): Promise<{ readonly url: string; readonly key: string }>;
  /** Who came back. Codes: `sign-in-outside-failed`, `sign-in-refused` (nobody here by that e-mail). */
  finish(url: URL, key: string): Promise<Person>;
};

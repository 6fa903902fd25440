// Kinds of a header as a policy file names them. Pure.
import { kinds } from '../seal.ts';
import { kindNames } from './policy.ts';

/** "document" for a kind of a later version: the default rules hold for it. */
export const kindNameOf = (kind: number): string =>
  kindNames.find((name) => (kinds as Readonly<Record<string, number>>)[name] === kind) ?? 'document';

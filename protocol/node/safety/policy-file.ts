// DIR/policy.conf, read again when it changes: no restart. A file with a mistake is not taken; the last good one stays in force, also over a
// restart (policy.last-good.conf), and the mistake is told with its line. No file: the built-in rules.

import { hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  builtInPolicy,
  type Policy,
  PolicyMistake,
  parsePolicy,
  type Rules,
  rulesFor,
} from '../../safety/policy.ts';
import { writeFileDurable } from '../durable.ts';

export const policyFile = 'policy.conf';
const lastGoodFile = 'policy.last-good.conf';
/** What a backup holds of it: a restored folder judges by the rules of before. */
export const policyFiles = [policyFile, lastGoodFile] as const;
/** A policy of a province with rules for every unit has some hundred kilobytes. */
const fileBytesMax = 4 * 1024 * 1024;

export type PolicyState = {
  readonly from: 'built-in' | 'file' | 'last-good';
  /** SHA-256 of the text in force, hex, 16 letters; empty for the built-in one. */
  readonly version: string;
  readonly mistake: { readonly line: number; readonly en: string; readonly vi: string } | undefined;
};
export type PolicyFile = {
  rulesFor(about: Parameters<typeof rulesFor>[1]): Rules;
  /** Looks at the file first. */
  state(): PolicyState;
};

function textOf(path: string): string | undefined {
  try {
    const { size } = statSync(path);
    if (size > fileBytesMax) throw new PolicyMistake(1, `more than ${fileBytesMax} bytes`, 'tệp quá lớn');
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const mistakeOf = (error: unknown) => {
  if (error instanceof PolicyMistake) return { line: error.line, en: error.message, vi: error.vi };
  // Not readable at all (permissions): the same as a mistake, and the last good policy stays.
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
  return { line: 0, en: `cannot be read (${code})`, vi: `không đọc được tệp (${code})` };
};

/** `onMistake` is told once for each faulty text. */
export function openPolicyFile(
  dir: string,
  options: { readonly onMistake: (mistake: NonNullable<PolicyState['mistake']>) => void },
): PolicyFile {
  const path = join(dir, policyFile);
  let seen = 'never';
  let policy: Policy = builtInPolicy;
  let state: PolicyState = { from: 'built-in', version: '', mistake: undefined };

  function stamp(): string {
    try {
      // Asked for each document, and mostly there is no such file: an exception would cost twenty times the question.
      const found = statSync(path, { throwIfNoEntry: false });
      return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : 'absent';
    } catch {
      return 'absent';
    }
  }

  function take(text: string, from: PolicyState['from']): void {
    policy = parsePolicy(text);
    state = { from, version: hash('sha256', text).slice(0, 16), mistake: undefined };
  }

  function takeLastGood(): void {
    try {
      const kept = textOf(join(dir, lastGoodFile));
      if (kept !== undefined) take(kept, 'last-good');
    } catch {
      // Damaged as well: the built-in rules, which allow less than any file is likely to.
    }
  }

  function look(): void {
    const now = stamp();
    if (now === seen) return;
    const first = seen === 'never';
    seen = now;
    try {
      const text = textOf(path);
      if (text === undefined) {
        policy = builtInPolicy;
        state = { from: 'built-in', version: '', mistake: undefined };
        return;
      }
      take(text, 'file');
      if (textOf(join(dir, lastGoodFile)) !== text) writeFileDurable(join(dir, lastGoodFile), text);
    } catch (error) {
      const mistake = mistakeOf(error);
      if (first) takeLastGood();
      state = { ...state, from: state.from === 'file' ? 'last-good' : state.from, mistake };
      options.onMistake(mistake);
    }
  }

  return {
    rulesFor(about) {
      look();
      return rulesFor(policy, about);
    },
    state() {
      look();
      return state;
    },
  };
}

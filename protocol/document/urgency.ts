// The five degrees of urgency (độ khẩn) with their official words. "Hoả tốc" and "Hỏa tốc" are one word written two ways.
// Pure; the numbers are those of the header (protocol/seal.ts).
import { urgencies } from '../seal.ts';

export type UrgencyName = keyof typeof urgencies;

export const urgencyWords: Readonly<Record<UrgencyName, string>> = {
  normal: 'thường',
  urgent: 'khẩn',
  veryUrgent: 'thượng khẩn',
  flash: 'hỏa tốc',
  flashTimed: 'hỏa tốc hẹn giờ',
};

const nameByNumber = new Map(
  (Object.keys(urgencies) as UrgencyName[]).map((name) => [urgencies[name], name]),
);

/** Words of a number; a later number is shown as it is. */
export function urgencyText(urgency: number): string {
  const name = nameByNumber.get(urgency as (typeof urgencies)[UrgencyName]);
  return name === undefined ? `độ khẩn ${urgency}` : urgencyWords[name];
}

const key = (text: string): string =>
  text.normalize('NFC').trim().toLowerCase().replace(/\s+/g, ' ').replaceAll('oả', 'ỏa');
const byWords = new Map(
  (Object.keys(urgencies) as UrgencyName[]).flatMap((name) => [
    [key(urgencyWords[name]), name] as const,
    [key(name), name] as const,
    [String(urgencies[name]), name] as const,
  ]),
);

/** By official word (both spellings), name of the API, or digit; undefined if it is none. */
export const urgencyNamed = (text: string): UrgencyName | undefined => byWords.get(key(text));

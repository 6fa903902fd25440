// What a watched folder answers in files: beside a document that is not right, what is wrong with it, for people (.LOI.txt) and for programs
// (.error.json); in sent/, what became of one that was taken, in the API's own words, with its proof. Written whole or not at all.
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import type { ExchangeError } from '../../protocol/errors.ts';
import { writeFileDurableAsync } from '../../protocol/node/durable.ts';
import { toProblem } from '../../protocol/problem.ts';
import type { EdgeCore } from '../core.ts';
import { answerEndings, cut, lookAt, type Places, readyEnding, sharedFile } from './layout.ts';

const nameBytesMax = 150;
const mode = { mode: sharedFile };

/** A name as it may be shown: what is invisible, or turns the direction, is marked. */
export const visibleName = (name: string): string => name.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');

/** What is wrong, in words: title, every violation, remedy; Vietnamese, then English. */
export function mistakeText(name: string, error: ExchangeError): string {
  const { title, remedy } = error.row;
  const list = (lang: 'vi' | 'en') =>
    error.violations.map((one) => ` - ${lang === 'vi' ? '' : `${one.field || '/'}: `}${one[lang]}`);
  const shown = visibleName(name);
  return [
    `Văn bản "${shown}" chưa được nhận: ${title.vi}.`,
    ...list('vi'),
    ...(error.violations.length === 0 && error.detail ? [` - ${error.detail}`] : []),
    `Cách xử lý: ${remedy.vi}`,
    'Sửa tại chỗ rồi lưu; nút xem lại khi có thay đổi. Tệp này tự mất khi văn bản được nhận.',
    '',
    `"${shown}" was not taken: ${title.en} (${error.code}).`,
    ...list('en'),
    `What to do: ${remedy.en}`,
    'Mend it here and save; the node looks again when something has changed.',
    '',
  ].join('\r\n');
}

export async function answerMistake(places: Places, name: string, error: ExchangeError): Promise<void> {
  const [words, problem] = answerEndings.map((ending) => join(places.out, `${cut(name, 240)}${ending}`));
  // A byte order mark: Notepad of old Windows takes the text for another encoding without it.
  await writeFileDurableAsync(words!, `\ufeff${mistakeText(name, error)}`, mode);
  await writeFileDurableAsync(problem!, `${JSON.stringify(toProblem(error), null, 2)}\n`, mode);
}

/** The answers to earlier mistakes, and the marker: the document was taken. */
export async function clearAnswers(places: Places, name: string): Promise<void> {
  for (const ending of [...answerEndings, readyEnding])
    await fsp.rm(join(places.out, `${ending === readyEnding ? name : cut(name, 240)}${ending}`), {
      force: true,
    });
}

const resultFile = (name: string, documentId: string): string => `${cut(name, nameBytesMax)}--${documentId}`;

/**
 * Writes what the API says of the document now, and its proof once it is sealed; durable on return. The same words again write nothing. A result that somebody
 * took away stays away when `renew` is set: it was read.
 */
export async function tellResult(
  places: Places,
  {
    name,
    documentId,
    renew,
  }: { readonly name: string; readonly documentId: string; readonly renew: boolean },
  core: Pick<EdgeCore, 'show' | 'proof'>,
): Promise<void> {
  const base = join(places.sent, resultFile(name, documentId));
  const there = await lookAt(`${base}.json`);
  if (renew && !there?.isFile()) return;
  const document = await core.show(documentId, { direction: 'out' });
  const text = `${JSON.stringify({ name, documentId, state: document.state, document }, null, 2)}\n`;
  if (
    there?.isFile() &&
    there.size === Buffer.byteLength(text) &&
    (await fsp.readFile(`${base}.json`, 'utf8')) === text
  )
    return;
  if (document.envelopes.some(({ sealedMs }) => sealedMs !== undefined))
    await writeFileDurableAsync(`${base}.ltproof`, await core.proof(documentId, { direction: 'out' }), mode);
  await writeFileDurableAsync(`${base}.json`, text, mode);
}

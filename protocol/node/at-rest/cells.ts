// Cells of the database under content keys: metadata blocks, salts, small parts, what was kept aside, and every text that says what a document is
// about. A sealed cell says so by its first bytes, so that rows from before encryption stay readable and nobody who reads has to know. Bytes that do
// not open are returned as they are: every reader compares digests. A text that does not open reads as empty: a destroyed key must not stop a list.
import { createHmac, hkdfSync } from 'node:crypto';
import { open, seal } from './aead.ts';
import type { KeyStore } from './key-store.ts';

/** 8 bytes that no protobuf message, PDF or ZIP begins with. */
const magic = Buffer.from('\u0000LTcell\u0001', 'latin1');
const headBytes = magic.length + 8;
const about = Buffer.from('lienthong cell 1');

/** Sealed texts stay TEXT: a control letter that no field lets in, number of the key, nonce, ciphertext and tag. */
const textMark = '\u0001e1:';
const textForm = /^(\d+):/;
const aboutText = Buffer.from('lienthong text 1');

/** The cells of one row, or of one document: they share a key, and go with it. */
export type Cell = {
  seal<T extends Uint8Array | null>(bytes: T): T;
  /** Empty stays empty, a text and a list: that there is none is no secret, and queries ask for it. */
  text<T extends string | null>(text: T): T;
};
export type Cells = {
  /** Without encryption a cell returns what it was given. */
  begin(): Cell;
  unseal(bytes: Uint8Array): Uint8Array;
  unsealText(text: string): string;
  /** What stands in a column that is only ever compared: the text itself, or its keyed hash. */
  compared(text: string): string;
};

export const plainCells: Cells = {
  begin: () => ({ seal: (bytes) => bytes, text: (text) => text }),
  unseal: (bytes) => bytes,
  unsealText: (text) => text,
  compared: (text) => text,
};

export const isSealedText = (text: string): boolean => text.startsWith(textMark);
const comparedMark = '\u0001h1:';
export const isCompared = (text: string): boolean => text.startsWith(comparedMark);

/** Number of the key that a cell was sealed with; undefined for a plain one. */
export function keyIdOf(bytes: Uint8Array | string): number | undefined {
  if (typeof bytes === 'string') {
    const id = bytes.startsWith(textMark) ? textForm.exec(bytes.slice(textMark.length))?.[1] : undefined;
    return id === undefined ? undefined : Number(id);
  }
  // Of every blob that is read this is asked, and nearly none is a cell: no view is made before it is one.
  if (bytes.length < headBytes) return undefined;
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic[i]) return undefined;
  return Number(
    Buffer.from(bytes.buffer, bytes.byteOffset + magic.length, headBytes - magic.length).readBigUInt64BE(),
  );
}

/** `master` is needed only for what is compared; content keys open everything else. */
export function sealedCells(keys: KeyStore, master: Uint8Array): Cells {
  const comparing = Buffer.from(hkdfSync('sha256', master, '', 'lienthong compared 1', 32));
  return {
    begin() {
      let taken: ReturnType<KeyStore['take']> | undefined;
      return {
        seal<T extends Uint8Array | null>(bytes: T): T {
          if (bytes === null) return bytes;
          taken ??= keys.take();
          const head = Buffer.alloc(headBytes);
          magic.copy(head);
          head.writeBigUInt64BE(BigInt(taken.id), magic.length);
          return seal(taken.object, bytes, about, head) as Uint8Array as T;
        },
        text<T extends string | null>(text: T): T {
          if (text === null || text === '' || text === '[]') return text;
          taken ??= keys.take();
          const box = seal(taken.object, Buffer.from(text), aboutText);
          return `${textMark}${taken.id}:${box.toString('base64')}` as T;
        },
      };
    },
    unseal(bytes) {
      const id = keyIdOf(bytes);
      if (id === undefined) return bytes;
      const key = keys.find(id);
      return (key && open(key.object, bytes.subarray(headBytes), about)) ?? bytes;
    },
    unsealText(text) {
      if (!text.startsWith(textMark)) return text;
      const id = keyIdOf(text);
      const key = id === undefined ? undefined : keys.find(id);
      const box = Buffer.from(text.slice(text.lastIndexOf(':') + 1), 'base64');
      return (key && open(key.object, box, aboutText)?.toString()) ?? '';
    },
    compared: (text) =>
      text === '' ? text : comparedMark + createHmac('sha256', comparing).update(text).digest('base64url'),
  };
}

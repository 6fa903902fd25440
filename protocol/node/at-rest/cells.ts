// Cells of the database under content keys: metadata blocks, salts, small parts, what was kept aside, and every text that says what a document is
// about. A sealed cell says so by its first bytes, so that rows from before encryption stay readable and nobody who reads has to know. Bytes that do
// not open are returned as they are: every reader compares digests. A text that does not open reads as empty: a destroyed key must not stop a list.
import { createHmac, hkdfSync } from 'node:crypto';
import { releaseBytes } from '../release.ts';
import { open, seal } from './aead.ts';
import type { ContentKey, KeyStore } from './key-store.ts';

/** 8 bytes that no protobuf message, PDF or ZIP begins with; the last says which form. */
const magic = Buffer.from('\u0000LTcell\u0001', 'latin1');
const [ownForm, sharedForm] = [1, 2];
const headBytes = magic.length + 8;
const about = Buffer.from('lienthong cell 1');

/** Sealed texts stay TEXT: a control letter that no field lets in, number of the key, nonce, ciphertext and tag. */
const textMark = '\u0001e1:';
const aboutText = Buffer.from('lienthong text 1');

/** A shared box holds several values, each behind its length; every cell of them is a whole copy of it and says which value is its own. */
const sharedTextMark = '\u0001e2:';
const aboutShared = Buffer.from('lienthong cells 1');
const lengthBytes = 2;
/** What a value may add to all copies of a box. Beyond it a box of its own costs less than the disk does. */
const addedBytesMax = 512;

type Value = string | Uint8Array | null;
/** The cells of one row, or of one document: they share a key, and go with it. */
export type Cell = {
  seal<T extends Uint8Array | null>(bytes: T): T;
  /** Empty stays empty, a text and a list: that there is none is no secret, and queries ask for it. */
  text<T extends string | null>(text: T): T;
  /**
   * Several values in as few boxes as their size lets; each is opened alone as any cell is. Only for values that are erased in one
   * transaction: the cell of one holds the others too.
   */
  together<T extends readonly Value[]>(...values: T): T;
};
export type Cells = {
  /** Without encryption a cell returns what it was given. `keyId`: more cells under a key that is there, to go with what it sealed. */
  begin(keyId?: number): Cell;
  unseal(bytes: Uint8Array): Uint8Array;
  unsealText(text: string): string;
  /** What stands in a column that is only ever compared: the text itself, or its keyed hash. */
  compared(text: string): string;
};

export const plainCells: Cells = {
  begin: () => ({ seal: (bytes) => bytes, text: (text) => text, together: (...values) => values }),
  unseal: (bytes) => bytes,
  unsealText: (text) => text,
  compared: (text) => text,
};

/** Gives a cell's memory back once it is in the database; never the bytes that it was made of, which without encryption are the cell. */
export function releaseCell(cell: Uint8Array | null, madeOf: Uint8Array | null): void {
  if (cell !== null && cell !== madeOf) releaseBytes(cell);
}

export const isSealedText = (text: string): boolean =>
  text.startsWith(textMark) || text.startsWith(sharedTextMark);
const comparedMark = '\u0001h1:';
export const isCompared = (text: string): boolean => text.startsWith(comparedMark);

const sharedText = /^(\d+):(\d+):/;

/** Form of a sealed blob; undefined for a plain one. */
function formOf(bytes: Uint8Array): number | undefined {
  // Of every blob that is read this is asked, and nearly none is a cell: no view is made before it is one.
  if (bytes.length < headBytes) return undefined;
  const last = magic.length - 1;
  for (let i = 0; i < last; i++) if (bytes[i] !== magic[i]) return undefined;
  return bytes[last] === ownForm || bytes[last] === sharedForm ? bytes[last] : undefined;
}

/** Number of the key that a cell was sealed with; undefined for a plain one. */
export function keyIdOf(bytes: Uint8Array | string): number | undefined {
  if (typeof bytes === 'string') {
    if (!isSealedText(bytes)) return undefined;
    const id = Number.parseInt(bytes.slice(textMark.length), 10);
    return Number.isNaN(id) ? undefined : id;
  }
  if (formOf(bytes) === undefined) return undefined;
  return Number(
    Buffer.from(bytes.buffer, bytes.byteOffset + magic.length, headBytes - magic.length).readBigUInt64BE(),
  );
}

function putHead(cell: Buffer, form: number, id: number): Buffer {
  magic.copy(cell);
  cell[magic.length - 1] = form;
  cell.writeUInt32BE(Math.floor(id / 2 ** 32), magic.length);
  cell.writeUInt32BE(id % 2 ** 32, magic.length + 4);
  return cell;
}

const bytesOf = (value: string | Uint8Array): number =>
  lengthBytes + (typeof value === 'string' ? Buffer.byteLength(value) : value.length);

/** Which of these values go into one box, the shortest first, so that a long one alone has a box of its own; those that say nothing go into none. */
function boxesOf(values: readonly Value[]): number[][] {
  const said = values
    .map((value, i) => ({ i, more: value === null || value === '' || value === '[]' ? 0 : bytesOf(value) }))
    .filter(({ more }) => more > 0)
    .sort((one, other) => one.more - other.more);
  const boxes: number[][] = [];
  let bytes = 0;
  for (const { i, more } of said) {
    const box = boxes.at(-1);
    if (box && bytes + box.length * more <= addedBytesMax) {
      box.push(i);
      bytes += more;
    } else {
      boxes.push([i]);
      bytes = more;
    }
  }
  return boxes;
}

/** Each behind its length. */
function joined(values: readonly (string | Uint8Array)[]): Buffer {
  const plain = Buffer.allocUnsafe(values.reduce((sum, value) => sum + bytesOf(value), 0));
  let at = 0;
  for (const value of values) {
    const from = at + lengthBytes;
    if (typeof value === 'string') at = from + plain.write(value, from);
    else {
      plain.set(value, from);
      at = from + value.length;
    }
    plain.writeUInt16BE(at - from, from - lengthBytes);
  }
  return plain;
}

function valueIn(plain: Buffer, index: number): Buffer | undefined {
  let at = 0;
  for (let i = 0; at < plain.length; i++) {
    const from = at + lengthBytes;
    at = from + plain.readUInt16BE(at);
    // A copy: the box is kept for its other cells.
    if (i === index) return Buffer.from(plain.subarray(from, at));
  }
  return undefined;
}

/** `master` is needed only for what is compared; content keys open everything else. */
export function sealedCells(keys: KeyStore, master: Uint8Array): Cells {
  const comparing = Buffer.from(hkdfSync('sha256', master, '', 'lienthong compared 1', 32));
  /** The cells of a row are opened one after the other. */
  let last: { readonly id: number; readonly box: Buffer; readonly plain: Buffer } | undefined;

  function begin(keyId?: number): Cell {
    let taken = keyId === undefined ? undefined : keys.find(keyId);
    const cell: Cell = {
      seal<T extends Uint8Array | null>(bytes: T): T {
        if (bytes === null) return bytes;
        taken ??= keys.take();
        const cell = seal(taken.object, bytes, about, headBytes);
        return putHead(cell, ownForm, taken.id) as Uint8Array as T;
      },
      text<T extends string | null>(text: T): T {
        if (text === null || text === '' || text === '[]') return text;
        taken ??= keys.take();
        const box = seal(taken.object, Buffer.from(text), aboutText);
        return `${textMark}${taken.id}:${box.toString('base64')}` as T;
      },
      together<T extends readonly Value[]>(...values: T): T {
        const sealed: Value[] = [...values];
        for (const members of boxesOf(values)) {
          const [only] = members;
          if (members.length > 1) {
            taken ??= keys.take();
            sealShared(taken, members, sealed);
          } else {
            const value = values[only!]!;
            sealed[only!] = typeof value === 'string' ? cell.text(value) : cell.seal(value);
          }
        }
        return sealed as readonly Value[] as T;
      },
    };
    return cell;
  }

  function sharedValue(id: number, index: number, box: Buffer): Buffer | undefined {
    const key = keys.find(id);
    // Of a destroyed key nothing is kept.
    if (!key) last = undefined;
    else if (last?.id !== id || !last.box.equals(box)) {
      const plain = open(key.object, box, aboutShared);
      // A copy: the bytes of a row are given back when it is opened.
      last = plain && { id, box: Buffer.from(box), plain };
    }
    return last && valueIn(last.plain, index);
  }

  return {
    begin,
    unseal(bytes) {
      const id = keyIdOf(bytes);
      if (id === undefined) return bytes;
      if (formOf(bytes) === sharedForm) {
        const box = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(headBytes + 1);
        return sharedValue(id, bytes[headBytes]!, box) ?? bytes;
      }
      const key = keys.find(id);
      return (key && open(key.object, bytes.subarray(headBytes), about)) ?? bytes;
    },
    unsealText(text) {
      if (text.startsWith(sharedTextMark)) {
        const [, id, index] = sharedText.exec(text.slice(sharedTextMark.length)) ?? [];
        const box = Buffer.from(text.slice(text.lastIndexOf(':') + 1), 'base64');
        return sharedValue(Number(id), Number(index), box)?.toString() ?? '';
      }
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

/** One box for these members of `values`, and their cells in its place. */
function sealShared({ id, object }: ContentKey, members: readonly number[], values: Value[]): void {
  const plain = joined(members.map((i) => values[i]!));
  const whole = putHead(seal(object, plain, aboutShared, headBytes + 1), sharedForm, id);
  let base64: string | undefined;
  for (const [index, i] of members.entries()) {
    if (typeof values[i] === 'string') {
      base64 ??= whole.toString('base64', headBytes + 1);
      values[i] = `${sharedTextMark}${id}:${index}:${base64}`;
    } else {
      const copy = Buffer.from(whole);
      copy[headBytes] = index;
      values[i] = copy;
    }
  }
}

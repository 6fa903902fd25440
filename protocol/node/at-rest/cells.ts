// Cells of the database under content keys: metadata blocks, salts, small parts, what was kept aside. A sealed cell says so by its first bytes, so that
// rows from before encryption stay readable and nobody who reads has to know. What does not open is returned as it is: every reader
// compares digests, and a destroyed key must not stop a list.
import { open, seal } from './aead.ts';
import type { KeyStore } from './key-store.ts';

/** 8 bytes that no protobuf message, PDF or ZIP begins with. */
const magic = Buffer.from('\u0000LTcell\u0001', 'latin1');
const headBytes = magic.length + 8;
const about = Buffer.from('lienthong cell 1');

export type Cells = {
  /** One document's cells share a key. Without encryption `seal` returns what it was given. */
  begin(): { seal<T extends Uint8Array | null>(bytes: T): T };
  unseal(bytes: Uint8Array): Uint8Array;
};

export const plainCells: Cells = { begin: () => ({ seal: (bytes) => bytes }), unseal: (bytes) => bytes };

/** Number of the key that a cell was sealed with; undefined for a plain one. */
export function keyIdOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < headBytes || Buffer.compare(bytes.subarray(0, magic.length), magic) !== 0)
    return undefined;
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readBigUInt64BE(magic.length));
}

export function sealedCells(keys: KeyStore): Cells {
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
          return Buffer.concat([head, seal(taken.key, bytes, about)]) as Uint8Array as T;
        },
      };
    },
    unseal(bytes) {
      const id = keyIdOf(bytes);
      if (id === undefined) return bytes;
      const key = keys.find(id);
      return (key && open(key, bytes.subarray(headBytes), about)) ?? bytes;
    },
  };
}

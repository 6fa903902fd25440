// Opens the encryption of a data folder, if it has one: the master key in its mode, the store of content keys, the cells of the database. Called
// by whatever opens the folder: a program at its start, fsck, a command on files that stand still. Where a passphrase or the service's
// credentials come from is told once by the command line (bin/main.ts); nothing else reads the environment.

import { type Cells, sealedCells } from './cells.ts';
import { type KeyStore, openKeyStore } from './key-store.ts';
import { type OpenMaster, openMaster } from './master.ts';

let sources: OpenMaster = {};
export function atRestSources(given: OpenMaster): void {
  sources = given;
}

export type AtRest = {
  readonly keys: KeyStore;
  readonly cells: Cells;
  readonly master: Uint8Array;
  close(): void;
};

/** undefined: the folder is not encrypted. Codes: at-rest-key-missing, key-file-invalid, key-passphrase-wrong. */
export async function openAtRest(dir: string, more: OpenMaster = {}): Promise<AtRest | undefined> {
  const master = await openMaster(dir, { ...sources, ...more });
  if (!master) return undefined;
  const keys = openKeyStore(dir, master);
  return { keys, cells: sealedCells(keys, master), master, close: () => keys.close() };
}

/** For a writer thread, which has its own connection to the key store. */
export type AtRestContext = { readonly dir: string; readonly master: Uint8Array };
export const cellsOf = ({ dir, master }: AtRestContext): Cells =>
  sealedCells(openKeyStore(dir, master), master);

// DIR/settings.json through lowdb: what a person may open and edit, and what can be made anew. Nothing acknowledged lives here.
// Must never show a half-written file: every write goes through durable.ts, in the order of the calls.
import fs from 'node:fs/promises';
import { type Adapter, Low } from 'lowdb';
import { ExchangeError } from '../errors.ts';
import { crashOnFailedSync, writeFileDurableAsync } from './durable.ts';

/** A lowdb adapter whose write resolves only when the bytes survive a power cut. */
export class DurableJSON<T> implements Adapter<T> {
  readonly #file: string;
  #tail: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** null when there is no file yet (lowdb then keeps its defaults); `config-invalid` when a hand edit broke it. */
  async read(): Promise<T | null> {
    let text: string;
    try {
      text = await fs.readFile(this.#file, 'utf8');
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw err;
    }
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new ExchangeError('config-invalid', `${this.#file} is not JSON: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  write(value: T): Promise<void> {
    // The text is made now: later changes of the object belong to later writes.
    const text = `${JSON.stringify(value, null, 2)}\n`;
    const written = this.#tail.then(() => writeFileDurableAsync(this.#file, text, { mode: 0o600 }));
    // The chain goes on after a failed write (its caller has the error), except after a failed fsync.
    this.#tail = written.catch(crashOnFailedSync);
    return written;
  }
}

export type Settings<T> = {
  /** The values in force; change them only through `update`. */
  current(): Readonly<T>;
  /** Durable on return. `change` edits the object it is given; throwing changes nothing. */
  update(change: (draft: T) => void): Promise<void>;
};

/** Reads the file over `defaults`. `check` throws on values a person may not set; it runs after reading and before each write. */
export async function openSettings<T extends object>(
  file: string,
  defaults: T,
  check: (values: unknown) => void,
): Promise<Settings<T>> {
  const db = new Low<T>(new DurableJSON<T>(file), structuredClone(defaults));
  await db.read();
  db.data = { ...structuredClone(defaults), ...db.data };
  check(db.data);
  return {
    current: () => db.data,
    async update(change) {
      const draft = structuredClone(db.data);
      change(draft);
      check(draft);
      db.data = draft;
      await db.write();
    },
  };
}

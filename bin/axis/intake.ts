// A message that enters the stand-in axis: its bytes to disk, its digest, whom it is from and for. Used by both protocols of the server and by the
// practice commands. Refusals are in the axis's words, as the real one would say them.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import { readEdxml } from '../../hub/edxml/read.ts';
import { isExchangeError } from '../../protocol/errors.ts';
import { type AxisStore, newDocId } from './store.ts';

/** Code of the provincial wrapper and words of the axis. */
export class Refusal extends Error {
  readonly code: string;
  constructor(code: string, words: string) {
    super(words);
    this.code = code;
  }
}

export type Spool = {
  readonly path: string;
  write(piece: Buffer): Promise<void>;
  end(): Promise<{ sha256: Buffer; bytes: number }>;
  drop(): Promise<void>;
};

export async function spool(store: AxisStore): Promise<Spool> {
  const path = join(store.dir, 'messages', `${newDocId()}.tmp`);
  const handle = await fsp.open(path, 'wx', 0o600);
  const digest: Hash = createHash('sha256');
  let bytes = 0;
  return {
    path,
    async write(piece) {
      digest.update(piece);
      bytes += piece.length;
      await handle.writeFile(piece);
    },
    async end() {
      await handle.sync();
      await handle.close();
      return { sha256: digest.digest(), bytes };
    },
    async drop() {
      await handle.close().catch(() => {});
      await fsp.rm(path, { force: true });
    },
  };
}

/**
 * Judges and keeps a spooled message. `system` null: from a practice command, which speaks for offices of no system. `to`: only these
 * receivers, by code; else those that the message names. Returns the id; throws Refusal.
 */
export async function takeIn(
  store: AxisStore,
  given: {
    readonly spooled: { readonly path: string; readonly sha256: Buffer; readonly bytes: number };
    readonly type: 'edoc' | 'status';
    readonly system: string | null;
    readonly from: string;
    readonly to: readonly string[] | undefined;
    readonly nowMs: number;
  },
): Promise<string> {
  const { spooled, type } = given;
  const read = await readEdxml(createReadStream(spooled.path)).catch((error: unknown) => {
    if (!isExchangeError(error)) throw error;
    throw new Refusal('22', `edXML format is wrong: ${error.code} ${error.detail}`.slice(0, 200));
  });
  const { message } = read;
  if ((message.what === 'status') !== (type === 'status'))
    throw new Refusal('22', `edXML format is wrong: not a message of type ${type}`);
  const sender = store.agencyByCode(given.from || message.from.organId);
  if (!sender || sender.system_id !== given.system)
    throw new Refusal('19', `Sender ${given.from} is not registered`);
  if (store.agencyByCode(message.from.organId)?.id !== sender.id)
    throw new Refusal('19', `Sender ${message.from.organId} in the message is not ${given.from}`);
  const named =
    message.what === 'status' ? [message.responseFor.organId] : message.to.map(({ organId }) => organId);
  const receivers = (given.to ?? named).map((code) => {
    const agency = store.agencyByCode(code);
    if (!agency) throw new Refusal('18', `Receiver ${code} does not exist`);
    if (agency.locked) throw new Refusal('23', `Receiver ${code} is locked (đơn vị đang bị khoá)`);
    return agency.code;
  });
  if (receivers.length === 0) throw new Refusal('18', 'Receiver does not exist: none is named');
  const docId = newDocId();
  await fsp.rename(spooled.path, store.messagePath(docId));
  store.addMessage({
    docId,
    type,
    from: sender.code,
    to: [...new Set(receivers)],
    edxmlId: message.what === 'document' ? message.documentId : message.responseFor.documentId,
    title: message.what === 'document' ? message.subject : message.description,
    notation:
      message.what === 'document' ? `${message.number}/${message.notation}` : message.responseFor.code,
    statusCode: message.what === 'status' ? message.code : '',
    sha256: spooled.sha256.toString('hex'),
    bytes: spooled.bytes,
    nowMs: given.nowMs,
  });
  return docId;
}

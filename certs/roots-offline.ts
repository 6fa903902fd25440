// What happens where the root's key is, on a machine without a net: the next root is made, and the present one signs it over.
// Must never touch the old root, nor make a second new one when it is called again.
import fs from 'node:fs';
import { join } from 'node:path';
import { ExchangeError } from '../protocol/errors.ts';
import { caFiles, createRoot, readCertificate } from './ca.ts';
import { loadKeyFile, signingKeyOf } from './keys.ts';
import { signHandover } from './roots.ts';

/** Durable on return; `newDir` is made when it holds no root. Throws `dir-missing`, `key-file-*`, `request-malformed` (an old root that would have ended). */
export async function createNextRoot(options: {
  readonly oldDir: string;
  readonly newDir: string;
  readonly name: string | undefined;
  /** 0: the old root goes on until its certificate ends. */
  readonly oldUntilMs: number;
  readonly nowMs: number;
}): Promise<{ readonly handover: Buffer; readonly fingerprint: string; readonly rootDer: Uint8Array }> {
  const { oldDir, newDir, nowMs } = options;
  const old = readCertificate(join(oldDir, caFiles.rootCertificate));
  // An old root that had ended would leave every hub that has not followed yet without certificates that anybody believes.
  if (options.oldUntilMs !== 0 && options.oldUntilMs <= options.nowMs)
    throw new ExchangeError(
      'request-malformed',
      'the old root ends on a day to come, after every hub has installed',
    );
  const name = options.name ?? `lien thong ${new Date(nowMs).getUTCFullYear()}`;
  if (!fs.existsSync(join(newDir, caFiles.rootCertificate))) await createRoot(newDir, { name, nowMs });
  const next = readCertificate(join(newDir, caFiles.rootCertificate));
  const handover = signHandover({
    oldRootDer: old.der,
    oldKey: signingKeyOf(loadKeyFile(join(oldDir, caFiles.rootKey))),
    newRootDer: next.der,
    oldUntilMs: options.oldUntilMs,
    nowMs,
  });
  return { handover, fingerprint: next.fingerprint, rootDer: next.der };
}

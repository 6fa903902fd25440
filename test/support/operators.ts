// Two operators of a hub whose keys its directory names, and the orders of removal that they sign: for tests that need an order and are not about it.
import { generateKey, signingKeyOf } from '../../certs/keys.ts';
import type { Hub } from '../../hub/hub.ts';
import { injected } from '../../hub/offline.ts';
import { parseDocumentId, uuidToBytes } from '../../protocol/ids.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { contentsDigestOf, removalActs, signAct } from '../../protocol/removal.ts';

type Ordered = {
  removals: { doneHereMs: number | null; peers: { unit: string; beyond: string | null }[] }[];
};

/** 'mot' and 'hai'. The answer orders in the name of one of them and resolves when the hub has done its part. */
export async function operators(hub: Hub) {
  const root = injected(hub, { account: 'root', host: 'test' });
  const keys = new Map(['mot', 'hai'].map((name) => [name, generateKey()]));
  for (const name of keys.keys())
    await root('POST', '/admin/v1/operators', { name, passphrase: `mật khẩu ${name}` });
  for (const [name, key] of keys)
    await root('POST', `/admin/v1/operators/${name}/key`, {
      publicKey: Buffer.from(key.publicKeyDer).toString('base64'),
    });
  return async (operator: string, documentId: string, act: 'hide' | 'destroy'): Promise<Ordered> => {
    const draft = await root<{ hub: string; sender: string; contents: string[] }>(
      'GET',
      `/admin/v1/removals/${documentId}/draft`,
    );
    const decision = {
      hub: draft.hub,
      act: removalActs[act],
      documentId: uuidToBytes(parseDocumentId(documentId)),
      sender: draft.sender,
      contentsDigest: contentsDigestOf(draft.contents.map((hex) => Buffer.from(hex, 'hex'))),
      reason: 'báo cáo của xã',
      operator,
      atMs: systemClock.nowMs(),
    };
    const signed = signAct(decision, signingKeyOf(keys.get(operator)!)).toString('base64');
    return await root<Ordered>('POST', '/admin/v1/removals', { signed });
  };
}

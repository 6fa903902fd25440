// A stand-in axis in this process, and a hub with a border to it: for the tests of the border. The clock of loops is a second; nothing here asserts.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Paper, sendPaper } from '../../bin/axis/practice.ts';
import { type AxisServer, startAxisServer } from '../../bin/axis/server.ts';
import { type AxisStore, openAxisStore } from '../../bin/axis/store.ts';
import type { Hub } from '../../hub/hub.ts';
import { systemClock } from '../../protocol/node/clock.ts';
import { temporaryDir } from './hub.ts';

export type TestAxis = {
  readonly store: AxisStore;
  readonly server: AxisServer;
  readonly url: string;
  readonly secret: string;
  /** An office of the system that hubs connect as; without `system` one that is played by the test. */
  office(
    code: string,
    options?: { readonly old?: string; readonly own?: boolean; readonly name?: string; readonly id?: string },
  ): void;
  send(
    paper: Partial<Paper> & Pick<Paper, 'from' | 'to' | 'number'>,
  ): Promise<{ docId: string; documentId: string }>;
  close(): Promise<void>;
};

export const systemId = 'TEST.HUB';

export async function startTestAxis(): Promise<TestAxis> {
  const dir = join(temporaryDir('axis'), 'axis');
  const store = openAxisStore(dir, { create: true });
  const secret = randomBytes(24).toString('base64url');
  store.addSystem({ systemId, secret, name: 'Trung tâm thử', centerCode: 'W00.TEST' });
  const server = await startAxisServer({
    store,
    clock: systemClock,
    random: Math.random,
    host: '127.0.0.1',
    port: 0,
  });
  const file = join(dir, 'van-ban.txt');
  writeFileSync(file, 'Nội dung văn bản từ trục');
  return {
    store,
    server,
    secret,
    url: `http://127.0.0.1:${server.port}`,
    office(code, { old = '', own = false, name = `Đơn vị ${code}`, id = `vxp-${code}` } = {}) {
      store.putAgency({ id, systemId: own ? systemId : null, code, code102: old, name, mail: '' });
    },
    send: (paper) =>
      sendPaper(
        store,
        {
          notation: 'STC-VP',
          date: '2026-11-20',
          type: 'Công văn',
          subject: `Về việc số ${paper.number}`,
          files: [file],
          ...paper,
        },
        systemClock,
      ),
    async close() {
      await server.close();
      store.close();
    },
  };
}

export async function addBorder(
  hub: Hub,
  axis: TestAxis,
  options: {
    readonly connector?: 'vxp' | 'lgsp';
    readonly name?: string;
    /** Default that of the axis. */
    readonly secret?: string;
  } = {},
): Promise<void> {
  const answer = await hub.control.inject({
    method: 'POST',
    url: '/admin/v1/borders',
    payload: {
      name: options.name ?? 'truc',
      connector: options.connector ?? 'vxp',
      system: 'Trục liên thông (thử)',
      code: options.name ? `CONG.${options.name}` : 'CONG.TRUC',
      unitName: 'Cổng liên thông trục (thử)',
      settings: { url: axis.url, systemId, parentCode: 'W00.TEST', pollSeconds: 1, directorySeconds: 3600 },
      secret: options.secret ?? axis.secret,
    },
  });
  if (answer.statusCode !== 201) throw new Error(answer.body);
}

// Figures for Prometheus, from the core's status at the moment of the scrape. The only importer of @prometheus-io/client.
// Low cardinality: no label ever names a document, a unit or a peer.
import { Gauge, Registry } from '@prometheus-io/client';
import type { EdgeStatus } from '../core.ts';

const names = {
  hub_connected: '1 when the hub answers',
  hub_last_contact_seconds: 'Seconds since the hub last answered; -1 when it never did',
  hub_epoch: 'Epoch of the hub that this node knows',
  outbox_waiting: 'Envelopes that wait for the hub',
  outbox_oldest_waiting_seconds: 'Age of the oldest of them',
  receipts_waiting: 'Signed receipts that the hub has not taken yet',
  inbox_fetching: 'Arrivals being fetched',
  inbox_aside: 'Arrivals that did not verify and wait for a person',
  disk_free_bytes: 'Free space under the data folder',
  disk_nearly_full: '1 when new work is refused',
  clock_offset_seconds: 'This machine minus the hub, as last measured',
  directory_units: 'Units in the signed directory',
  directory_expires_seconds: 'Seconds until the oldest directory part may not be used any more',
  recovering: '1 while a restored node compares with the hub',
  alarms: 'Alarms that a person must look at',
} as const;
type Name = keyof typeof names;

function figures(status: EdgeStatus, nowMs: number): Record<Name, number> {
  const { hub, outbox, disk, directory } = status;
  const seconds = (ms: number) => ms / 1000;
  return {
    hub_connected: hub.state === 'connected' ? 1 : 0,
    hub_last_contact_seconds: hub.lastContactMs === undefined ? -1 : seconds(nowMs - hub.lastContactMs),
    hub_epoch: hub.epoch,
    outbox_waiting: outbox.waiting,
    outbox_oldest_waiting_seconds:
      outbox.oldestWaitingMs === undefined ? 0 : seconds(Math.max(0, nowMs - outbox.oldestWaitingMs)),
    receipts_waiting: status.receipts.waiting,
    inbox_fetching: status.inbox.fetching,
    inbox_aside: status.inbox.aside,
    disk_free_bytes: disk.freeBytes,
    disk_nearly_full: disk.nearlyFull ? 1 : 0,
    clock_offset_seconds: seconds(status.clock.offsetMs ?? 0),
    directory_units: directory.units,
    directory_expires_seconds: directory.expiresMs === undefined ? 0 : seconds(directory.expiresMs - nowMs),
    recovering: status.recovering ? 1 : 0,
    alarms: status.alarms.length,
  };
}

/** One registry per server: two nodes in one process (the demo) do not mix. */
export function createMetrics(version: string) {
  const registry = new Registry();
  const registers = [registry];
  const gauges = Object.fromEntries(
    Object.entries(names).map(([name, help]) => [
      name,
      new Gauge({ name: `lienthong_node_${name}`, help, registers }),
    ]),
  );
  const daysLeft = new Gauge({
    name: 'lienthong_node_certificate_days_left',
    help: 'Days until a certificate ends, by kind of certificate',
    labelNames: ['kind'],
    registers,
  });
  new Gauge({ name: 'lienthong_node_info', help: 'Version', labelNames: ['version'], registers }).set(
    { version },
    1,
  );
  return {
    contentType: registry.contentType,
    async text(status: EdgeStatus, nowMs: number): Promise<string> {
      for (const [name, value] of Object.entries(figures(status, nowMs))) gauges[name]?.set(value);
      daysLeft.reset();
      // The least of each kind: a node of fifty units has fifty seals.
      const least = new Map<string, number>();
      for (const { file, daysLeft: days } of status.certificates) {
        const kind = /tls/.test(file) ? 'tls' : /seal|u[0-9a-z]{16}/.test(file) ? 'seal' : 'other';
        least.set(kind, Math.min(days, least.get(kind) ?? Number.POSITIVE_INFINITY));
      }
      for (const [kind, days] of least) daysLeft.set({ kind }, days);
      return await registry.metrics();
    },
  };
}

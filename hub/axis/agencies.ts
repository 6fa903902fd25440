// The other side's list of offices, into the signed directory: units behind the border, addressable by both their codes. Codes of our own units
// are recognised through the directory; an office that both sides claim changes nothing and is a person's.
import type { AgenciesResult, ListedAgency } from '../store/border-admin-ops.ts';
import type { BorderContext } from './context.ts';

export type Agencies = { sync(signal: AbortSignal): Promise<AgenciesResult> };

export function createAgencies(context: BorderContext, refreshDirectory: () => void): Agencies {
  const { clock, connector, log, record, store } = context;
  let version = record.directoryVersion;
  let running: Promise<AgenciesResult> | undefined;
  let next: Promise<AgenciesResult> | undefined;

  /** Our unit under one of the two codes; '' for everybody else, also behind another border. */
  function ownUnit(codes: readonly string[]): string {
    const directory = context.directory();
    for (const code of codes) {
      const unit = code === '' ? undefined : directory.byCode(code, clock.nowMs());
      if (unit && !unit.border) return unit.unit;
    }
    return '';
  }

  async function fetch(signal: AbortSignal): Promise<AgenciesResult> {
    const nothing = { added: 0, changed: 0, closed: 0, conflicts: 0 };
    if (!connector.agencies) return nothing;
    const list = await connector.agencies(version, signal);
    if (list.rows.length === 0 && !list.full) return nothing;
    const rows = list.rows
      .filter(({ agency, code, name }) => agency !== '' && code !== '' && name !== '')
      .map((row): ListedAgency => ({ ...row, own: ownUnit([row.code, row.oldCode]) }));
    const done = await store.admin<AgenciesResult>('borderAgencies', {
      border: record.name,
      rows,
      full: list.full,
      version: list.version,
      nowMs: clock.nowMs(),
    });
    version = list.version;
    refreshDirectory();
    if (done.added + done.changed + done.closed + done.conflicts > 0)
      log.info({ event: 'border.directory', border: record.name, ...done });
    return done;
  }

  return {
    // What was asked for while a list was on its way is not in that list: one more follows, for all who asked meanwhile.
    sync(signal) {
      const start = (): Promise<AgenciesResult> => {
        next = undefined;
        running = fetch(signal).finally(() => {
          running = undefined;
        });
        return running;
      };
      if (!running) return start();
      next ??= running.then(start, start);
      return next;
    },
  };
}

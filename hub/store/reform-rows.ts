// Acts of reform that are signed and take force later, as the directory shows them. Reads only.
import type { Database } from '../../protocol/node/sqlite.ts';
import type { PlannedChange } from '../../protocol/wire.ts';

/** wire.proto PlannedChange.kind. */
export const changeKinds = { rename: 1, merge: 2, split: 3, close: 4, move: 5, handover: 6 } as const;
export type ChangeKind = keyof typeof changeKinds;
/** wire.proto: at most 4,096 in a part. */
const PLANNED_MAX = 4_096;

/** What an act does to one unit, in one form for all kinds; absent members are not touched. */
export type Reform = {
  readonly kind: ChangeKind;
  /** Units that it is about. */
  readonly units: readonly string[];
  /** merge, split: who takes over. */
  readonly into?: readonly string[];
  /** move: the new parent, '' for none. */
  readonly parent?: string;
  /** handover: the hub that takes over. */
  readonly hub?: string;
  readonly name?: string | undefined;
  readonly code?: string | undefined;
  readonly oldCodeUntilMs?: number;
  /** merge, split: documents go on until then; 0 for ever. */
  readonly untilMs?: number;
};

export type ReformRow = { readonly id: number; readonly effective_ms: number; readonly act: string };

export function plannedChanges(db: Database): PlannedChange[] {
  const rows = db.all<ReformRow>(
    "SELECT id, effective_ms, act FROM reforms WHERE state = 'planned' ORDER BY effective_ms, id LIMIT ?",
    PLANNED_MAX,
  );
  return rows
    .flatMap(({ effective_ms: atMs, act }) => {
      const { kind, units, into, parent, hub, name, code } = JSON.parse(act) as Reform;
      const heirs = into ?? [parent ?? '', hub ?? ''].filter(Boolean);
      return units.map((unit) => ({
        unit,
        kind: changeKinds[kind],
        atMs,
        into: heirs,
        name: name ?? code ?? '',
      }));
    })
    .slice(0, PLANNED_MAX);
}

// Which values of a document lie in one box at rest (docs/adr/0010): those that are erased together, wherever that is done (takedown-ops.ts,
// request-ops.ts). One list for what was handed in and what arrived; whoever erases one of them alone may not add it here.
import type { Cell } from '../../protocol/node/at-rest/cells.ts';

/** The cells of `row`; `names` in the order of its parts. */
export function sharedBox(
  cell: Cell,
  row: {
    readonly salt: Uint8Array | null;
    readonly metadata: Uint8Array | null;
    readonly subject: string | null;
    readonly notation: string | null;
    readonly number: string | null;
    readonly parts: readonly { readonly name: string }[];
  },
) {
  const [salt, metadata, subject, notation, number, ...names] = cell.together(
    row.salt,
    row.metadata,
    row.subject,
    row.notation,
    row.number,
    ...row.parts.map(({ name }) => name),
  );
  return { salt, metadata, subject, notation, number, names };
}

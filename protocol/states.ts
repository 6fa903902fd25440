// The state machines as tables of allowed moves. Three axes are never mixed in one column: transport of a document at its sender,
// one delivery at a hub, and an arriving document at its receiver. The stores enforce each move with one compare-and-swap.

/** A document in the outbox of a node, per recipient. No next state means final. */
export const outboxStates = {
  queued: ['accepted', 'refused', 'cancelled', 'expired'],
  accepted: ['delivered', 'relayed', 'refused', 'undeliverable', 'expired', 'cancelled'],
  relayed: ['delivered', 'refused', 'undeliverable', 'expired', 'cancelled'],
  // A hub that was restored may first say expired and then hand over a receipt; the receiver's word is stronger.
  expired: ['delivered'],
  undeliverable: ['delivered'],
  delivered: [],
  refused: [],
  // Taken back or given up at a hub, and stored by the receiver all the same: its own word is stronger (PROTOCOL.md 8.5).
  cancelled: ['delivered'],
} as const satisfies Record<string, readonly string[]>;
export type OutboxState = keyof typeof outboxStates;

/** One delivery at a hub. `held`: a person must decide; `relayed`: the next hub has it. */
export const deliveryStates = {
  ready: ['leased', 'expired', 'cancelled', 'held', 'undeliverable'],
  deferred: ['ready', 'held', 'cancelled', 'expired', 'delivered', 'refused', 'relayed', 'undeliverable'],
  leased: [
    'ready',
    'deferred',
    'undeliverable',
    'delivered',
    'refused',
    'relayed',
    'expired',
    'held',
    'cancelled',
  ],
  held: ['ready', 'cancelled', 'expired', 'undeliverable', 'delivered', 'refused', 'relayed'],
  relayed: ['delivered', 'refused', 'undeliverable', 'expired', 'cancelled'],
  // A late receipt of a receiver that had stored it before the deadline is a fact and wins.
  expired: ['delivered'],
  cancelled: ['delivered'],
  undeliverable: ['delivered'],
  delivered: [],
  refused: [],
} as const satisfies Record<string, readonly string[]>;
export type DeliveryState = keyof typeof deliveryStates;

/** The states from which `to` may be reached: for the WHERE of a compare-and-swap. */
export function statesBefore<S extends string>(table: Record<S, readonly string[]>, to: S): S[] {
  return (Object.keys(table) as S[]).filter((from) => table[from].includes(to));
}

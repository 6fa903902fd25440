// Fair turns: start-time fair queueing with one integer per delivery. Within a (peer, lane) each sender's next delivery gets the turn
// after its own last one, but never before what is being served now. So 10,000 documents of one sender and one of another are
// handed out alternately, and a claim is still one walk along an index. Held in memory only: after a restart a sender's backlog
// keeps its stored turns and new work begins at the front, which is fair enough and loses nothing.
import type { Database } from '../../protocol/node/sqlite.ts';

export type Turns = {
  next(peer: string, lane: number, sender: string): number;
  served(peer: string, lane: number, turn: number): void;
};

/** Senders remembered. Larger costs memory; when full all are forgotten, which makes one round unfair. */
const rememberedMax = 200_000;

export function createTurns(db: Database): Turns {
  const serving = new Map<string, number>();
  const last = new Map<string, number>();
  const servingTurn = (peer: string, lane: number): number => {
    const place = `${peer} ${lane}`;
    let turn = serving.get(place);
    if (turn === undefined) {
      const first = db.get<{ turn: number }>(
        "SELECT turn FROM deliveries WHERE peer = ? AND lane = ? AND state = 'ready' ORDER BY turn LIMIT 1",
        peer,
        lane,
      );
      turn = first?.turn ?? 0;
      serving.set(place, turn);
    }
    return turn;
  };
  return {
    next(peer, lane, sender) {
      if (last.size > rememberedMax) last.clear();
      const place = `${peer} ${lane} ${sender}`;
      const turn = Math.max(servingTurn(peer, lane), last.get(place) ?? -1) + 1;
      last.set(place, turn);
      return turn;
    },
    served(peer, lane, turn) {
      serving.set(`${peer} ${lane}`, Math.max(turn, servingTurn(peer, lane)));
    },
  };
}

// Writes about work beside the documents: reminders and saved lists. Run in the writer thread.
import { ExchangeError } from '../../protocol/errors.ts';
import type { Database } from '../../protocol/node/sqlite.ts';
import { noteAudit } from '../store/fact-ops.ts';

/** One reminder is kind, ten are noise. */
const nudgeEveryMs = 3_600_000;
const savedViewsMax = 20;

export function figureOps(db: Database) {
  return {
    /** Throws `nudge-too-soon` while the person has had one within the hour. */
    nudge(n: {
      unit: string;
      giver: number;
      taker: number;
      said: string;
      actor: string;
      about: string;
      nowMs: number;
    }): void {
      const { changes } = db.run(
        `INSERT INTO nudges (unit, giver, taker, said, at_ms) SELECT ?1, ?2, ?3, ?4, ?5
         WHERE NOT EXISTS (SELECT 1 FROM nudges WHERE unit = ?1 AND taker = ?3 AND at_ms > ?5 - ${nudgeEveryMs})`,
        n.unit,
        n.giver,
        n.taker,
        db.cells.begin().text(n.said),
        n.nowMs,
      );
      if (changes !== 1) throw new ExchangeError('nudge-too-soon', n.about);
      noteAudit(db, { atMs: n.nowMs, actor: n.actor, act: 'nudge', about: n.about });
    },
    nudgeSeen(n: { id: number; taker: number; nowMs: number }): void {
      db.run(
        'UPDATE nudges SET seen_ms = ? WHERE id = ? AND taker = ? AND seen_ms IS NULL',
        n.nowMs,
        n.id,
        n.taker,
      );
    },
    /** The same name takes the place of the one before. Throws `request-malformed` beyond twenty. */
    viewSave(v: {
      unit: string;
      person: number;
      list: 'in' | 'out';
      name: string;
      query: string;
      nowMs: number;
    }): void {
      db.run(
        `INSERT INTO saved_views (unit, person, list, name, query, made_ms) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (unit, person, list, name) DO UPDATE SET query = excluded.query, made_ms = excluded.made_ms`,
        v.unit,
        v.person,
        v.list,
        v.name,
        db.cells.begin().text(v.query),
        v.nowMs,
      );
      const { n } = db.get<{ n: number }>(
        'SELECT count(*) AS n FROM saved_views WHERE unit = ? AND person = ?',
        v.unit,
        v.person,
      )!;
      if (n > savedViewsMax)
        throw new ExchangeError('request-malformed', `nhiều nhất ${savedViewsMax} danh sách đã lưu`);
    },
    viewDrop(v: { id: number; person: number }): void {
      db.run('DELETE FROM saved_views WHERE id = ? AND person = ?', v.id, v.person);
    },
    /** True for the one who may tell it: a day's digest is told once, whatever restarts. */
    digestClaim({ day }: { day: string }): boolean {
      return (
        db.run(
          `INSERT INTO facts (name, value) VALUES ('digestDay', ?1)
           ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE facts.value < excluded.value`,
          day,
        ).changes === 1
      );
    },
  };
}

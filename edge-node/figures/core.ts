// What the console may ask about figures, backlog, reminders and saved lists. Types only, and pure; verbs.ts makes them.
import type { Caller } from '../accounts/verbs.ts';
import type {
  DigestCounts,
  Load,
  MonthFigures,
  NudgeView,
  Presence,
  SavedView,
} from '../console/contract-figures.ts';
import type { SheetFile, SheetFormat } from '../office/core.ts';

export type Figures = {
  /** Throws `request-malformed` for a month that is none. */
  month(unit: string, month: string): MonthFigures;
  file(unit: string, month: string, format: SheetFormat): Promise<SheetFile>;
  presence(unit: string, from: string, to: string): Presence;
  /** Open work by person or desk, most late first. */
  backlog(unit: string): readonly Load[];
  /** Codes: `person-unknown`, `nudge-too-soon`. */
  nudge(caller: Caller, n: { readonly email: string; readonly said: string }): Promise<void>;
  nudges(caller: Caller): readonly NudgeView[];
  nudgeSeen(caller: Caller, id: number): Promise<void>;
  /** What waits at the unit now, in numbers. */
  digest(unit: string): Promise<DigestCounts>;
  /** True once a day (yyyy-MM-dd): who may tell it. */
  claimDigest(day: string): Promise<boolean>;
  views(caller: Caller): readonly SavedView[];
  /** Under a name of one's own; the same name is overwritten. */
  saveView(caller: Caller, view: Omit<SavedView, 'id'>): Promise<void>;
  dropView(caller: Caller, id: number): Promise<void>;
};

// One line of a list of changes, judged by change-list.ts and written by ops.ts. Types only.
import type { Role } from './person.ts';

export type ChangeLine =
  | {
      readonly change: 'add' | 'move';
      readonly email: string;
      readonly name: string;
      readonly position: string;
      readonly desk: string;
      readonly roles: readonly Role[];
    }
  | { readonly change: 'leave'; readonly email: string };

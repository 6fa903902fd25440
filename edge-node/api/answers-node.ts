// Answers about the node itself, also for the supervisor. Every field is described.
import { flag, list, object, text } from './answer-forms.ts';

export const statusAnswer = {
  type: 'object',
  description:
    'How the node stands: hub (line, last contact, instance, epoch), outbox and receipts waiting, inbox, disk, clock offset, directory, certificates with days left, the last backup, alarms.',
  additionalProperties: true,
} as const;

export const healthAnswer = object('The process is alive.', { ok: flag('Always true.') });

export const readyAnswer = object('Ready or not, with every check.', {
  ready: flag('False: at least one check failed.'),
  checks: list(
    'Each check.',
    object(
      'A check.',
      {
        name: text('hub, disk, clock, directory, certificates, store, safety, calendar, backup, folders.'),
        result: text('ok, warn or fail.'),
        said: text('Why, in English.'),
        saidVi: text('Why, in Vietnamese.'),
      },
      ['said', 'saidVi'],
    ),
  ),
});

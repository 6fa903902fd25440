// Answers about the directory, our units, what a text names, groups. Every field is described.
import { flag, list, object, text } from './answer-forms.ts';

const directoryEntries = list(
  'Best first.',
  object(
    'One unit.',
    {
      unit: text('Internal id.'),
      code: text('Present code.'),
      codes: list('All codes in force, present one first.', text('A code.')),
      name: text('Name.'),
      state: text('active, unconfirmed, suspended, closed or invited (no node yet).'),
      hub: text('Hub, internal id.'),
      parent: text('Parent unit, internal id; absent or empty if none.'),
      here: flag('True if this node serves it.'),
      kind: text('What it is: xã, thị trấn, phòng …; empty when not said.'),
      path: text('Names of the units above, the nearest first.'),
      desks: list(
        'Persons and desks that can be addressed; empty: it does not say.',
        object('A desk.', { desk: text('Before the @.'), name: text('Name.') }),
      ),
      formerNames: list('Names that it had.', text('A name.')),
      successors: list('Codes of those that took over from a closed one.', text('A code.')),
    },
    ['parent'],
  ),
);

export const directoryAnswer = object('What the signed directory knows.', { entries: directoryEntries });

export const unitsAnswer = object(
  'The units that this node serves.',
  {
    units: list(
      'The units.',
      object(
        'One unit.',
        {
          unit: text('Internal id.'),
          code: text('Code.'),
          name: text('Name.'),
          confirmed: flag('False: the hub has not compared the six words yet.'),
          sealDaysLeft: { type: 'number', description: 'Days until the seal certificate ends.' },
        },
        ['sealDaysLeft'],
      ),
    ),
    entries: directoryEntries,
  },
  ['entries'],
);

const placeUnit = object('A unit that a place names.', {
  unit: text('Internal id.'),
  code: text('Present code.'),
  name: text('Name.'),
  desk: text('Person or desk, or empty.'),
  group: text('Group through which it was found, or empty.'),
  paper: text('Empty when it is served here; else the code of why it is for paper.'),
});

export const matchAnswer = object('What a text names.', {
  places: list('Every place, in its order.', {
    type: 'object',
    description:
      'found: units (how, units), several (candidates: choose), nothing (candidates: similar), desk-unknown (code, desks), note (as-named, archive).',
    additionalProperties: true,
  }),
  served: list('Who can be served here, each once.', placeUnit),
  paper: list(
    'For paper.',
    object('A place.', {
      text: text('As written, or the name.'),
      code: text('Its code, if known.'),
      reason: text('Code of the reason.'),
    }),
  ),
  open: list('Places that a person must choose.', text('As written.')),
  elsewhere: list('Lines that point to places named elsewhere in the document.', text('As written.')),
  complete: flag('True when every place is served here.'),
});

export const groupAnswer = object('A group.', {
  code: text('Send to it as "group:CODE".'),
  name: text('Name.'),
  kept: text('hub: for everybody; unit: of this unit.'),
  members: list('Addresses.', text('As written.')),
});

export const groupsAnswer = object('Groups.', { groups: list('The unit’s own first.', groupAnswer) });

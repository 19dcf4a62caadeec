import type { ExplainField, FieldGroup } from './explain-page.ts';

const EVENT_FIELD: ExplainField = { name: 'event', label: 'Event id', hint: 'as _firehose.id has it' };

export const GROUP_FIELD: ExplainField = { name: 'group', label: 'Durable group', hint: 'empty: connections' };

/** How its place in the log is found: by its id alone for ten minutes, later by its call or its cursor. */
const PLACE_FIELDS: readonly ExplainField[] = [
  { name: 'call_id', label: 'Call-ID', hint: 'optional: finds older events' },
  { name: 'cursor', label: 'Cursor', hint: 'optional: of the event itself' },
  { name: 'at', label: 'About when', hint: 'optional: 2026-01-31T09:30:00Z' },
];

/** Which event is meant. */
export const EVENT_FIELDS: FieldGroup = {
  title: 'Which event',
  hint: 'Its id or its place in the log suffices for ten minutes; an older one needs its call, its cursor or its time too.',
  fields: [EVENT_FIELD, ...PLACE_FIELDS],
};

import type { ExplainField } from './explain-page.ts';

/** Which event is meant: its place in the log is found by its id for ten minutes, later by its call or its cursor. */
export const EVENT_FIELDS: readonly ExplainField[] = [
  { name: 'event', label: 'Event id', hint: 'as _firehose.id has it' },
  { name: 'call_id', label: 'Call-ID', hint: 'finds older events' },
  { name: 'cursor', label: 'Cursor', hint: 'of the event itself' },
  { name: 'at', label: 'About when', hint: '2026-01-31T09:30:00Z' },
  { name: 'group', label: 'Durable group', hint: 'empty: streams' },
];

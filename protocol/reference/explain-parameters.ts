/** Query parameters of a question about an event. */
export const EXPLAIN_PARAMETERS = {
  event: 'Id of the event, or its place `<partition>:<entry id>`',
  call_id: 'Its Call-ID: the search is shorter',
  cursor: 'The cursor that came with it: it is found without a search',
  at: 'About when it was ingested, RFC 3339: the search begins there',
  group: 'What this durable group of the account did with it',
} as const;

interface FrameErrorMeaning {
  readonly cause: string;
  readonly remedy: string;
}

/** The `code` of an `error` frame: a client frame was refused, and the connection continues. */
export const FRAME_ERRORS = {
  invalid_filter: { cause: 'The filter has a fault, which the detail names', remedy: 'correct it' },
  account_not_granted: { cause: 'The filter names accounts beyond the token', remedy: 'log in for them' },
  event_not_granted: { cause: 'The filter names events beyond the token', remedy: 'log in for them' },
  unknown_event: { cause: 'No event has this name', remedy: 'correct the name' },
  foreign_account: { cause: 'An account is not within the account of the login', remedy: 'ask for its own' },
  account_not_offered: { cause: 'The resource offers no events of these accounts', remedy: 'ask for others' },
  event_not_offered: { cause: 'The resource offers none of these events', remedy: 'ask for others' },
  account_gone: { cause: 'The account of the token is no longer there', remedy: 'ask the platform' },
  snapshot_too_soon: { cause: 'A snapshot was given within the last ten seconds', remedy: 'ask later' },
  snapshot_in_group: { cause: 'A group shares events', remedy: 'connect without a group for the live calls' },
  snapshot_needs_events: {
    cause: 'The filter leaves out CHANNEL_CREATE, CHANNEL_ANSWER or CHANNEL_DESTROY',
    remedy: 'ask with a filter that has these',
  },
  calls_disabled: { cause: 'The resource keeps no table of live calls', remedy: 'set spec.calls.enabled' },
  calls_unavailable: { cause: 'The table of live calls is being made, or is behind', remedy: 'ask again' },
  filter_fixed: { cause: 'In a group the filter is that of the token', remedy: 'log in with other filters' },
  grant_unavailable: { cause: 'The grant of the new token cannot be read now', remedy: 'send it again' },
  scope_disjoint: { cause: 'The new token grants nothing of what the connection has', remedy: 'connect with it' },
  group_grant_differs: { cause: 'In a group a new token has the grant of the first', remedy: 'log in alike' },
  no_group: { cause: 'The connection is in no group', remedy: 'connect with group=' },
  moved: { cause: 'The acknowledgement could not be kept', remedy: 'expect the events again, with the same ids' },
  unknown_id: { cause: 'Not delivered to this connection, or finished already', remedy: 'nothing' },
  unknown_cursor: { cause: 'Not a cursor of an event of this connection', remedy: 'send one that it was sent' },
} as const satisfies Readonly<Record<string, FrameErrorMeaning>>;

export type FrameErrorCode = keyof typeof FRAME_ERRORS;

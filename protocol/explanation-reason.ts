/** Why an event did not arrive, and what to do about it. */
export const REASONS = {
  unknown_event: 'No such event is in the log: it was never ingested, was refused, or is no longer kept',
  trimmed: 'The log no longer keeps this place',
  poison: 'The entry breaks the format: it is delivered to nobody',
  unknown_account: 'The directory has no such account: the event is delivered to nobody',
  filtered_by_resource: 'The resource does not offer this event of this account',
  outside_of_login: 'The account of the event is not that of the login, and not below it',
  account_not_granted: 'The token leaves out the account of the event',
  event_not_granted: 'The token leaves out events of this name',
  user_disabled: 'The user or its account is disabled or not there: no session is possible',
  revoked: 'The session was ended by a revocation, and none followed',
  no_session_then: 'No session was open when the event passed',
  filtered: 'The filter in force left the event out',
  gap_told: 'The session was behind what the log keeps, and was told of the gap',
  skipped_to_live: 'The session was slow and was taken to the newest event, and was told so',
  snapshot: 'The session began with a snapshot of the live calls, which is of a later moment',
  not_written_yet: 'The session is behind, and has not reached the event',
  not_read_yet: 'The group has not read the event yet',
  not_kept_by_group: 'The filter of the group leaves the event out',
  not_acknowledged_yet: 'The event was delivered, or will be again, and is not acknowledged',
  dead_letter: 'The group has given the event up',
} as const;
export type Reason = keyof typeof REASONS;

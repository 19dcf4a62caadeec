/** Query parameters of the stream, by what they mean. */
export const STREAM_PARAMETERS = {
  token: 'The token of a login; or the header Authorization',
  v: '1: the control contract, whose messages all have _firehose',
  meta: '1: each event has _firehose as its last key',
  cursor: 'Continue after this place',
  from: 'Begin at a time: RFC 3339, or as -15m',
  to: 'End a replay at this time',
  on_gap:
    'fail: 410 where events are gone; clamp: continue from the oldest; snapshot: the live calls, then the events after them',
  snapshot: 'calls: begin with the live calls; with v=1',
  group: 'Join this durable group',
  regroup: 'true: take the group over with another grant',
  refusals: 'close: a refused handshake is accepted and closed with its code, for clients that cannot read an answer',
} as const satisfies Readonly<Record<string, string>>;

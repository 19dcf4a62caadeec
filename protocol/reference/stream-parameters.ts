/** Query parameters of the stream, with their meanings. */
export const STREAM_PARAMETERS = {
  token: 'The token of a login; or the header Authorization, or on a WebSocket the subprotocol firehose.token.<token>',
  v: '1: the control contract, whose messages all have _firehose',
  meta: '1: each event has _firehose as its last key',
  format: 'cloudevents: each event is the data of a CloudEvent 1.0',
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

/** Those of the stream as Server-Sent Events. */
export const EVENTS_PARAMETERS = {
  token: 'The token of a login; or the header Authorization',
  meta: STREAM_PARAMETERS.meta,
  format: STREAM_PARAMETERS.format,
  cursor: STREAM_PARAMETERS.cursor,
  from: STREAM_PARAMETERS.from,
  to: STREAM_PARAMETERS.to,
  on_gap: STREAM_PARAMETERS.on_gap,
  snapshot: 'calls: begin with the live calls',
} as const satisfies Readonly<Partial<Record<keyof typeof STREAM_PARAMETERS, string>>>;

/**
 * WebSocket close codes of the gateway; ws chooses those for a violation of the protocol (1002, 1007, 1009). 4000-4499:
 * the client reconnects; 4500 and above: it must not.
 */
export const CLOSE = {
  replayDone: 1000,
  shutdown: 1001,
  rollingRestart: 1012,
  tokenExpired: 4401,
  noTraffic: 4408,
  cursorTooOld: 4410,
  slowConsumer: 4429,
  notAFrame: 4500,
  tokenRefused: 4501,
  revoked: 4503,
} as const;

/** From this code on a client must not reconnect, so it gets no cursor. */
export const FIRST_FINAL_CODE = 4500;

export type CloseName = keyof typeof CLOSE;

/** The `e` of the close reason, one for each way a connection ends. */
export type CloseReason =
  | 'shutdown'
  | 'rolling_restart'
  | 'token_expired'
  | 'no_traffic'
  | 'cursor_too_old'
  | 'epoch_lost'
  | 'too_many_frames'
  | 'slow_consumer'
  | 'replay_done'
  | 'trimmed'
  | 'group_lost'
  | 'grant_differs'
  | 'not_a_frame'
  | 'token_refused'
  | 'revoked';

const MAX_REASON_BYTES = 123;

/** Keys of a reason besides `e`, the most important first; null ones are omitted. */
export interface ReasonDetail {
  /** The cursor to continue from. */
  readonly c?: string | null;
  /** The faulty field of the client's frame. */
  readonly f?: string | null;
  /** The fault of that field. */
  readonly d?: string;
}

/** A close reason as JSON of at most 123 bytes (RFC 6455 5.5): keys that do not fit are omitted. */
export function closeReason(reason: string, { c = null, f = null, d }: ReasonDetail = {}): string {
  const keys = { ...(c !== null && { c }), ...(f !== null && { f }), ...(d !== undefined && { d }) };
  let said: Record<string, string> = { e: reason };
  for (const [key, value] of Object.entries(keys)) {
    const more = { ...said, [key]: value };
    if (new TextEncoder().encode(JSON.stringify(more)).length <= MAX_REASON_BYTES) said = more;
  }
  return JSON.stringify(said);
}

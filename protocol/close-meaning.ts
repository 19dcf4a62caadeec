import { CLOSE, type CloseReason } from './close-code.ts';
import type { Again } from './problem-code.ts';

export interface CloseMeaning {
  readonly code: number;
  readonly again: Again;
  readonly cause: string;
  readonly remedy: string;
}

const means = (code: number, again: Again, cause: string, remedy: string): CloseMeaning => ({
  code,
  again,
  cause,
  remedy,
});

const RESYNCHRONISE = 'connect again, and read the present state from elsewhere';

/** The meaning of each `e` of a close reason. `again: 'wait'` means: reconnect, with jitter. */
export const CLOSE_MEANINGS: Readonly<Record<CloseReason, CloseMeaning>> = {
  replay_done: means(CLOSE.replayDone, 'no', 'A replay with to is complete', 'nothing'),
  shutdown: means(CLOSE.shutdown, 'wait', 'The replica stops', 'connect again with jitter'),
  rolling_restart: means(CLOSE.rollingRestart, 'wait', 'The replica is being replaced', 'connect again with jitter'),
  token_expired: means(CLOSE.tokenExpired, 'login', 'The token has expired', 'log in again'),
  no_traffic: means(CLOSE.noTraffic, 'wait', 'Nothing was received for 60 s', 'answer pings'),
  cursor_too_old: means(CLOSE.cursorTooOld, 'wait', 'Events were removed before they were sent', RESYNCHRONISE),
  epoch_lost: means(CLOSE.cursorTooOld, 'wait', 'The log was lost and refilled', RESYNCHRONISE),
  trimmed: means(CLOSE.cursorTooOld, 'wait', 'Events of the group were removed before they were sent', RESYNCHRONISE),
  group_lost: means(CLOSE.cursorTooOld, 'wait', 'The group was deleted and made again', RESYNCHRONISE),
  grant_differs: means(CLOSE.cursorTooOld, 'wait', 'Another login took the group over', 'log in with its filters'),
  slow_consumer: means(CLOSE.slowConsumer, 'wait', 'The client read too slowly', 'read faster, or filter'),
  too_many_frames: means(CLOSE.slowConsumer, 'wait', 'More than 120 frames a minute were sent', 'send fewer'),
  not_a_frame: means(
    CLOSE.notAFrame,
    'no',
    'A message was no frame: f is the field, d the fault',
    'correct the client',
  ),
  token_refused: means(
    CLOSE.tokenRefused,
    'no',
    'A new token was not of this account and user',
    'connect with it instead',
  ),
  revoked: means(CLOSE.revoked, 'no', 'The token, user or account was revoked or disabled', 'ask the platform'),
};

import { ADDRESS_REFUSED } from '../net/guarded-socket.ts';

/** Replies of Redis that begin with a word in capitals: `LOADING Redis is loading the dataset in memory`. */
const REPLY_CODE = /^([A-Z][A-Z_]{2,31})(?:\s|$)/;
const SYSTEM_CODE = /^E[A-Z0-9_]+$/;
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_|HOSTNAME_MISMATCH)/;
const LOST_BEFORE_REPLY = /Connection is closed|max retries per request|Command aborted/;
const NOT_SENT =
  /isn't writeable|isn't ready and enableOfflineQueue|All sentinels are unreachable|startup nodes|Failed to refresh slots/;
/** An error within a script is in the text of the script's error, after text that Redis adds. */
const IN_SCRIPT = /\b(OOM command not allowed|MISCONF|NOREPLICAS|READONLY)\b/;
/** The stream contains an entry with the greatest possible id. */
const EXHAUSTED = /^ERR The stream has exhausted the last possible ID/;
/** Redis 7.0's form of NOPERM for commands of a script. */
const NOT_PERMITTED_IN_SCRIPT = /^ERR The user executing the script can't/;
/** Errors of the client itself: about this command, or during the search for a server. */
const REDIRECTED = /^Too many Cluster redirections\. Last error: (?:\w*Error: )?(.+)$/s;
const SOUGHT = /^(?:All sentinels are unreachable.*Last error:|failed to connect to sentinel \S+ because) (.+)$/s;
const NO_SUCH_MASTER = /got an invalid reply: null|^ERR No such master/;

/** Codes after which it is unknown whether a command was executed. */
const REPLY_LOST: ReadonlySet<string> = new Set(['TIMEOUT', 'CONNECTION_LOST']);

/** A wait that ended without an answer. */
export class RedisTimeout extends Error {
  override readonly name = 'RedisTimeout';
  readonly code = 'TIMEOUT';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

/** Node's own code of the error, empty for none. */
function nodeCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** The code of the cause of an error that only reports that all attempts failed; null for any other error. */
function codeBehind(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const redirected = REDIRECTED.exec(error.message)?.[1];
  if (redirected !== undefined) return redisErrorCode(new Error(redirected));
  const sought =
    'lastNodeError' in error
      ? error.lastNodeError
      : SOUGHT.exec(error.message)
          ?.slice(1)
          .map((text) => new Error(text))[0];
  if (sought === undefined || sought === null) return null;
  // No command of the caller lost its reply: there was no server to send it to.
  const code = redisErrorCode(sought);
  return replyWasLost(code) ? 'UNREACHABLE' : code;
}

/**
 * A stable code for any error of a Redis client, safe to log and to show: the first word of Redis's own reply (LOADING,
 * OOM, READONLY, NOAUTH, WRONGPASS, NOPERM, MISCONF, BUSY, CLUSTERDOWN, WRONGTYPE, ERR, ...), `TIMEOUT`,
 * `CONNECTION_LOST` (sent, but the reply never came), `UNREACHABLE` (not sent), `ADDRESS_REFUSED` (not connected to),
 * `TLS`, `EXHAUSTED` (a stream's last id is the greatest), `TOO_OLD` (the project's scripts: not Redis 7.0),
 * `UNKNOWN_MASTER` (no sentinel knows a master of this name), or `UNKNOWN`.
 */
export function redisErrorCode(error: unknown): string {
  if (error instanceof RedisTimeout) return 'TIMEOUT';
  if (textOf(error).includes(ADDRESS_REFUSED)) return 'ADDRESS_REFUSED';
  const inner = codeBehind(error);
  if (inner !== null) return inner;
  const text = textOf(error);
  if (text === 'Command timed out') return 'TIMEOUT';
  if (NO_SUCH_MASTER.test(text)) return 'UNKNOWN_MASTER';
  if (NOT_SENT.test(text)) return 'UNREACHABLE';
  if (LOST_BEFORE_REPLY.test(text)) return 'CONNECTION_LOST';
  if (NOT_PERMITTED_IN_SCRIPT.test(text)) return 'NOPERM';
  if (EXHAUSTED.test(text)) return 'EXHAUSTED';
  const met = IN_SCRIPT.exec(text)?.[1];
  if (met !== undefined) return met.startsWith('OOM') ? 'OOM' : met;
  const code = nodeCode(error);
  if (TLS_CODE.test(code)) return 'TLS';
  if (SYSTEM_CODE.test(code) || text.startsWith('connect ') || text.startsWith('Socket timeout')) return 'UNREACHABLE';
  return REPLY_CODE.exec(text)?.[1] ?? 'UNKNOWN';
}

/** Whether a command that failed with this code may nevertheless have been executed. */
export function replyWasLost(code: string): boolean {
  return REPLY_LOST.has(code);
}

/** Replies of Redis that begin with a word in capitals: `LOADING Redis is loading the dataset in memory`. */
const REPLY_CODE = /^([A-Z][A-Z_]{2,31})(?:\s|$)/;
const SYSTEM_CODE = /^(E[A-Z0-9_]+|ERR_[A-Z_]+)$/;
const LOST_BEFORE_REPLY = /Connection is closed|max retries per request|Command aborted/;
const NOT_SENT = /Stream isn't writeable/;
const OUT_OF_MEMORY_IN_SCRIPT = /\bOOM command not allowed/;

/** Codes after which a command may or may not have been carried out. */
const REPLY_LOST: ReadonlySet<string> = new Set(['TIMEOUT', 'CONNECTION_LOST']);

/** A wait that ended without an answer. */
export class RedisTimeout extends Error {
  override readonly name = 'RedisTimeout';
  readonly code = 'TIMEOUT';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

function systemCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && SYSTEM_CODE.test(code) ? code : '';
}

/**
 * A stable code for whatever a Redis client threw, safe to log and to show: the first word of Redis's own reply
 * (LOADING, OOM, READONLY, NOAUTH, WRONGPASS, NOPERM, MISCONF, BUSY, CLUSTERDOWN, WRONGTYPE, ERR, ...), `TIMEOUT`,
 * `CONNECTION_LOST` (sent, but the reply never came), `UNREACHABLE` (not sent), `TLS`, or `UNKNOWN`.
 */
export function redisErrorCode(error: unknown): string {
  if (error instanceof RedisTimeout) return 'TIMEOUT';
  const text = textOf(error);
  if (text === 'Command timed out') return 'TIMEOUT';
  if (NOT_SENT.test(text)) return 'UNREACHABLE';
  if (LOST_BEFORE_REPLY.test(text)) return 'CONNECTION_LOST';
  if (OUT_OF_MEMORY_IN_SCRIPT.test(text)) return 'OOM';
  const system = systemCode(error);
  if (/CERT|TLS|SSL/.test(system)) return 'TLS';
  if (system !== '' || text.startsWith('connect ')) return 'UNREACHABLE';
  return REPLY_CODE.exec(text)?.[1] ?? 'UNKNOWN';
}

/** Whether a command that failed with this code may nevertheless have been carried out. */
export function replyWasLost(code: string): boolean {
  return REPLY_LOST.has(code);
}

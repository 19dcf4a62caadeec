import type { Verdict } from '../sender/verdict.ts';

/** What came of a publication: the stream's acknowledgement, or a code of NATS, JetStream, the system or the gateway. */
export type Published =
  | { readonly kind: 'stored'; readonly stream: string; readonly sequence: number; readonly isDuplicate: boolean }
  | {
      readonly kind: 'failure';
      /**
       * TIMEOUT, CONNECTION_CLOSED, AUTHORIZATION_VIOLATION, PERMISSIONS_VIOLATION, NO_STREAM, MAX_PAYLOAD,
       * ADDRESS_REFUSED, ECONNREFUSED, CERT_HAS_EXPIRED, ..., or `JS_` and the number of an error of JetStream.
       */
      readonly code: string;
      /** More in words, by the server; may be empty. */
      readonly text: string;
    };

/**
 * Refusals of one message, which every attempt repeats: larger than the server's `max_payload`, than the stream's
 * `max_msg_size` (JSStreamMessageExceedsMaximumErr) or than its headers may be (JSStreamHeaderExceedsMaximumErr).
 */
const OF_EVENT: ReadonlySet<string> = new Set(['MAX_PAYLOAD', 'JS_10054', 'JS_10097']);

/**
 * Decides whose fault an outcome is. Whatever is not a refusal of one message belongs to the servers, the stream or the
 * declaration: no stream, a full stream, wrong credentials, a missing permission. Then everything waits and nothing is
 * given up. Pure.
 */
export function judgePublish(published: Published): Verdict {
  if (published.kind === 'stored') return { kind: 'acknowledged' };
  return OF_EVENT.has(published.code) ? { kind: 'event' } : { kind: 'endpoint', retryAfterMs: null };
}

/** The outcome in words, for the attempts and for dead letters. */
export function inWords(published: Published): string {
  if (published.kind === 'stored') {
    const { stream, sequence, isDuplicate } = published;
    return `${stream} ${sequence}${isDuplicate ? ' (duplicate)' : ''}`;
  }
  const { code, text } = published;
  return text === '' ? `NATS: ${code}` : `NATS: ${code}: ${text}`;
}

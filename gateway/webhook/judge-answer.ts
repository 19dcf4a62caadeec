import type { Verdict } from '../sender/verdict.ts';

/** The outcome of a request: an answer, or the code of a system's error or of the gateway's own. */
export type Outcome =
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** `Retry-After` as sent; null when absent. */
      readonly retryAfter: string | null;
      /** The header `webhook-delivery`. */
      readonly directive: string | null;
      /** The beginning of the body. */
      readonly text: string;
    }
  /** TIMEOUT, ADDRESS_REFUSED, ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED, ... */
  | { readonly kind: 'failure'; readonly code: string };

/** Answers of an overloaded or unavailable receiver, or of a proxy in front of it. */
const AWAY: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);
/**
 * Answers about the address or the sender: they are the same for every event when nothing succeeds. Redirects are never
 * followed.
 */
const ADDRESSED: ReadonlySet<number> = new Set([401, 403, 404, 405, 407]);
const GONE = 410;
const LONGEST_RETRY_MS = 3_600_000;

/**
 * Decides whether an outcome is the fault of the event or of the endpoint. `othersSucceed`: as the endpoint judges it
 * (endpoint.ts). An outcome that all events have is the endpoint's fault: a receiver that moved, or lost its
 * credentials, must not empty the log into the dead letters. `now`: Unix milliseconds. Pure.
 */
export function judgeAnswer(
  outcome: Outcome,
  { othersSucceed, now }: { readonly othersSucceed: boolean; readonly now: number },
): Verdict {
  if (outcome.kind === 'failure') return { kind: 'endpoint', retryAfterMs: null };
  const { status, directive, retryAfter } = outcome;
  const isTaken = status >= 200 && status < 300;
  if (directive === 'disable') return { kind: 'disable', reason: 'asked', isTaken };
  if (status === GONE) return { kind: 'disable', reason: 'gone', isTaken };
  if (isTaken) return { kind: 'acknowledged' };
  if (directive === 'abort-message') return { kind: 'dead_letter' };
  if (AWAY.has(status)) return { kind: 'endpoint', retryAfterMs: retryAfterMs(retryAfter, now) };
  const isOfAll = status < 400 || status >= 500 || ADDRESSED.has(status);
  if (isOfAll && !othersSucceed) return { kind: 'endpoint', retryAfterMs: retryAfterMs(retryAfter, now) };
  return { kind: 'event' };
}

/** Seconds or a date (RFC 9110 10.2.3); null for anything else. */
function retryAfterMs(text: string | null, now: number): number | null {
  if (text === null) return null;
  const isSeconds = /^\d{1,9}$/.test(text);
  const ms = isSeconds ? Number(text) * 1_000 : Date.parse(text.endsWith('GMT') ? text : '') - now;
  return Number.isNaN(ms) ? null : Math.min(LONGEST_RETRY_MS, Math.max(0, ms));
}

/** The outcome in words, for the attempts and for dead letters. */
export function inWords(outcome: Outcome): string {
  if (outcome.kind === 'failure') return `no answer: ${outcome.code}`;
  return outcome.text === '' ? `HTTP ${outcome.status}` : `HTTP ${outcome.status}: ${outcome.text}`;
}

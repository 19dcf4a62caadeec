import { askedMs } from './waits.ts';

/** What to do after a connection or a login has ended. */
export type Verdict =
  | { readonly kind: 'again'; readonly login: boolean; readonly afterMs: number }
  /** The gateway lost events of this connection or of its group: report a gap, then reconnect. */
  | { readonly kind: 'gap'; readonly reason: string }
  /** A replay with `to` is complete. */
  | { readonly kind: 'done' }
  | { readonly kind: 'stop'; readonly reason: string | null; readonly status: number };

const LOST = 4410;
const EXPIRED = 4401;
const DONE = 1000;
const FIRST_FINAL = 4500;
const DEFAULT_RETRY_MS = 1_000;

/** `reason` is the text of the close frame: JSON with `e`, or empty. */
export function afterClose(code: number, reason: string): Verdict {
  const word = wordOf(reason);
  // A proxy may also send 1000: that does not end the stream.
  if (code === DONE && word === 'replay_done') return { kind: 'done' };
  if (code >= FIRST_FINAL) return { kind: 'stop', reason: word, status: code };
  if (code === EXPIRED) return { kind: 'again', login: true, afterMs: 0 };
  if (code === LOST) return { kind: 'gap', reason: word ?? 'lost' };
  return { kind: 'again', login: false, afterMs: 0 };
}

/**
 * Decides after an HTTP answer without a token. `retryAfter` is the header of that name: whole seconds, or a date that
 * is ignored. A 200 comes from a proxy with a page of its own: the client tries again.
 */
export function afterRefusal(status: number, code: string | null, retryAfter: string | null): Verdict {
  if (status === 401) return { kind: 'again', login: true, afterMs: 0 };
  const passes = status < 300 || status === 408 || status === 425 || status === 429 || status >= 500;
  if (!passes) return { kind: 'stop', reason: code, status };
  const isSeconds = retryAfter !== null && /^\d+$/.test(retryAfter);
  return { kind: 'again', login: false, afterMs: isSeconds ? askedMs(Number(retryAfter) * 1_000) : DEFAULT_RETRY_MS };
}

function wordOf(reason: string): string | null {
  try {
    const { e } = JSON.parse(reason) as { e?: unknown };
    return typeof e === 'string' ? e : null;
  } catch {
    return null;
  }
}

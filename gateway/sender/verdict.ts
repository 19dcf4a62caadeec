/**
 * acknowledged: the destination has it. event: a fault of the event, which counts an attempt; only its call waits.
 * endpoint: a fault of the endpoint, for which everything waits and no attempt counts. dead_letter: the destination
 * never wants it. disable: it wants nothing more.
 */
export type Verdict =
  | { readonly kind: 'acknowledged' | 'event' | 'dead_letter' }
  /** `isTaken`: and it has the event. */
  | { readonly kind: 'disable'; readonly reason: 'gone' | 'asked'; readonly isTaken: boolean }
  | {
      readonly kind: 'endpoint';
      /** Wait that the destination requested, at most an hour; null: none. */
      readonly retryAfterMs: number | null;
    };

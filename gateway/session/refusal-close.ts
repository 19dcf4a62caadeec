import { CLOSE, closeReason } from '../../protocol/close-code.ts';
import type { Problem } from '../http/problem.ts';

/** Try again later (RFC 6455 registry of close codes). */
const TRY_LATER = 1013;

/** Close codes by HTTP status. Any other status is a fault of the client, which must not repeat the same request. */
const CODES: Readonly<Record<number, number>> = {
  401: CLOSE.tokenExpired,
  403: CLOSE.tokenRefused,
  409: TRY_LATER,
  410: CLOSE.cursorTooOld,
  429: CLOSE.slowConsumer,
  503: TRY_LATER,
};

/**
 * The Close for a refused handshake under `refusals=close`: browsers and Node report an HTTP refusal only as 1006. The
 * reason contains the problem's `code` as `e`, its field as `f`, and its detail as `d` where it fits.
 */
export function refusalClose({ status, code, field, detail }: Problem): { code: number; reason: string } {
  return {
    code: CODES[status] ?? CLOSE.notAFrame,
    reason: closeReason(code, { ...(field !== undefined && { f: field }), d: detail }),
  };
}

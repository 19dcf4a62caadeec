/** How many frames a client may send: a token bucket for one minute. Pure state with `now` in milliseconds. */
export interface FrameAllowance {
  tokens: number;
  refilledAt: number;
}

export const FRAMES_A_MINUTE = 120;

export function fullAllowance(now: number): FrameAllowance {
  return { tokens: FRAMES_A_MINUTE, refilledAt: now };
}

/** Takes one frame off the allowance; false when none is left. */
export function takeFrame(allowance: FrameAllowance, now: number): boolean {
  const refill = ((now - allowance.refilledAt) / 60_000) * FRAMES_A_MINUTE;
  allowance.tokens = Math.min(FRAMES_A_MINUTE, allowance.tokens + Math.max(0, refill));
  allowance.refilledAt = now;
  if (allowance.tokens < 1) return false;
  allowance.tokens -= 1;
  return true;
}

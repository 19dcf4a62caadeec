/** What a pass has found that decides over the gateways. */
export interface WorkloadInput {
  /** Whether there is a Deployment. */
  readonly isThere: boolean;
  readonly isSuspended: boolean;
  /** Everything that their pods refer to is there, allowed and ours to give. */
  readonly isComplete: boolean;
  /** Keys and groups are made. */
  readonly isProvisioned: boolean;
}

/**
 * Whether the Deployment may be made or changed. Gateways that run are left as they are while something that their pods
 * need is missing; but to stop them nothing is needed.
 */
export function mayChangeGateways({ isThere, isSuspended, isComplete, isProvisioned }: WorkloadInput): boolean {
  if (isThere && isSuspended) return true;
  return isComplete && (isThere || isProvisioned);
}

/** Results of a pass that decide about the gateways. */
export interface WorkloadInput {
  /** Whether there is a Deployment. */
  readonly isThere: boolean;
  readonly isSuspended: boolean;
  /** Everything that their pods refer to exists, is allowed, and has the right owner. */
  readonly isComplete: boolean;
  /** Keys and groups exist. */
  readonly isProvisioned: boolean;
}

/**
 * Whether the Deployment may be created or changed. Running gateways are not changed while something that their pods
 * need is missing; they can always be stopped.
 */
export function mayChangeGateways({ isThere, isSuspended, isComplete, isProvisioned }: WorkloadInput): boolean {
  if (isThere && isSuspended) return true;
  return isComplete && (isThere || isProvisioned);
}

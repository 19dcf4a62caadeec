import type { Condition } from '../../protocol/subscription/status.ts';

/** The result of a step: a code for programs and a text for people. */
export interface Finding {
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
  /** Only a change by a person helps. */
  readonly isFinal?: boolean;
}

/**
 * One finding for each step; Unknown while an earlier step has to succeed first. More than eight members: conditions,
 * summary and Events are computed from all of them.
 */
export interface Findings {
  /** Whether the platform allows the resource's requests. */
  readonly policy: Finding;
  readonly references: Finding;
  readonly redis: Finding;
  readonly groups: Finding;
  readonly keys: Finding;
  /** Whether traces may be sent to their destination. */
  readonly telemetry: Finding;
  /** Whether every object is as it should be. */
  readonly objects: Finding;
  readonly gateway: Finding;
  readonly endpoint: Finding;
  readonly isSuspended: boolean;
  /** Gateways that still exist or have a live heartbeat although none is wanted. */
  readonly draining: number;
  /** Why it serves in a reduced form; null when it is complete, or does not serve. */
  readonly degraded: Finding | null;
  /** Warnings, which stop nothing; null when there are none. */
  readonly clientAddressHidden: Finding | null;
  readonly unknownEventNames: Finding | null;
  readonly directoryStale: Finding | null;
  readonly webhookDisabled: Finding | null;
  readonly sinkFailing: Finding | null;
}

export const good = (reason: string, message: string): Finding => ({ status: 'True', reason, message });
export const bad = (reason: string, message: string, isFinal = false): Finding => ({
  status: 'False',
  reason,
  message,
  isFinal,
});
export const unknown = (reason: string, message: string): Finding => ({ status: 'Unknown', reason, message });

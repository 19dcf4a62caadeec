import type { Condition } from '../../protocol/subscription/status.ts';

/** What a step has found, as a code for programs and a text for people. */
export interface Finding {
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
  /** Nothing but a change by a person helps. */
  readonly isFinal?: boolean;
}

/**
 * One finding a step; Unknown where an earlier step has to succeed first. More members than eight: conditions, summary and
 * Events are made of all of them.
 */
export interface Findings {
  /** Whether the platform allows what is asked for. */
  readonly policy: Finding;
  readonly references: Finding;
  readonly redis: Finding;
  readonly groups: Finding;
  readonly keys: Finding;
  /** Whether traces may go where they are sent. */
  readonly telemetry: Finding;
  /** Whether every object is as it should be. */
  readonly objects: Finding;
  readonly gateway: Finding;
  readonly endpoint: Finding;
  readonly isSuspended: boolean;
  /** Gateways that still exist or have a live heartbeat although none is wanted. */
  readonly draining: number;
  /** Why it serves with less than it should; null when it is complete, or does not serve. */
  readonly degraded: Finding | null;
  /** Warnings, which stop nothing; null when there is nothing to warn of. */
  readonly clientAddressHidden: Finding | null;
  readonly unknownEventNames: Finding | null;
  readonly directoryStale: Finding | null;
  readonly webhookDisabled: Finding | null;
}

export const good = (reason: string, message: string): Finding => ({ status: 'True', reason, message });
export const bad = (reason: string, message: string, isFinal = false): Finding => ({
  status: 'False',
  reason,
  message,
  isFinal,
});
export const unknown = (reason: string, message: string): Finding => ({ status: 'Unknown', reason, message });

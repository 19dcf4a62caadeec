import type { ListedLeg, SwitchEvent } from './mapper.ts';

/** Why a switch does not serve, or no longer does. Stable: conditions of the resource and labels of metrics use it. */
export type SwitchReason =
  /** No connection, or it has ended. */
  | 'Unreachable'
  /** Open, but without a sign of life. */
  | 'Silent'
  /** Wrong user or password. */
  | 'Credentials'
  /** The user lacks a right, or the switch's access list excludes this address. */
  | 'AccessRefused'
  | 'TLS'
  /** The peer does not speak this protocol. */
  | 'Protocol'
  /** ARI: another connection took over the application's name. */
  | 'Replaced'
  /** The switch announced the end of the connection: it stops, or the listener was too slow. */
  | 'Disconnected';

/** Waiting does not help: a person must change something. */
export function isLastingReason(reason: SwitchReason): boolean {
  return reason === 'Credentials' || reason === 'AccessRefused' || reason === 'TLS' || reason === 'Protocol';
}

/** The switch cannot be used. The text never holds a credential (S12). */
export class SwitchFault extends Error {
  override readonly name = 'SwitchFault';
  readonly code: SwitchReason;
  constructor(code: SwitchReason, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Receives what a switch sends. Called from the read of the socket, in the order of the wire: it must neither throw nor
 * wait (S7).
 */
export interface SwitchListener {
  event(event: SwitchEvent): void;
  /** Received data that is not an event, to be counted. `what` is bounded. */
  malformed(what: string): void;
}

/** One connection to one switch, with the subscription in force. */
export interface SwitchConnection extends AsyncDisposable {
  /**
   * Id of the switch's current life: it changes when the switch restarts (Core-UUID of FreeSWITCH, start time of
   * Asterisk).
   */
  readonly instance: string;
  /** Version of the switch; empty when unknown. */
  readonly version: string;
  /** Since when the subscription is in force. Unix milliseconds. */
  readonly since: number;
  /**
   * Last receipt from the switch, including answers to pings: everything that it sent before was received. At most 30 s
   * old while the connection is good. Unix milliseconds.
   */
  readonly heardAt: number;
  /** A fault that leaves the connection useful, such as `TimestampsOff`; null when there is none. */
  readonly degraded: string | null;
  /** Resolves with the reason once it has ended; never rejects. */
  readonly lost: Promise<SwitchReason>;
  /** Only for a switch that keeps its events while no client is connected (ARIOutbound). */
  readonly keeping?: {
    /**
     * The log has everything before this time of Redis's clock, and the switch delivers everything after it now; null
     * when that is unknown. Unix milliseconds.
     */
    readonly since: number | null;
    /**
     * The connection was closed in order: everything that the switch sent was received, and the switch keeps later
     * events.
     */
    readonly isClosed: boolean;
  };
  /** The existing legs. Rejects with a SwitchFault, or with the signal's reason. */
  listing(signal: AbortSignal): Promise<readonly ListedLeg[]>;
}

/** What a connection that was closed in order leaves for the next one, on any replica. */
export interface KeptMark {
  /** The life of the switch: the switch keeps nothing across a restart. */
  readonly instance: string;
  /** The log has everything before this time. Unix milliseconds of Redis's clock. */
  readonly until: number;
}

/** One switch that this process can listen to. */
export interface Switch {
  /** The switch connects to this process, and retries by itself: no back-off between two attempts. */
  readonly connectsItself?: boolean;
  /**
   * Connects, authenticates, subscribes. The listener may be called before this resolves. Rejects with a SwitchFault,
   * or with the signal's reason. Every step has a limit.
   */
  open(listener: SwitchListener, signal: AbortSignal): Promise<SwitchConnection>;
}

import type { ListedLeg, SwitchEvent } from './mapper.ts';

/** Why a switch does not serve, or no longer does. Stable: a condition of the resource, a label of a metric. */
export type SwitchReason =
  /** No connection, or it ended. */
  | 'Unreachable'
  /** Open, but without a sign of life. */
  | 'Silent'
  /** Wrong user or password. */
  | 'Credentials'
  /** The user lacks a right, or the switch's access list names another address. */
  | 'AccessRefused'
  | 'TLS'
  /** It does not speak this protocol. */
  | 'Protocol'
  /** ARI: another connection took the application's name. */
  | 'Replaced'
  /** It said that it ends the connection: it stops, or the listener was too slow. */
  | 'Disconnected';

/** What waiting does not fix: a person must change something. */
export function isLastingReason(reason: SwitchReason): boolean {
  return reason === 'Credentials' || reason === 'AccessRefused' || reason === 'TLS' || reason === 'Protocol';
}

/** The switch cannot be listened to. The text never holds a credential (S12). */
export class SwitchFault extends Error {
  override readonly name = 'SwitchFault';
  readonly code: SwitchReason;
  constructor(code: SwitchReason, message: string) {
    super(message);
    this.code = code;
  }
}

/** Takes what a switch says. Called from the socket's read, in the order of the wire: it must not throw and not wait (S7). */
export interface SwitchListener {
  event(event: SwitchEvent): void;
  /** What was read and is not an event: counted. `what` is bounded. */
  malformed(what: string): void;
}

/** One connection to one switch, with the subscription in force. */
export interface SwitchConnection extends AsyncDisposable {
  /** One life of the switch: changes when it restarts (Core-UUID of FreeSWITCH, start time of Asterisk). */
  readonly instance: string;
  /** Version of the switch; empty when it does not tell. */
  readonly version: string;
  /** Since when the subscription is in force. Unix milliseconds. */
  readonly since: number;
  /**
   * When the switch was last heard, an answer to a ping included: what it said before that was received. At most 30 s
   * behind while the connection is good. Unix milliseconds.
   */
  readonly heardAt: number;
  /** A fault that leaves the connection useful, as `TimestampsOff`; null when there is none. */
  readonly degraded: string | null;
  /** Resolves with the reason once it has ended; never rejects. */
  readonly lost: Promise<SwitchReason>;
  /** Of a switch that keeps its events while nobody is connected (ARIOutbound). */
  readonly keeping?: {
    /**
     * The log has everything before this time of Redis's clock, and what came after, the switch says now; null when that
     * is not known. Unix milliseconds.
     */
    readonly since: number | null;
    /** It was closed in order: everything that the switch said was received, and it keeps what comes. */
    readonly isClosed: boolean;
  };
  /** The legs that exist now. Rejects with a SwitchFault, or with the signal's reason. */
  listing(signal: AbortSignal): Promise<readonly ListedLeg[]>;
}

/** What a connection that was closed in order leaves for the next one, of whatever replica. */
export interface KeptMark {
  /** The life of the switch: it keeps nothing over a restart. */
  readonly instance: string;
  /** The log has everything before it. Unix milliseconds of Redis's clock. */
  readonly until: number;
}

/** One switch that can be listened to. */
export interface Switch {
  /** The switch connects to us, and tries again by itself: between two attempts nothing is waited for. */
  readonly connectsItself?: boolean;
  /**
   * Connects, authenticates, subscribes; the listener may be called before this resolves. Rejects with a SwitchFault, or
   * with the signal's reason. Every step has a limit.
   */
  open(listener: SwitchListener, signal: AbortSignal): Promise<SwitchConnection>;
}

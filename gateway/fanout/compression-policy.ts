import type { Transport } from './encoding.ts';

/** How a round is sent to the connections of a view; `raw` is always allowed. */
export type Way = Transport;

export interface Load {
  /** What the connections of the view negotiated. */
  readonly transport: Transport;
  /** Whether writing also encrypts: bytes that are not sent then save more CPU. */
  readonly isEncrypted: boolean;
  /** Connections that get the round now. */
  readonly connections: number;
  /** Number of the view's events in the round. */
  readonly events: number;
  /** Share of the last interval in which the event loop was busy, 0 to 1. */
  readonly busy: number;
  /** Events that may still be compressed before other work gets its turn. */
  readonly left: number;
}

/**
 * Compressing one event against the stream of a view costs about 20 us of CPU. Its frame then saves 0.1 us for each
 * further connection, over TLS 0.5 us (measured: break-even at 220 connections, over TLS at 60).
 */
const SAVES_CPU_FROM = { plain: 250, encrypted: 60 } as const;
/**
 * With fewer connections, their events are compressed once for all views instead of once for this one. A stream keeps 8
 * KiB for each view.
 */
const SHARED_FROM = 4;
/** Above this, CPU is short: compression that costs more than it saves is skipped. */
const BUSY = 0.9;

/** Events compressed between two turns of the event loop: 10 ms of CPU, or 25 ms when each is compressed by itself. */
export const DEFLATED_A_TURN = 512;

/** Whether and how compression pays for a view and round. Pure. */
export function chooseWay({ transport, isEncrypted, connections, events, busy, left }: Load): Way {
  if (transport === 'raw') return 'raw';
  if (connections < SAVES_CPU_FROM[isEncrypted ? 'encrypted' : 'plain'] && (busy >= BUSY || events > left))
    return 'raw';
  return transport === 'shared' && connections >= SHARED_FROM ? 'shared' : 'self';
}

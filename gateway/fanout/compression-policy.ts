import type { Transport } from './encoding.ts';

/** How a round goes to the connections of a view: `raw` is allowed at any time. */
export type Way = Transport;

export interface Load {
  /** What was negotiated with the connections of the view. */
  readonly transport: Transport;
  /** Whether writing encrypts too: bytes that are not sent save more there. */
  readonly isEncrypted: boolean;
  /** Connections that get the round now. */
  readonly connections: number;
  /** Events of the round that the view gets. */
  readonly events: number;
  /** Share of the last interval that the event loop was busy, 0 to 1. */
  readonly busy: number;
  /** Events that may still be compressed before everything else has its turn. */
  readonly left: number;
}

/**
 * Compressing one event against the stream of a view costs about 20 us of CPU more than nothing; its frame to one more connection
 * costs 0.1 us less than the text does, over TLS 0.5 us (measured: even at 220 connections, over TLS at 60).
 */
const SAVES_CPU_FROM = { plain: 250, encrypted: 60 } as const;
/** With fewer, their events are compressed once for all views instead of once for this one. A stream keeps 8 KiB of a view. */
const SHARED_FROM = 4;
/** Above this CPU is short: what costs more of it than it saves is left out. */
const BUSY = 0.9;

/** Events compressed between two turns of the event loop, 10 ms of CPU, or 25 ms where each is compressed by itself. */
export const DEFLATED_A_TURN = 512;

/** Whether compressing pays for a view and round, and how. Pure. */
export function chooseWay({ transport, isEncrypted, connections, events, busy, left }: Load): Way {
  if (transport === 'raw') return 'raw';
  if (connections < SAVES_CPU_FROM[isEncrypted ? 'encrypted' : 'plain'] && (busy >= BUSY || events > left))
    return 'raw';
  return transport === 'shared' && connections >= SHARED_FROM ? 'shared' : 'self';
}

import type { Transport } from './encoding.ts';

/** How a round goes to the connections of a view: `raw` is allowed at any time. */
export type Way = Transport;

export interface Load {
  /** What was negotiated with the connections of the view. */
  readonly transport: Transport;
  /** Connections that get the round now. */
  readonly connections: number;
  /** Events of the round that the view gets. */
  readonly events: number;
  /** Share of the last interval that the event loop was busy, 0 to 1. */
  readonly busy: number;
  /** Events that may still be compressed before everything else has its turn. */
  readonly left: number;
}

/** Compressing one event costs 30 to 45 us of CPU, and its frame to one more connection 0.3 us less than the text does. */
const SAVES_CPU_FROM = 150;
/** With fewer, their events are compressed once for all views instead of once for this one. */
const SHARED_FROM = 8;
/** Above this CPU is short: what costs more of it than it saves is left out. */
const BUSY = 0.9;

/** Events compressed between two turns of the event loop, about 20 ms of CPU. */
export const DEFLATED_A_TURN = 512;

/** Whether compressing pays for a view and round, and how. Pure. */
export function chooseWay({ transport, connections, events, busy, left }: Load): Way {
  if (transport === 'raw') return 'raw';
  if (connections < SAVES_CPU_FROM && (busy >= BUSY || events > left)) return 'raw';
  return transport === 'shared' && connections >= SHARED_FROM ? 'shared' : 'self';
}

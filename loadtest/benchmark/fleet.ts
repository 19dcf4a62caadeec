import { table } from './report.ts';

/** Measured costs of one gateway, over TLS. */
export interface UnitCosts {
  /** Resident memory of an idle connection. */
  readonly connectionBytes: number;
  /** CPU of reading and matching one event, independent of the number of connections. */
  readonly eventUs: number;
  /** CPU of one delivery when every write contains one event, as for a connection with few events. */
  readonly deliveryUs: number;
}

/** Load of many connections. */
export interface Demand {
  readonly connections: number;
  /** Of all accounts together, because every replica reads all of them. */
  readonly eventsPerSecond: number;
  /** Events for one connection. */
  readonly deliveriesPerSecond: number;
}

export interface Fleet {
  readonly replicas: number;
  readonly connectionsEach: number;
  /** Of one core, for each replica. */
  readonly coreShare: number;
  readonly memoryGiB: number;
  readonly limit: 'connections' | 'CPU';
}

/** A replica is one process on one core, of which this share is planned: the rest is for peaks and a lost neighbour. */
const USABLE = 0.6;
/** `spec.gateway.connections.maxPerReplica` by default. */
const MOST_EACH = 10_000;
/** Resident memory of a gateway before its first connection, from the samples. */
const BASE_BYTES = 160 * 1024 * 1024;

/** Null when reading alone needs more than a replica has. */
export function fleetFor(costs: UnitCosts, demand: Demand): Fleet | null {
  const { connections, eventsPerSecond, deliveriesPerSecond } = demand;
  const reading = (eventsPerSecond * costs.eventUs) / 1e6;
  const each = (deliveriesPerSecond * costs.deliveryUs) / 1e6;
  if (reading >= USABLE) return null;
  const byCpu = Math.floor((USABLE - reading) / each);
  if (byCpu < 1) return null;
  const replicas = Math.ceil(connections / Math.min(MOST_EACH, byCpu));
  const connectionsEach = Math.ceil(connections / replicas);
  return {
    replicas,
    connectionsEach,
    coreShare: reading + connectionsEach * each,
    memoryGiB: (replicas * BASE_BYTES + connections * costs.connectionBytes) / 2 ** 30,
    limit: byCpu < MOST_EACH ? 'CPU' : 'connections',
  };
}

const EVENTS = [100, 1_000, 10_000] as const;
const DELIVERIES = [0.01, 0.1, 1, 10] as const;

/** What a million connections need, for some rates. */
export function fleetTable(costs: UnitCosts): string {
  const rows = EVENTS.flatMap((eventsPerSecond) =>
    DELIVERIES.map((deliveriesPerSecond) => {
      const demand = { connections: 1_000_000, eventsPerSecond, deliveriesPerSecond };
      const fleet = fleetFor(costs, demand);
      const asked = [eventsPerSecond.toLocaleString('en-US'), String(deliveriesPerSecond)];
      if (fleet === null) return [...asked, 'none', '-', '-', '-', 'reading'];
      const { replicas, connectionsEach, coreShare, memoryGiB, limit } = fleet;
      const share = `${Math.round(coreShare * 100)} %`;
      const whole = [replicas, connectionsEach].map((value) => value.toLocaleString('en-US'));
      return [...asked, ...whole, share, memoryGiB.toFixed(0), limit];
    }),
  );
  const head = ['events/s', 'each gets/s', 'replicas', 'connections each', 'of a core', 'GiB in all', 'limit'];
  const { connectionBytes, eventUs, deliveryUs } = costs;
  const units = `${(connectionBytes / 1_024).toFixed(1)} KB a connection, ${eventUs.toFixed(1)} us an event, ${deliveryUs.toFixed(1)} us a delivery alone in its write`;
  return `A million connections over TLS (${units}; ${USABLE * 100} % of a core planned with)\n\n${table(head, rows)}`;
}

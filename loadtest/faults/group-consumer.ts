import type { Connection, Listener } from './consumer.ts';
import type { EventKey, GroupLedger, Link } from '../oracle/group-ledger.ts';

/** How a consumer of a group finishes its events. */
export type Acknowledges = 'by cursor' | 'by id' | 'by pong';

const AGAIN_MS = 40;
const RETRY_MS = 10;
/** Postponed events are handled when none has arrived for this long. */
const LEAVES_MS = 100;

/** Events that no consumer can handle: refused again and again, or given up. */
const isPoisonPill = ({ call, n }: EventKey): boolean => (call * 31 + n) % 97 === 0;
/** Refused once. */
const isDifficult = (event: EventKey): boolean => isPoisonPill(event) || (event.call * 17 + event.n) % 41 === 0;

export interface GroupLink extends Link {
  readonly host: string;
}

export interface GroupConnectionOptions {
  readonly consumer: string;
  readonly acknowledges: Acknowledges;
  readonly ledger: GroupLedger;
  readonly onOpen: (link: GroupLink) => void;
  readonly onEnded: (link: GroupLink) => void;
  /** Handling time before it acknowledges: events that it dies with must be delivered again. */
  readonly handlesMs: number;
  /** What it does with events that it cannot handle: refuses each once and then gives it up, or refuses it always. */
  readonly pills: 'given up' | 'refused';
  /** Refuses everything for this many milliseconds, over and over; null to handle it. */
  readonly refusesForMs: number | null;
}

type Event = Parameters<Listener['event']>[0];

/** One connection of a group's consumer, which reports its actions to the ledger. */
export function groupConnection(connection: Connection, options: GroupConnectionOptions): Listener {
  const { consumer, ledger, acknowledges } = options;
  const link: GroupLink = { consumer, host: connection.host, mishaps: [] };
  let batch: Event[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isHandling = false;
  options.onOpen(link);

  const flushIn = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(flush, ms);
  };
  const flush = () => {
    isHandling = false;
    // With cursors it postpones the newest event: that reveals an acknowledgement that covers more than it names.
    const handled = acknowledges === 'by cursor' && batch.length > 1 ? batch.slice(0, -1) : batch;
    batch = batch.slice(handled.length);
    if (batch.length > 0) flushIn(LEAVES_MS);
    const last = handled.at(-1);
    if (last === undefined) return;
    for (const event of handled) ledger.handle(event, link, performance.now());
    connection.send({ ack: acknowledges === 'by cursor' ? last.cursor : handled.map(({ id }) => id) });
  };
  const refuse = (event: Event, delayMs: number) => {
    ledger.refuse(event, link, performance.now());
    connection.send({ nack: event.id, delay_ms: delayMs });
  };
  const giveUp = (event: Event) => {
    ledger.end(event, link, performance.now());
    connection.send({ term: event.id, reason: 'cannot be handled' });
  };
  return {
    event(event) {
      ledger.arrive(event, link, performance.now());
      if (acknowledges === 'by pong') return ledger.handle(event, link, performance.now());
      if (options.refusesForMs !== null) return refuse(event, options.refusesForMs);
      if (isPoisonPill(event) && options.pills === 'refused') return refuse(event, RETRY_MS);
      if (acknowledges === 'by id' && isDifficult(event) && event.attempt === 1) return refuse(event, AGAIN_MS);
      if (isPoisonPill(event)) return giveUp(event);
      batch.push(event);
      if (!isHandling) flushIn(options.handlesMs);
      isHandling = true;
    },
    frame({ type, code }) {
      if (type === 'error' && code === 'moved') ledger.inVain(link);
    },
    ended(code) {
      clearTimeout(timer);
      // A drain waits for acknowledgements: it explains no redelivery.
      const at = performance.now();
      if (code !== 1012) link.mishaps.push({ from: at, to: at });
      options.onEnded(link);
    },
  };
}

import type { Kept } from './kept.ts';

/** How much must be freed. */
export interface Surplus {
  readonly bytes: number;
  readonly events: number;
}

const isCreate = ({ event }: Kept) => event.name === 'CHANNEL_CREATE';
const isDestroy = ({ event }: Kept) => event.name === 'CHANNEL_DESTROY';

/**
 * Chooses the events to give up when the log is away for too long, so that every leg of the log still has one CREATE
 * first and one DESTROY last (S3). First it gives up events between these, oldest first; then whole legs (for legs that
 * the log has begun, a DESTROY is added once the log is back); last, the oldest of all. Pure.
 */
export function chooseVictims(events: readonly Kept[], surplus: Surplus): ReadonlySet<Kept> {
  const victims = new Set<Kept>();
  let { bytes, events: count } = surplus;
  const isEnough = () => bytes <= 0 && count <= 0;
  const give = (one: Kept) => {
    if (victims.has(one)) return;
    victims.add(one);
    bytes -= one.bytes;
    count -= 1;
  };
  for (const one of events) {
    if (isEnough()) return victims;
    if (!isCreate(one) && !isDestroy(one)) give(one);
  }
  for (const leg of wholeLegs(events)) {
    if (isEnough()) return victims;
    for (const one of leg) give(one);
  }
  for (const one of events) {
    if (isEnough()) return victims;
    give(one);
  }
  return victims;
}

/** CREATE and DESTROY of the legs for which both are here, in the order of their ends. */
function wholeLegs(events: readonly Kept[]): readonly (readonly Kept[])[] {
  const begun = new Map<string, Kept>();
  const whole: Kept[][] = [];
  for (const one of events) {
    if (isCreate(one)) begun.set(one.event.callId, one);
    const begin = isDestroy(one) ? begun.get(one.event.callId) : undefined;
    if (begin !== undefined) whole.push([begin, one]);
  }
  return whole;
}

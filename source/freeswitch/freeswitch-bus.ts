import { MAX_EVENT_BYTES } from '../../protocol/event-object.ts';
import type { Wanted } from '../amqp/bindings.ts';
import { messageOf, type BusMapper, type BusMessage } from '../amqp/bus-mapper.ts';
import { queueName, type QueueSpec } from '../amqp/queue.ts';
import type { Mapped, SwitchEvent } from '../mapper.ts';
import { createFreeswitchMapper, type FreeswitchMapperOptions } from './freeswitch-mapper.ts';

/** mod_amqp publishes all events that its configuration names. The queue takes them all, and the mapper chooses. */
export function modAmqpWanted(source: string, exchange: string, queue: Omit<QueueSpec, 'name'>): Wanted {
  return {
    exchange: { name: exchange, declare: false },
    queue: { ...queue, name: queueName(source) },
    keys: ['#'],
  };
}

/** Bodies of mod_amqp. They equal those of the event socket. */
export function createModAmqpMapper(options: FreeswitchMapperOptions): BusMapper {
  const mapper = createFreeswitchMapper(options);
  const feed = ({ body }: BusMessage, now: number): Mapped => {
    const event = body.length > MAX_EVENT_BYTES ? null : parseObject(body);
    if (event !== null) return mapper.feed(event, now);
    // Counts every message: its number is part of the positions.
    return mapper.feed({}, now);
  };
  return {
    feed,
    adopt: (listing, outage) => mapper.adopt(listing, outage),
    advance: (now) => mapper.advance(now),
    waitingSince: () => mapper.waitingSince(),
    liveLegs: () => mapper.liveLegs(),
    heldFrom() {
      const position = mapper.heldFrom();
      return position === null ? null : messageOf(position);
    },
  };
}

function parseObject(body: Buffer): SwitchEvent | null {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SwitchEvent) : null;
  } catch {
    return null;
  }
}

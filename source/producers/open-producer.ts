import type { Producer, ProducerParts } from './producer.ts';
import { openKazoo, openModAmqp } from './bus.ts';
import { openSimulated } from './simulated.ts';
import { openSwitches } from './switches.ts';

/** The producer for the source's kind. Rejects when the port that switches connect to cannot be opened. */
export async function openProducer(parts: ProducerParts): Promise<Producer> {
  const { spec } = parts.config;
  if (spec.simulator !== undefined) return openSimulated(spec.simulator, parts);
  if (spec.kazoo !== undefined) return openKazoo(spec.kazoo, parts);
  const { amqp, park } = spec.freeswitch ?? {};
  if (amqp !== undefined && park !== undefined) return openModAmqp(amqp, park, parts);
  return openSwitches(parts);
}

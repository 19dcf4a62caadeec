import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import type { Producer, ProducerParts } from './producer.ts';
import { openKazoo } from './kazoo.ts';
import { openSimulated } from './simulated.ts';
import { openSwitches } from './switches.ts';

/** The producer of the kind that the source has. */
export function openProducer(parts: ProducerParts): Producer {
  const { spec } = parts.config;
  if (spec.simulator !== undefined) return openSimulated(spec.simulator, parts);
  if (spec.kazoo !== undefined) return openKazoo(spec.kazoo, parts);
  if (spec.asterisk?.listen !== undefined) {
    throw new ConfigurationFault(['spec.asterisk.listen: this version takes no connection from a switch yet']);
  }
  return openSwitches(parts);
}

import type { CounterOf } from './counters.ts';

const REMEMBERED_S = 30 * 24 * 3_600;

/** The addresses from which a user has logged in before: failures of others do not delay such a device. */
export interface KnownDevices {
  remember(key: string): Promise<void>;
  has(key: string): Promise<boolean>;
}

/** For 30 days. */
export function knownDevices(counterOf: CounterOf): KnownDevices {
  const devices = counterOf('known');
  return {
    remember: (key) => devices.put(key, REMEMBERED_S),
    has: async (key) => (await devices.see(key)).count > 0,
  };
}

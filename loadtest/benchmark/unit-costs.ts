import type { UnitCosts } from './fleet.ts';
import { bytesEach } from './idle.ts';
import { measurePaced } from './measurements.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { cpuPerDelivery } from './sample.ts';
import { startGateway } from './servers.ts';

const WARM_SECONDS = 1.5;
/** So low that every write holds one event; so high, and for one connection, that nothing but reading counts. */
const SELDOM = { connections: 1_000, rate: 20, warmSeconds: WARM_SECONDS } as const;
const READING = { connections: 1, rate: 5_000, warmSeconds: WARM_SECONDS } as const;

/** What the model of a fleet needs. Null where TLS cannot be measured. */
export async function measureUnitCosts(run: RunContext): Promise<UnitCosts | null> {
  if (run.bench.programs.receiverTls === null) return null;
  progress('unit costs over TLS');
  const start = () => startGateway(run.bench, 1, { isTls: true });
  const seconds = run.mode.pacedSeconds;
  const seldom = note(
    run,
    await measurePaced(run.bench, { name: 'gateway, TLS', start }, { ...SELDOM, seconds }),
    true,
  );
  const reading = note(
    run,
    await measurePaced(run.bench, { name: 'gateway, TLS', start }, { ...READING, seconds }),
    true,
  );
  return {
    connectionBytes: await bytesEach(run, 'gateway, TLS', start),
    eventUs: cpuPerDelivery(reading),
    deliveryUs: cpuPerDelivery(seldom),
  };
}

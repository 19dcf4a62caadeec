import type { UnitCosts } from './fleet.ts';
import { bytesEach } from './idle.ts';
import { measurePaced } from './measurements.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { cpuPerDelivery } from './sample.ts';
import { startGateway } from './servers.ts';

const WARM_SECONDS = 1.5;
/** So low that every write contains one event. */
const SELDOM = { connections: 1_000, rate: 20, warmSeconds: WARM_SECONDS } as const;
/**
 * Every event is for no connection: the rest is reading and matching. At lower rates a read returns one or two events
 * and costs as much as one of twenty, because the core is otherwise idle. The question is how many events a core can
 * handle.
 */
const READING = { connections: 10, rate: 20_000, warmSeconds: WARM_SECONDS, fillerEvery: 1 } as const;

/** Inputs for the model of a fleet. Null where TLS cannot be measured. */
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
  const { serverCpu } = await measurePaced(run.bench, { name: 'gateway, TLS', start }, { ...READING, seconds });
  const eventUs = (serverCpu.userUs + serverCpu.systemUs) / (READING.rate * seconds);
  progress(`  reading: ${eventUs.toFixed(1)} us of CPU an event`);
  return {
    connectionBytes: await bytesEach(run, 'gateway, TLS', start),
    eventUs,
    deliveryUs: cpuPerDelivery(seldom),
  };
}

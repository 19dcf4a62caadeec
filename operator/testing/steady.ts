import type { Operator } from '../build.ts';
import { operatorWrites } from './audit.ts';
import type { Platform } from './platform.ts';
import { until } from '../../testing/until.ts';

/** Passes that an operator has made so far, by its own metrics. */
async function passesOf({ port }: Operator): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('controller_runtime_reconcile_total{'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Waits until this many more passes were made, however slow a busy machine is. */
export async function morePasses(operator: Operator, count: number): Promise<void> {
  const goal = (await passesOf(operator)) + count;
  await until(`${count} passes`, async () => (await passesOf(operator)) >= goal, { limitMs: 120_000 });
}

/** Waits until this many passes in a row have written nothing. */
export async function untilSteady(platform: Platform, operator: Operator, passes: number): Promise<void> {
  await until(
    'a steady state',
    async () => {
      const start = Date.now();
      await morePasses(operator, passes);
      return (await operatorWrites(platform.plane, start)).length === 0;
    },
    { limitMs: 120_000 },
  );
}

/**
 * `npm run faults`: provokes faults against real gateways on a real Redis, and accounts for every event of every call at
 * every consumer. Then the same with deliberate bugs switched in, each of which must be caught.
 *   npm run faults -- scenarios [name...]    the product as it is
 *   npm run faults -- mutants [name...]      with each bug
 * Ends with 1 when a scenario found a fault, or a bug was not caught.
 */
import { MUTANTS, type Mutant } from './mutants.ts';
import { unchanged, withBug } from './product.ts';
import { SCENARIOS, type ScenarioName } from './scenarios.ts';

const seconds = (since: number) => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

async function runScenario(name: ScenarioName): Promise<boolean> {
  const start = performance.now();
  const faults = await SCENARIOS[name](unchanged);
  console.log(`${faults.length === 0 ? 'sound ' : 'FAULTY'}  ${name.padEnd(16)} ${seconds(start)}`);
  for (const fault of faults) console.log(`        ${fault}`);
  return faults.length === 0;
}

async function runMutant(mutant: Mutant): Promise<boolean> {
  const start = performance.now();
  await using product = await withBug(mutant);
  // A bug that keeps a scenario from running at all is caught too.
  const faults = await SCENARIOS[mutant.scenario](product).catch((error: unknown) => [
    String(error).split('\n')[0] ?? '',
  ]);
  const verdict = faults.length === 0 ? 'NOT CAUGHT' : 'caught    ';
  console.log(
    `${verdict}  ${mutant.name} (${mutant.scenario}, ${seconds(start)})${faults.length > 0 ? `: ${faults[0]}` : ''}`,
  );
  return faults.length > 0;
}

function chosen<T>(all: readonly T[], nameOf: (one: T) => string, names: readonly string[]): readonly T[] {
  const unknown = names.filter((name) => !all.some((one) => nameOf(one).includes(name)));
  if (unknown.length > 0)
    throw new Error(`no such name: ${unknown.join(', ')}; there are: ${all.map(nameOf).join(', ')}`);
  return names.length === 0 ? all : all.filter((one) => names.some((name) => nameOf(one).includes(name)));
}

async function all<T>(items: readonly T[], run: (item: T) => Promise<boolean>): Promise<number> {
  let failed = 0;
  for (const item of items) if (!(await run(item))) failed += 1;
  return failed;
}

const [what = 'all', ...names] = process.argv.slice(2);
if (!['all', 'scenarios', 'mutants'].includes(what)) {
  console.error('usage: npm run faults [-- scenarios|mutants [name...]]');
  process.exit(2);
}
let failed = 0;
if (what !== 'mutants') {
  const scenarios = chosen(Object.keys(SCENARIOS) as ScenarioName[], String, names);
  console.log(`${scenarios.length} scenarios: lost, doubled, inverted and foreign must be 0`);
  failed += await all(scenarios, runScenario);
}
if (what !== 'scenarios') {
  const mutants = chosen(MUTANTS, ({ name }) => name, names);
  console.log(`${mutants.length} deliberate bugs: each must be caught`);
  failed += await all(mutants, runMutant);
}
console.log(failed === 0 ? 'as it must be' : `${failed} not as it must be`);
process.exit(failed === 0 ? 0 : 1);

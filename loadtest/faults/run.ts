/**
 * `npm run faults`: provokes faults against real gateways on a real Redis, and accounts for every event of every call
 * at every consumer. Then the same with deliberate bugs, each of which must be caught. npm run faults -- scenarios
 * [name...] the product as it is npm run faults -- mutants [name...] with each bug npm run faults -- soak --minutes 10
 * constant load: memory and descriptors stay flat Ends with 1 when a scenario found a fault, or a bug was not caught or cannot run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MUTANTS, type Mutant } from './mutants.ts';
import { unchanged, withBug } from './product.ts';
import { NotStarted, takeBrokenCode } from './replica.ts';
import { SCENARIOS, type ScenarioName } from './scenarios.ts';
import { soak } from './soak.ts';

const seconds = (since: number) => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

const inWords = (error: unknown) => [String(error).split('\n')[0] ?? ''];

async function runScenario(name: ScenarioName): Promise<boolean> {
  const start = performance.now();
  const faults = await SCENARIOS[name](unchanged).catch(inWords);
  console.log(`${faults.length === 0 ? 'sound ' : 'FAULTY'}  ${name.padEnd(16)} ${seconds(start)}`);
  for (const fault of faults) console.log(`        ${fault}`);
  return faults.length === 0;
}

async function runMutant(mutant: Mutant): Promise<boolean> {
  const start = performance.now();
  await using product = await withBug(mutant);
  // A bug that prevents a scenario from running counts as caught, too.
  takeBrokenCode();
  let notStarted: string | null = null;
  const faults = await SCENARIOS[mutant.scenario](product).catch((error: unknown) => {
    if (error instanceof NotStarted) [notStarted = null] = inWords(error);
    return inWords(error);
  });
  const broken = takeBrokenCode() ?? notStarted;
  if (broken !== null) {
    console.log(`CANNOT RUN  ${mutant.name} (${mutant.scenario}): ${broken}`);
    return false;
  }
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

async function runSoak(minutes: number): Promise<number> {
  console.log(`${minutes} min: memory and descriptors must stay flat, and nothing be lost`);
  const faults = await soak(unchanged, minutes);
  for (const fault of faults) console.log(`        ${fault}`);
  return faults.length;
}

async function runSources(minutes: number): Promise<number> {
  console.log(
    `${minutes} min: replicas of a source are killed, paused and stopped; lost, disordered and gaps must be 0`,
  );
  const [code] = (await once(spawn(process.execPath, [SOURCES, String(minutes)], { stdio: 'inherit' }), 'exit')) as [
    number | null,
  ];
  return code === 0 ? 0 : 1;
}

const SOURCES = fileURLToPath(new URL('../../source/collector/testing/kill-replicas.ts', import.meta.url));

const USAGE = `npm run faults [-- scenarios|mutants [name...] | -- soak [--minutes 10] | -- sources [--minutes 2]]
  scenarios: ${Object.keys(SCENARIOS).join(', ')}
  mutants: ${MUTANTS.map(({ name }) => name).join(', ')}
  Exit codes: 0 as it must be, 1 a fault was found, or a bug was not caught or cannot run, 2 wrong use.`;
if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
  console.log(USAGE);
  process.exit(0);
}
const [what = 'all', ...names] = process.argv.slice(2);
const lasts = { soak: 10, sources: 2 }[what];
const minutes =
  lasts !== undefined && (names.length === 0 || names[0] === '--minutes') ? Number(names[1] ?? lasts) : null;
if (
  !['all', 'scenarios', 'mutants', 'soak', 'sources'].includes(what) ||
  (lasts !== undefined && !(Number(minutes) > 0))
) {
  console.error(USAGE);
  process.exit(2);
}
let failed = 0;
if (minutes !== null) failed += await (what === 'soak' ? runSoak : runSources)(minutes);
if (what === 'all' || what === 'scenarios') {
  const scenarios = chosen(Object.keys(SCENARIOS) as ScenarioName[], String, names);
  console.log(`${scenarios.length} scenarios: lost, doubled, inverted and foreign must be 0`);
  failed += await all(scenarios, runScenario);
}
if (what === 'all' || what === 'mutants') {
  const mutants = chosen(MUTANTS, ({ name }) => name, names);
  console.log(`${mutants.length} deliberate bugs: each must be caught`);
  failed += await all(mutants, runMutant);
}
console.log(failed === 0 ? 'as it must be' : `${failed} not as it must be`);
process.exit(failed === 0 ? 0 : 1);

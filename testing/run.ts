/**
 * `npm test`: runs the test files of the selected levels under node's own runner, whose summary ends the output. A
 * level that this machine cannot run is named at the end with the command that would change it. With CI set that is a
 * failure, so that nothing goes untested silently, unless `--where-possible` allows it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBrowser } from './browser.ts';
import { ensureDatabases } from './database-server.ts';
import { ensureAsterisk } from './asterisk/installed.ts';
import { ensureChartTools, missingChartTools } from './chart-tools.ts';
import { ensureBinaries, missingBinaries } from './control-plane/binaries.ts';
import { ensureCluster } from './cluster/possible.ts';
import { missingPrograms } from './cluster/programs.ts';
import { openSandbox, sandboxPossible } from './cluster/sandbox.ts';
import { findK6 } from './find-k6.ts';
import { announceBuilds } from './go-build.ts';
import { HOSTILE_LONG } from './hostile-length.ts';
import { LEVELS, levelOf, planTests, selectFiles, type Level } from './levels.ts';
import { ensureNats } from './nats-installed.ts';
import { ensureNewRabbit, ensureRabbit, RABBIT_RELEASE } from './rabbitmq-installed.ts';
import { ensureRedis } from './redis-installed.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TEST_LIMIT_MS = 120_000;
const E2E_LIMIT_MS = 1_200_000;
const HOSTILE_LIMIT_MS = 600_000;
/** Files at a time. Two leave more than half of two cores idle, because tests often wait for a failover or a drain. */
const CONCURRENCY = 3;
/** Files of the level `rabbitmq` that run a second time, with a RabbitMQ 4. */
const ON_BOTH_RABBITS = ['source/amqp/consumer', 'source/kazoo/kazoo-bus'];
/**
 * The one of them that is only for RabbitMQ 3: 4.3 checks for late acknowledgements once a minute, and cancels the
 * consumer instead of closing its channel.
 */
const NOT_ON_4 = 'a broker that waits for no acknowledgement any more';
const EACH_FILE = { concurrency: CONCURRENCY, limitMs: TEST_LIMIT_MS } as const;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const plan = planTests(args);
  if (plan.kind === 'usage') return fail(plan.text);
  if (plan.kind === 'help') {
    console.log(plan.text);
    return 0;
  }
  const all = await testFiles();
  const wanted = selectFiles(all, plan.levels, plan.filters);
  if (wanted.length === 0) return fail(`no test file of ${plan.levels.join(' or ')} matches ${plan.filters.join(' ')}`);
  const missing = await whatIsMissing(LEVELS.filter((level) => wanted.some((file) => levelOf(file) === level)));
  const levels = LEVELS.filter((level) => !missing.some((one) => one.level === level));
  const files = selectFiles(
    wanted,
    levels.filter((level) => level !== 'e2e' && level !== 'hostile'),
    [],
  );
  const again = await onNewRabbit(
    selectFiles(wanted, levels.includes('rabbitmq') ? ['rabbitmq'] : [], ON_BOTH_RABBITS),
  );
  const hostile = selectFiles(wanted, levels.includes('hostile') ? ['hostile'] : [], []);
  const onCluster = selectFiles(wanted, levels.includes('e2e') ? ['e2e'] : [], []);
  const codes = [
    files.length === 0 ? 0 : await runFiles(files, EACH_FILE),
    again.files.length === 0
      ? 0
      : await runFiles(again.files, { ...EACH_FILE, settings: { [RABBIT_RELEASE]: '4' }, skip: NOT_ON_4 }),
    hostile.length === 0 ? 0 : await runHostile(hostile, plan.levels.length === 1),
    onCluster.length === 0 ? 0 : await runE2e(onCluster),
  ];
  const code = Math.max(...codes);
  for (const { level, want, remedy } of missing) {
    const skipped = selectFiles(wanted, [level], []).length;
    console.log(`${level}: NOT RUN: ${skipped} files, for want of ${want}. To run them: ${remedy}`);
  }
  if (again.notRun !== null) console.log(again.notRun);
  else if (again.files.length > 0) console.log(`rabbitmq: not run with RabbitMQ 4, with 3 alone: ${NOT_ON_4}`);
  const isPartial = missing.length > 0 || again.notRun !== null;
  return isPartial && isCi() && !plan.isWherePossible ? Math.max(code, 1) : code;
}

/** The files that run a second time, with a RabbitMQ 4, and the line that says why they do not. */
async function onNewRabbit(files: readonly string[]) {
  const rabbit = files.length === 0 ? ({ ok: true } as const) : await ensureNewRabbit(process.env, console.log);
  if (rabbit.ok) return { files, notRun: null };
  const which = files.join(', ');
  const notRun = `rabbitmq: NOT RUN with RabbitMQ 4: ${which}, for want of it. To run them: ${rabbit.remedy}`;
  return { files: [], notRun };
}

interface Missing {
  readonly level: Level;
  readonly want: string;
  readonly remedy: string;
}

/** Installs or builds what these levels need; names those that cannot run here. All but the pure level need Redis. */
async function whatIsMissing(levels: readonly Level[]): Promise<Missing[]> {
  announceBuilds(missingBuilds(levels), process.env, console.log);
  const missing: Missing[] = [];
  const redis = levels.some((level) => level !== 'pure') ? ensureRedis(console.log) : ({ ok: true } as const);
  if (!redis.ok) {
    const beyondPure = levels.filter((level) => level !== 'pure');
    missing.push(...beyondPure.map((level) => ({ level, want: 'a redis-server', remedy: redis.remedy })));
    return missing;
  }
  const k6 = levels.includes('k6') ? findK6(process.env) : ({ ok: true } as const);
  const rabbit = levels.includes('rabbitmq') ? ensureRabbit(console.log) : ({ ok: true } as const);
  if (!rabbit.ok) missing.push({ level: 'rabbitmq', want: 'a RabbitMQ', remedy: rabbit.remedy });
  if (levels.includes('database')) {
    const databases = ensureDatabases(console.log);
    if (!databases.ok) missing.push({ level: 'database', want: 'PostgreSQL and MariaDB', remedy: databases.remedy });
  }
  if (levels.includes('nats')) {
    const nats = await ensureNats(process.env, console.log);
    if (!nats.ok) missing.push({ level: 'nats', want: 'a nats-server', remedy: nats.remedy });
  }
  const browser = levels.includes('browser') ? ensureBrowser(console.log) : ({ ok: true } as const);
  if (!browser.ok) missing.push({ level: 'browser', want: 'a Chromium', remedy: browser.remedy });
  if (levels.includes('asterisk')) {
    const asterisk = await ensureAsterisk(process.env, console.log);
    if (!asterisk.ok) missing.push({ level: 'asterisk', want: 'an Asterisk', remedy: asterisk.remedy });
  }
  if (!k6.ok) missing.push({ level: 'k6', want: 'a runner of the load tests', remedy: k6.remedy });
  if (levels.includes('cluster')) {
    const plane = await ensureBinaries(process.env, console.log);
    if (!plane.ok) missing.push({ level: 'cluster', want: 'a control plane', remedy: plane.remedy });
    const chart = plane.ok ? await ensureChartTools(process.env, console.log) : plane;
    if (plane.ok && !chart.ok) missing.push({ level: 'cluster', want: 'Helm and its company', remedy: chart.remedy });
  }
  if (levels.includes('e2e')) {
    const whole = await ensureCluster(process.env, console.log);
    if (!whole.ok) missing.push({ level: 'e2e', want: 'a whole cluster', remedy: whole.remedy });
  }
  return missing;
}

/** What these levels need built with Go, each program once. */
function missingBuilds(levels: readonly Level[]): readonly string[] {
  const chart = levels.includes('cluster') ? [...missingBinaries(process.env), ...missingChartTools(process.env)] : [];
  const whole = levels.includes('e2e') && sandboxPossible().ok ? missingPrograms(process.env) : [];
  return [...new Set([...chart, ...whole])];
}

async function testFiles(): Promise<string[]> {
  const files: string[] = [];
  const exclude = ['**/node_modules/**', '**/.*/**'];
  for await (const file of glob('**/*.test.ts', { cwd: ROOT, exclude })) files.push(file);
  return files;
}

/** One file after the other, each in a sandbox of its own, which removes everything that remains of its cluster. */
async function runE2e(files: readonly string[]): Promise<number> {
  const options = ['--test', '--test-reporter=spec', `--test-timeout=${E2E_LIMIT_MS}`];
  let worst = 0;
  for (const file of files) {
    await using sandbox = await openSandbox();
    worst = Math.max(worst, await sandbox.run([process.execPath, ...options, join(ROOT, file)], environment()));
  }
  return worst;
}

function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  // A debugger or loader of the caller, or a runner around this one, would affect the tests.
  delete env['NODE_OPTIONS'];
  delete env['NODE_TEST_CONTEXT'];
  return env;
}

/** One file at a time: the suite compares times. Selected by name, it runs its long form. */
function runHostile(files: readonly string[], isAskedFor: boolean): Promise<number> {
  const settings = isAskedFor ? { [HOSTILE_LONG]: '1' } : {};
  return runFiles(files, { concurrency: 1, limitMs: HOSTILE_LIMIT_MS, settings });
}

interface RunFilesOptions {
  readonly concurrency: number;
  /** Limit for one test. */
  readonly limitMs: number;
  /** Of the environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Part of the names of tests that do not run. */
  readonly skip?: string;
}

async function runFiles(
  files: readonly string[],
  { concurrency, limitMs, settings, skip }: RunFilesOptions,
): Promise<number> {
  const limits = [`--test-concurrency=${concurrency}`, `--test-timeout=${limitMs}`];
  const skipped = skip === undefined ? [] : [`--test-skip-pattern=${skip}`];
  const options = ['--test', '--test-reporter=spec', ...limits, ...skipped];
  const child = spawn(process.execPath, [...options, ...files], {
    cwd: ROOT,
    env: { ...environment(), ...settings },
    stdio: 'inherit',
  });
  // A terminal's Ctrl-C reaches both: the child ends by itself, and this process waits for its end.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  const stop = () => child.kill('SIGTERM');
  process.on('SIGTERM', stop);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', ignore);
  process.off('SIGTERM', stop);
  return code ?? 1;
}

function fail(line: string): number {
  console.error(line);
  return 2;
}

function isCi(): boolean {
  const value = process.env['CI'] ?? '';
  return value !== '' && value !== 'false' && value !== '0';
}

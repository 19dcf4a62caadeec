import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findK6, type FoundK6 } from '../../testing/find-k6.ts';
import { unchanged } from '../faults/product.ts';
import { Replica } from '../faults/replica.ts';
import { setUp } from '../faults/setup.ts';
import type { Result } from '../report/summary.ts';
import type { ParameterName, ScriptName } from '../settings/parameters.ts';
import { startMeddlingProxy, type Meddling } from './meddling-proxy.ts';

const LOADTEST = fileURLToPath(new URL('../', import.meta.url));
/** A run that hangs is ended, well after its planned end. */
const RUN_LIMIT_MS = 100_000;

type Parameters = Partial<Record<ParameterName, string>>;

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly result: Result;
  /** The violated thresholds, as `metric condition`. */
  readonly broken: readonly string[];
  /** A metric's result: its count, else its value. */
  readonly valueOf: (metric: string) => number;
}

export interface Stage extends AsyncDisposable {
  readonly url: string;
  readonly innerUrl: string;
  run(script: ScriptName, parameters: Parameters, options?: RunOptions): Promise<Ran>;
}

/** The runner on this machine; without one a test reports that it is skipped. */
export const k6: FoundK6 = findK6(process.env);
export const WITH_K6 = k6.ok ? { timeout: RUN_LIMIT_MS + 20_000 } : { skip: k6.why };
/** The same for a suite, whose limit covers all its tests. */
export const SUITE_WITH_K6 = k6.ok ? { timeout: 10 * RUN_LIMIT_MS } : { skip: k6.why };

export interface StageOptions {
  /** Empty: the embedded log. */
  readonly redisUrl?: string;
  readonly tls?: boolean;
  /** Additions to the resource's `spec`. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

interface RunOptions {
  readonly meddling?: Meddling;
  /** Folder of the script, when it is not in the project. */
  readonly folder?: string;
  /** Further arguments of the runner. */
  readonly args?: readonly string[];
}

/** A gateway of its own, and the load tests against it. */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const { redisUrl = '', tls = false, spec = {} } = options;
  const setup = await setUp({ redisUrl, spec: { ...spec, gateway: { tls: { disabled: !tls } } } });
  const replica = new Replica(unchanged.root, setup);
  await replica.start();
  const folder = await mkdtemp(join(tmpdir(), 'firehose-loadtest-'));
  const token = async (name: string) => (await readFile(join(setup.stateFolder, name), 'utf8')).trim();
  const url = tls ? `https://localhost:${replica.host?.split(':')[1]}` : `http://${replica.host}`;
  const innerUrl = `http://${replica.inner}`;
  const target: Record<string, string> = {
    FIREHOSE_INNER_URL: innerUrl,
    FIREHOSE_INGEST_TOKEN: await token('ingest-token'),
    FIREHOSE_ADMIN_TOKEN: await token('admin-token'),
    FIREHOSE_DOMAIN: 'root',
    ACCOUNTS: 'north,south,north-1,root',
    ...(tls && { SSL_CERT_FILE: join(setup.stateFolder, 'ca.crt') }),
  };
  let runs = 0;
  return {
    url,
    innerUrl,
    async run(script, parameters, { meddling, folder: scripts = LOADTEST, args = [] } = {}) {
      await using proxy = meddling === undefined ? null : await startMeddlingProxy(url, meddling);
      const summary = join(folder, `${(runs += 1)}.json`);
      const env = { ...process.env, ...target, FIREHOSE_URL: proxy?.url ?? url, SUMMARY: summary, ...parameters };
      return await ranOf(await runK6([...args, join(scripts, `${script}.ts`)], env), summary);
    },
    async [Symbol.asyncDispose]() {
      await replica[Symbol.asyncDispose]();
      await setup[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function runK6(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  if (!k6.ok) throw new Error(k6.why);
  const child = spawn(k6.command, ['run', '--quiet', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_LIMIT_MS,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

async function ranOf({ code, output }: { code: number | null; output: string }, summary: string): Promise<Ran> {
  const text = await readFile(summary, 'utf8').catch(() => {
    throw new Error(`no summary, exit code ${code}:\n${output}`);
  });
  const result = JSON.parse(text) as Result;
  const broken = result.thresholds.filter(({ ok }) => !ok).map(({ metric, condition }) => `${metric} ${condition}`);
  const valueOf = (metric: string) => result.metrics[metric]?.['count'] ?? result.metrics[metric]?.['value'] ?? 0;
  return { code, output, result, broken, valueOf };
}

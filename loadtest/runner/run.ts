/**
 * `npm run loadtest -- <script> [--<parameter> <value> ...]`: runs a load test with the command in `K6`, else `k6`, and
 * with the tokens and the certificate of a gateway on this machine if there is one. Its exit code is k6's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCommand, type Command } from './command.ts';
import { configMap } from './config-map.ts';
import { isHere, readState, urlsOf } from './local-gateway.ts';
import { readSettings, WrongParameters, type Settings } from '../settings/settings.ts';
import { whyUnreachable } from './reachable.ts';
import { findK6 } from '../../testing/find-k6.ts';

const PROGRESS_MS = 15_000;
const LOADTEST = fileURLToPath(new URL('../', import.meta.url));

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const command = readCommand(args);
  switch (command.kind) {
    case 'help':
      process.stdout.write(command.text);
      return 0;
    case 'fault':
      return fail(command.text);
    case 'config_map':
      process.stdout.write(await configMap());
      return 0;
    case 'run':
      return run(command);
  }
}

async function run({ script, given, state, rest }: Command & { kind: 'run' }): Promise<number> {
  // In the environment and not as `-e`: every user of the machine can read arguments.
  const asked = { ...process.env, ...Object.fromEntries(given) };
  const isLocal = isHere(asked['FIREHOSE_URL'] ?? '');
  const folder = state ?? (isLocal ? process.env['FIREHOSE_STATE'] || '.firehose' : null);
  const env = {
    ...asked,
    ...(isLocal ? urlsOf(asked) : {}),
    ...(folder === null ? {} : readState(folder, asked)),
  };
  let settings: Settings;
  try {
    settings = readSettings(script, env);
  } catch (error) {
    if (error instanceof WrongParameters) return fail(`${error.message} (npm run loadtest -- ${script} --help)`);
    throw error;
  }
  const k6 = findK6(process.env);
  if (!k6.ok) return fail(`${k6.why}: ${k6.remedy}`);
  for (const [url, flag] of [
    [settings.FIREHOSE_URL, '--url'],
    [settings.FIREHOSE_INNER_URL, '--inner-url'],
  ] as const) {
    const why = await whyUnreachable(url);
    if (why !== null) return fail(`${why} (npm run loadtest -- ${script} ${flag} URL)`);
  }
  console.error(`${script} under ${k6.version}`);
  const args = ['run', '--quiet', ...rest, join(LOADTEST, `${script}.ts`)];
  const child = spawn(k6.command, args, { env, stdio: 'inherit' });
  // Ctrl-C in a terminal reaches both: k6 ends by itself, with its summary, and the runner waits for it.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const started = performance.now();
  const progress = setInterval(() => {
    console.error(`${script}: running for ${Math.round((performance.now() - started) / 1_000)} s`);
  }, PROGRESS_MS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(progress);
  process.off('SIGINT', ignore);
  return code ?? 1;
}

function fail(line: string): number {
  console.error(line);
  return 2;
}

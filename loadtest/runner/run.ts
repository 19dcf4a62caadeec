/**
 * `npm run loadtest -- <script> [--<parameter> <value> ...]`: runs a load test under the command in `K6`, else `k6`, with
 * the tokens and the certificate of a gateway on this machine where there is one. Its exit code is k6's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCommand, type Command } from './command.ts';
import { configMap } from './config-map.ts';
import { findK6 } from '../../runtime/testing/find-k6.ts';

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
  const k6 = findK6(process.env);
  if (!k6.ok) return fail(`${k6.why}: ${k6.remedy}`);
  console.error(`${script} under ${k6.version}`);
  // In the environment and not as `-e`: arguments are there for everybody on the machine to read.
  const url = given.get('FIREHOSE_URL') ?? process.env['FIREHOSE_URL'] ?? '';
  const env = {
    ...process.env,
    ...(state !== null || isHere(url) ? fromState(state ?? '.firehose', process.env) : {}),
    ...Object.fromEntries(given),
  };
  const args = ['run', '--quiet', ...rest, join(LOADTEST, `${script}.ts`)];
  const child = spawn(k6.command, args, { env, stdio: 'inherit' });
  // A terminal's Ctrl-C reaches both: k6 ends by itself, with its summary, and its end is waited for.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', ignore);
  return code ?? 1;
}

/** The default is this machine too. */
function isHere(url: string): boolean {
  return url === '' || (URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname));
}

/** What the gateway made for itself; a token that the environment gives wins over its file. */
function fromState(folder: string, environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found: Record<string, string> = {};
  const read = (name: string, file: string) => {
    const path = join(folder, file);
    if (!environment[name] && existsSync(path)) found[name] = readFileSync(path, 'utf8').trim();
  };
  read('FIREHOSE_INGEST_TOKEN', 'ingest-token');
  read('FIREHOSE_ADMIN_TOKEN', 'admin-token');
  // A bundle that the machine trusts does not know the gateway's own authority.
  const ca = join(folder, 'ca.crt');
  if (existsSync(ca)) found['SSL_CERT_FILE'] = ca;
  return found;
}

function fail(line: string): number {
  console.error(line);
  return 2;
}

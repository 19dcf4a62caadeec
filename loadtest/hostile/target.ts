import { spawn } from 'node:child_process';
import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { Started } from '../../testing/started.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { SHIPPED_FLAGS } from '../../testing/shipped-flags.ts';
import type { Victim } from './attacks.ts';
import { openHangingPlatform } from './hanging-platform.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const EXAMPLE = at('../../gateway/quickstart/');
/** As `npm start` has it. */
const PROGRAM = [...SHIPPED_FLAGS, '--import', at('../../runtime/telemetry/start.ts'), at('../../cli/firehose.ts')];

/** The gateway under attack: its own process, TLS, Redis, the example directory with its two accounts and users. */
export interface Target extends Victim, AsyncDisposable {
  readonly innerPort: number;
  readonly ingestToken: string;
  readonly pid: number;
}

/** `asksHanging`: a server that hangs judges users that its directory lacks. */
export async function openTarget({ asksHanging = false } = {}): Promise<Target> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'firehose-hostile-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await cp(EXAMPLE, join(folder, 'config'), { recursive: true });
  const more = asksHanging ? await askHanging(join(folder, 'config'), stack) : {};
  const redis = await startRedis();
  stack.defer(() => redis.stop());
  const child = spawn(process.execPath, [...PROGRAM, 'gateway'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      FIREHOSE_CONFIG: join(folder, 'config'),
      FIREHOSE_STATE: join(folder, 'state'),
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      FIREHOSE_SIMULATOR_RATE: '0',
      REDIS_URL: redis.url,
      LOG_LEVEL: 'info',
      ...more,
    },
  });
  const started = owned(stack, new Started(child));
  const { port, innerPort } = await started.listening();
  const [ca, token] = await Promise.all(
    ['ca.crt', 'ingest-token'].map((name) => readFile(join(folder, 'state', name), 'utf8')),
  );
  const kept = stack.move();
  return {
    port,
    innerPort,
    ca: ca ?? '',
    ingestToken: (token ?? '').trim(),
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Moves the resource's directory and logins to a server, and returns the gateway's environment for it. */
async function askHanging(config: string, stack: AsyncDisposableStack): Promise<Record<string, string>> {
  const directory: unknown = parse(await readFile(join(config, 'directory.yaml'), 'utf8'));
  const platform = stack.use(await openHangingPlatform(JSON.stringify(directory)));
  const auth = { directory: { http: { url: platform.url } }, login: ['Directory', 'Check'] };
  await appendFile(join(config, 'subscription.yaml'), `  auth: ${JSON.stringify(auth)}\n`);
  return { FIREHOSE_DIRECTORY_CA_FILE: platform.caFile };
}

/** The control: the effect of the attacks on a neighbour on the same machine that is not attacked itself. */
export interface Decoy extends Victim, AsyncDisposable {}

export async function openDecoy(): Promise<Decoy> {
  await using stack = new AsyncDisposableStack();
  const child = spawn(process.execPath, [...SHIPPED_FLAGS, fileURLToPath(new URL('decoy.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const started = owned(stack, new Started(child));
  const [, text = '{}'] = await started.says(/^(\{"port":.*\})$/m);
  const victim = JSON.parse(text) as Victim;
  const kept = stack.move();
  return { ...victim, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function owned(stack: AsyncDisposableStack, started: Started): Started {
  stack.defer(async () => {
    started.kill('SIGKILL');
    await started.exitCode;
  });
  return started;
}

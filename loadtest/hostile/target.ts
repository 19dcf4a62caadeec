import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Started } from '../../testing/started.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { SHIPPED_FLAGS } from '../../testing/shipped-flags.ts';
import type { Victim } from './attacks.ts';

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

export async function openTarget(): Promise<Target> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'firehose-hostile-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await cp(EXAMPLE, join(folder, 'config'), { recursive: true });
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

/** The control: what the attacks do to a neighbour on the same machine that is not attacked itself. */
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

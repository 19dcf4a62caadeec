import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Started } from '../../testing/started.ts';
import { startRedis } from '../../testing/redis-server.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../gateway/quickstart/', import.meta.url));

/** The gateway under attack: its own process, TLS, Redis, the example directory with its two accounts and users. */
export interface Target extends AsyncDisposable {
  readonly port: number;
  readonly innerPort: number;
  /** PEM of the authority that signed the gateway's certificate. */
  readonly ca: string;
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
  const child = spawn(process.execPath, [PROGRAM, 'gateway'], {
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
  const started = new Started(child);
  stack.defer(async () => {
    started.kill('SIGKILL');
    await started.exitCode;
  });
  const { port, innerPort } = await started.listening();
  const [ca, token] = await Promise.all(
    ['ca.crt', 'ingest-token'].map((name) => readFile(join(folder, 'state', name), 'utf8')),
  );
  const owned = stack.move();
  return {
    port,
    innerPort,
    ca: ca ?? '',
    ingestToken: (token ?? '').trim(),
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

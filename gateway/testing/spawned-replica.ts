import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Started } from '../../testing/started.ts';
import type { RunningGateway } from './running-gateway.ts';

const COMMAND = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));

/** One more replica of a running gateway's resource, as a process that a test kills. */
export interface SpawnedReplica extends AsyncDisposable {
  readonly port: number;
  readonly innerPort: number;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Settles once it listens. */
export async function spawnReplica(running: RunningGateway, redisUrl: string): Promise<SpawnedReplica> {
  const child = spawn(process.execPath, [COMMAND, 'gateway'], {
    env: {
      PATH: process.env['PATH'],
      REDIS_URL: redisUrl,
      FIREHOSE_CONFIG: dirname(running.directoryFile),
      FIREHOSE_STATE: running.stateFolder,
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      FIREHOSE_SIMULATOR_RATE: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = new Started(child);
  const kill = async () => {
    started.kill('SIGKILL');
    await started.exitCode;
  };
  try {
    const ports = await started.listening();
    return { ...ports, kill, [Symbol.asyncDispose]: kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

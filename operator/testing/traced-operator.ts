import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Started } from '../../testing/started.ts';
import { SYSTEM, type Platform } from './platform.ts';
import { IMAGE } from './run-operator.ts';

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const START = ['--import', fileOf('../../runtime/telemetry/start.ts'), fileOf('../../cli/firehose.ts')];

/** An operator as a process of its own, started as the image starts it. */
export async function startTracedOperator(platform: Platform, environment: Readonly<Record<string, string>>) {
  const env = {
    PATH: process.env['PATH'],
    KUBECONFIG: await platform.operatorKubeconfig(),
    FIREHOSE_GATEWAY_IMAGE: IMAGE,
    FIREHOSE_WATCH_NAMESPACES: '*',
    FIREHOSE_NAMESPACE: SYSTEM,
    FIREHOSE_OPERATOR_HOST: '127.0.0.1',
    FIREHOSE_OPERATOR_PORT: '0',
    LOG_LEVEL: 'debug',
    ...environment,
  };
  const operator = new Started(
    spawn(process.execPath, [...START, 'operator'], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  const [, port] = await operator.says(/"port":(\d+),"server"/);
  return {
    process: operator,
    metrics: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    async [Symbol.asyncDispose]() {
      operator.kill('SIGKILL');
      await operator.exitCode;
    },
  };
}

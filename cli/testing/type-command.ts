import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RunningGateway } from '../../gateway/testing/running-gateway.ts';

const COMMAND = fileURLToPath(new URL('../firehose.ts', import.meta.url));

/** Runs `firehose` as a process of an administrator on the machine of this gateway. */
export async function typeCommand({ stateFolder, gateway }: RunningGateway, ...args: readonly string[]) {
  const env = {
    PATH: process.env['PATH'],
    FIREHOSE_STATE: stateFolder,
    FIREHOSE_INNER_PORT: String(gateway.innerPort),
  };
  const child = spawn(process.execPath, [COMMAND, ...args], { env });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, errors };
}

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Kernels choose none of these for connections and for servers that name no port, and Kubernetes none for a NodePort. */
const RANGE: readonly [first: number, last: number] = [10_000, 29_999];
/** A file for each port, with the process that has it. */
const CLAIMS = join(tmpdir(), `firehose-ports-${process.getuid?.() ?? 0}`);

const own = new Set<string>();
process.on('exit', () => {
  for (const file of own) rmSync(file, { force: true });
});

interface PortOptions {
  /** Default: whether a server can listen on it with TCP. */
  readonly isFree?: (port: number) => Promise<boolean>;
  readonly range?: readonly [first: number, last: number];
}

/** A port that nobody listens on, and that no other process gets from here while this one lives. */
export async function freePort({ isFree = isTcpFree, range = RANGE }: PortOptions = {}): Promise<number> {
  mkdirSync(CLAIMS, { recursive: true });
  for (;;) {
    const port = randomInt(range[0], range[1] + 1);
    if (isClaimed(port) && (await isFree(port))) return port;
  }
}

/** Claims the port; false when another process has it, or had it until now. */
function isClaimed(port: number): boolean {
  const file = join(CLAIMS, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    own.add(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!isHeld(file)) rmSync(file, { force: true });
    return false;
  }
}

/** Whether the process that claimed it is alive. */
function isHeld(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function isTcpFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

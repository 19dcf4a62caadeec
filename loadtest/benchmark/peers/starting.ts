import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '../servers.ts';

const START_LIMIT_MS = 20_000;
/** Far more than a run has out: nobody is to be cut off for being a receiver on a busy machine. */
export const PENDING_BYTES = 512 * 1024 * 1024;

/** A folder that lives as long as the stack. */
export async function folderFor(stack: AsyncDisposableStack, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `firehose-benchmark-${name}-`));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server with all that was made for it. */
export function ownedBy(owned: AsyncDisposableStack, server: Server): Server {
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Asks until there is something; faults in between count as nothing. */
export async function eventually<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    const found = await look().catch(() => null);
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not start within ${START_LIMIT_MS / 1_000} s`);
    await delay(50);
  }
}

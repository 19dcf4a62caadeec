import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '../servers.ts';

/** Far more than the pending events of a run: no receiver must be cut off because the machine is busy. */
export const PENDING_BYTES = 512 * 1024 * 1024;

/** A folder that lives as long as the stack. */
export async function folderFor(stack: AsyncDisposableStack, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `firehose-benchmark-${name}-`));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server with everything that was created for it. */
export function ownedBy(owned: AsyncDisposableStack, server: Server): Server {
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

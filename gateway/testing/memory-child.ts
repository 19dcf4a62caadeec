// A gateway in a process of its own, with the shipped flags of the collector: `gateway/contract/memory.test.ts`.
import { getHeapSpaceStatistics } from 'node:v8';
import { startGateway } from './running-gateway.ts';

export interface HeapUse {
  /** Bytes of unreferenced old objects that a collection of young objects has left. */
  readonly left: number;
  /** Bytes after a full collection. */
  readonly live: number;
}

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined || process.send === undefined) throw new Error('started by gateway/contract/memory.test.ts');

const running = await startGateway({ plain: true, connections: { maxPerReplica: 10_000, maxPerAccount: 10_000 } });
const answer = (message: unknown) => void process.send?.(message);
process.on('message', () => {
  const old = spaceUsed('old_space');
  collect();
  collect();
  const left = old - spaceUsed('old_space');
  answer({ left, live: process.memoryUsage().heapUsed } satisfies HeapUse);
});
process.on('disconnect', () => void running[Symbol.asyncDispose]().then(() => process.exit(0)));
answer({ port: running.gateway.port, token: await running.token() });

function spaceUsed(name: string): number {
  return getHeapSpaceStatistics().find(({ space_name: own }) => own === name)?.space_used_size ?? 0;
}

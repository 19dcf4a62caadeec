import type { Connection } from './connection.ts';

/** How many connections are looked at before the first of them is written. */
const BLOCK = 16;

/**
 * Writes to each live connection that has room, block by block. A processor waits for memory at every connection whose
 * objects have left its caches, which a write of the one before does by itself. Looking at a block of connections first
 * makes these waits overlap.
 */
export function writeEach(
  live: ReadonlySet<Connection>,
  highWater: number,
  { write, skip }: { readonly write: (to: Connection) => void; readonly skip: (full: Connection) => void },
): void {
  const isAlone = live.size === 1;
  const block: Connection[] = [];
  let seen = 0;
  for (const connection of live) {
    if (connection.sink.queued >= highWater) {
      skip(connection);
      continue;
    }
    // Most views have one connection, and there is nothing to overlap.
    if (isAlone) return write(connection);
    block[seen] = connection;
    seen += 1;
    if (seen < BLOCK) continue;
    for (const one of block) write(one);
    seen = 0;
  }
  block.length = seen;
  for (const one of block) write(one);
}

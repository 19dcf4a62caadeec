import type { Cluster } from 'ioredis';
import type { RedisNode } from './connection.ts';

/** A cluster's answer that a slot has moved: for good (MOVED), or for this one command during the move (ASK). */
export interface Redirect {
  readonly kind: 'MOVED' | 'ASK';
  readonly node: RedisNode;
}

const FORM = /^(MOVED|ASK) \d{1,5} (.*):(\d{1,5})$/;

/** Null for any other error. An empty host means the one that was asked, `asked`. */
export function redirectOf(error: unknown, asked: string): Redirect | null {
  const [, kind, host = '', port] = FORM.exec(error instanceof Error ? error.message : '') ?? [];
  if (kind !== 'MOVED' && kind !== 'ASK') return null;
  return { kind, node: { host: host === '' ? asked : host, port: Number(port) } };
}

/** The slot of a key, which never changes. Rejects with the client's error. */
export async function slotOf(cluster: Cluster, key: string): Promise<number> {
  return Number(await cluster.call('cluster', 'keyslot', key));
}

/** The present master of a slot, as far as the client knows. */
export function nodeOf(cluster: Cluster, slot: number): RedisNode | null {
  const address = cluster.slots[slot]?.[0] ?? '';
  const colon = address.lastIndexOf(':');
  return colon < 0 ? null : { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

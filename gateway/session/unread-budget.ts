/** Memory of the replica that one connection uses by not reading. */
export interface Unread {
  readonly account: string;
  readonly bytes: number;
}

/**
 * The connections that must end so that the total memory fits into the budget: repeatedly the largest connection of the
 * account that uses most. Empty while it fits. Pure.
 */
export function greediest<T extends Unread>(connections: Iterable<T>, budget: number): T[] {
  const byAccount = new Map<string, { bytes: number; connections: T[] }>();
  let total = 0;
  for (const connection of connections) {
    if (connection.bytes === 0) continue;
    total += connection.bytes;
    const account = byAccount.get(connection.account) ?? { bytes: 0, connections: [] };
    account.bytes += connection.bytes;
    account.connections.push(connection);
    byAccount.set(connection.account, account);
  }
  const ended: T[] = [];
  if (total <= budget) return ended;
  for (const { connections: own } of byAccount.values()) own.sort((one, other) => one.bytes - other.bytes);
  while (total > budget) {
    const most = [...byAccount.values()].reduce((one, other) => (other.bytes > one.bytes ? other : one));
    const largest = most.connections.pop();
    if (largest === undefined) break;
    most.bytes -= largest.bytes;
    total -= largest.bytes;
    ended.push(largest);
  }
  return ended;
}

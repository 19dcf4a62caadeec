import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Replica } from './replica.ts';

const CHECK_MS = 200;

/** A TCP proxy in front of replicas, like a Service: new connections go in turn to the ready ones. */
export interface Balancer extends AsyncDisposable {
  readonly host: string;
  /** Checked from now on, beside the known ones. */
  add(replica: Replica): void;
}

export async function startBalancer(replicas: readonly Replica[]): Promise<Balancer> {
  const known = [...replicas];
  const sockets = new Set<Socket>();
  const closing = new AbortController();
  let ready: Replica[] = [...known];
  let turn = 0;
  const join = (one: Socket, other: Socket) => {
    sockets.add(one);
    // Expected: replicas are killed. `close` follows each error.
    one.on('error', () => undefined);
    one.on('close', () => {
      sockets.delete(one);
      other.destroy();
    });
    one.pipe(other);
  };
  const server = createServer((client) => {
    const port = Number(ready[turn++ % Math.max(1, ready.length)]?.host?.split(':')[1] ?? 0);
    if (port === 0) return void client.destroy();
    const upstream = connect({ host: '127.0.0.1', port });
    join(client, upstream);
    join(upstream, client);
  });
  const checking = (async () => {
    while (!closing.signal.aborted) {
      const states = await Promise.all(known.map(isReady));
      ready = known.filter((_, at) => states[at]);
      await delay(CHECK_MS);
    }
  })();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (replica) => void known.push(replica),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await checking;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function isReady({ inner }: Replica): Promise<boolean> {
  if (inner === null) return false;
  // A replica that does not answer is not ready.
  const answer = await fetch(`http://${inner}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  return answer?.status === 200;
}

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands before the replicas of a gateway, like a Service. */
export interface Service extends AsyncDisposable {
  readonly url: string;
  /** When each connection arrived, in milliseconds of the monotonic clock. */
  readonly came: readonly number[];
  /** Open connections to this port. */
  open(port: number): number;
  /** Sends new connections to this port from now on. */
  sendTo(port: number): void;
}

export async function startService(port: number): Promise<Service> {
  const came: number[] = [];
  const sockets = new Map<Socket, number>();
  let target = port;
  const server = createServer((client) => {
    came.push(performance.now());
    const upstream = connect(target, '127.0.0.1');
    sockets.set(client, target);
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => one.destroy());
      one.on('close', () => other.destroy());
    }
    client.on('close', () => sockets.delete(client));
  });
  server.listen(0, '127.0.0.1', 2_048);
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    came,
    open: (of) => [...sockets.values()].filter((one) => one === of).length,
    sendTo: (next) => void (target = next),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.keys()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

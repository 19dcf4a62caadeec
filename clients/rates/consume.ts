/** A consumer of `replay-server.ts`: `bare PORT` or `client PORT`. Prints `{ events, cpuMs }`. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Firehose } from '../typescript/src/index.ts';

const [how, port = ''] = process.argv.slice(2);
let events = 0;

/** The least that a consumer without a library does. */
async function bare(): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  socket.on('message', (data: Buffer) => {
    const { _firehose: meta } = JSON.parse(data.toString()) as { _firehose: { id?: string } };
    if (meta.id !== undefined) events += 1;
  });
  await once(socket, 'close');
}

async function client(): Promise<void> {
  const login = { username: 'a', password: 'b', domain: 'c' };
  // `insecure` selects the transport of the package `ws`, as `ca` does: both use the same socket.
  const firehose = new Firehose({ url: `http://127.0.0.1:${port}`, login, insecure: true });
  for await (const item of firehose.stream()) if (item.type === 'event') events += 1;
}

const before = process.cpuUsage();
await (how === 'bare' ? bare() : client());
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ events, cpuMs: (user + system) / 1_000 }));

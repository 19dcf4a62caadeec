import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../testing/free-port.ts';
import { start } from '../processes.ts';
import { serverOf, type Bench, type Server } from '../servers.ts';
import { folderFor, ownedBy, PENDING_BYTES } from './starting.ts';
import { until } from '../../../testing/until.ts';

/** The current Centrifugo, with its own consumer of a Redis stream; all clients are in one channel. */
export async function startCentrifugo(bench: Bench, program: string): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const folder = await folderFor(stack, 'centrifugo');
  const port = await freePort();
  const redis_stream = {
    address: bench.redis.url,
    streams: ['bench'],
    consumer_group: 'bench',
    publication_data_mode: { enabled: true, channels_value: 'channels' },
  };
  const config = {
    http_server: { address: '127.0.0.1', port: String(port) },
    client: { insecure: true, ping_interval: '600s', pong_timeout: '60s', queue_max_size: PENDING_BYTES },
    websocket: { write_timeout: '60s' },
    channel: { without_namespace: { allow_subscribe_for_client: true } },
    health: { enabled: true },
    consumers: [{ name: 'bench', enabled: true, type: 'redis_stream', redis_stream }],
  };
  const file = join(folder, 'centrifugo.json');
  await writeFile(file, JSON.stringify(config));
  const server = stack.use(await start([program, '-c', file], { place: 'server' }));
  await until('centrifugo', async () =>
    (await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1_000) })).ok ? true : null,
  );
  const targets = await bench.configuration.target('/connection/websocket');
  const rest = {
    targets,
    begin: null,
    dialect: 'centrifugo',
    feedPort: bench.redis.port,
    isManyThreaded: true,
  } as const;
  return ownedBy(stack.move(), serverOf(server, port, rest));
}

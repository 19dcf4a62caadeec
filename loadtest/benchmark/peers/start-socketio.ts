import { join } from 'node:path';
import { start } from '../processes.ts';
import { portLine, serverOf, type Bench, type Server } from '../servers.ts';

/** Path and query of an Engine.IO 4 WebSocket. */
const SOCKETIO_TARGET = '/socket.io/?EIO=4&transport=websocket';

/** `folder` is where it was installed. The events come from the stream that its adapter reads. */
export async function startSocketIo(bench: Bench, folder: string): Promise<Server> {
  const server = await start([process.execPath, join(folder, 'server.mjs')], {
    place: 'server',
    environment: { NODE_ENV: 'production', REDIS_URL: bench.redis.url },
  });
  const { port } = await server.next(portLine);
  const targets = await bench.configuration.target(SOCKETIO_TARGET);
  return serverOf(server, port, { targets, begin: null, dialect: 'socketio', feedPort: bench.redis.port });
}

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { start } from '../processes.ts';
import { serverOf, type Bench, type Server } from '../servers.ts';
import { folderFor, ownedBy, PENDING_BYTES } from './starting.ts';
import { until } from '../../../testing/until.ts';

/** It does not read Redis: events are published to it by its own protocol, which costs it less than reading would. */
export async function startNats(bench: Bench, program: string): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const folder = await folderFor(stack, 'nats');
  const config = {
    listen: '127.0.0.1:-1',
    websocket: { listen: '127.0.0.1:-1', no_tls: true, compression: false },
    ports_file_dir: folder,
    max_pending: PENDING_BYTES,
    write_deadline: '60s',
  };
  const file = join(folder, 'nats.conf');
  await writeFile(file, JSON.stringify(config));
  const server = stack.use(await start([program, '-c', file], { place: 'server' }));
  const ports = await until('nats-server', async () => {
    const name = (await readdir(folder)).find((each) => each.endsWith('.ports'));
    return name === undefined ? null : (JSON.parse(await readFile(join(folder, name), 'utf8')) as NatsPorts);
  });
  const targets = bench.configuration.anyTarget;
  const rest = { targets, begin: null, dialect: 'nats', feedPort: portOf(ports.nats), isManyThreaded: true } as const;
  return ownedBy(stack.move(), serverOf(server, portOf(ports.websocket), rest));
}

interface NatsPorts {
  readonly nats: readonly string[];
  readonly websocket: readonly string[];
}

function portOf([url = '']: readonly string[]): number {
  return Number(new URL(url).port);
}

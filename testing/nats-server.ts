import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Certificates } from './certificates.ts';
import { ensureNats } from './nats-installed.ts';
import { firstReply } from './first-reply.ts';
import { freePort } from './free-port.ts';
import { end } from './redis-process.ts';

const START_LIMIT_MS = 30_000;

/** A real nats-server with JetStream, on the loopback interface, with a folder of its own. */
export interface NatsServer extends AsyncDisposable {
  readonly port: number;
  /** Without credentials, for the host `127.0.0.1`; with TLS for `localhost`. */
  readonly url: string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder, with more of its configuration. */
  restart(more?: object): Promise<void>;
}

interface NatsOptions {
  /** More of its configuration, as `{ authorization: { token } }`. */
  readonly more?: object;
  /** Connections with TLS alone. */
  readonly tls?: Certificates;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export async function startNats({ more = {}, tls }: NatsOptions = {}): Promise<NatsServer> {
  const installed = await ensureNats(process.env, console.log);
  if (!installed.ok) throw new Error(`There is no nats-server: ${installed.remedy}`);
  const folder = await mkdtemp(join(tmpdir(), 'firehose-nats-'));
  const port = await freePort();
  const file = join(folder, 'nats.conf');
  const secured = tls === undefined ? {} : { tls: { cert_file: tls.certFile, key_file: tls.keyFile } };
  const start = async (extra: object) => {
    const jetstream = { store_dir: join(folder, 'store') };
    // Its configuration may be JSON.
    await writeFile(file, JSON.stringify({ listen: `127.0.0.1:${port}`, jetstream, ...secured, ...more, ...extra }));
    return launch(installed.path, file, port);
  };
  let server = await start({});
  return {
    port,
    url: tls === undefined ? `nats://127.0.0.1:${port}` : `tls://localhost:${port}`,
    kill: () => end(server, 'SIGKILL'),
    async restart(extra = {}) {
      await end(server, 'SIGKILL');
      server = await start(extra);
    },
    async [Symbol.asyncDispose]() {
      await end(server, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(program: string, file: string, port: number): Promise<ChildProcess> {
  const child = spawn(program, ['-c', file], { stdio: 'ignore' });
  alive.add(child);
  // A server that a failed test left behind must not keep the process alive: it ends with it.
  child.unref();
  child.once('exit', () => alive.delete(child));
  const deadline = Date.now() + START_LIMIT_MS;
  // A server that has recovered its streams greets with its INFO.
  while (!(await firstReply(port)).startsWith('INFO ')) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`nats-server does not answer on port ${port}`);
    await delay(20);
  }
  return child;
}

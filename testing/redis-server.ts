import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { freePort } from './free-port.ts';
import { end, launch } from './redis-process.ts';

export interface RedisServerOptions {
  /** Data folder; default: a temporary one, removed by `stop()`. */
  readonly dir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Further arguments of redis-server, such as `--appendonly yes`. */
  readonly args?: readonly string[];
  /** ACL lines without the word `user`: `gateway on >secret ~* +@all`. */
  readonly users?: readonly string[];
  /** Also listens with TLS, on `tlsUrl`. */
  readonly tls?: Certificates;
  /** Whether clients must present a certificate of the same authority; default false. */
  readonly clientCertificates?: boolean;
}

/** A real redis-server of this machine, on the loopback interface. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** `rediss://` with the host `localhost`; empty without `tls`. */
  readonly tlsUrl: string;
  readonly port: number;
  /** 0 without `tls`. */
  readonly tlsPort: number;
  readonly pid: number;
  readonly dir: string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Stops for good and removes a temporary folder. */
  stop(): Promise<void>;
  /** Starts again on the same port and folder, after `kill()` or to replace a running one. */
  restart(): Promise<void>;
}

const ALWAYS = ['--bind', '127.0.0.1', '--save', '', '--daemonize', 'no'];

function argumentsOf(options: RedisServerOptions, place: { port: number; tlsPort: number; dir: string }): string[] {
  const { tls, clientCertificates = false, users = [], args = [] } = options;
  return [
    '--port',
    String(place.port),
    '--dir',
    place.dir,
    ...ALWAYS,
    ...(tls === undefined ? [] : tlsArguments(tls, place.tlsPort, clientCertificates)),
    ...users.flatMap((user) => ['--user', ...user.split(' ')]),
    ...args,
  ];
}

/** `tls-port`, and the files that a Redis or a sentinel needs for it. */
export function tlsArguments(tls: Certificates, port: number, clientCertificates = false): string[] {
  const pairs = {
    'tls-port': String(port),
    'tls-auth-clients': clientCertificates ? 'yes' : 'no',
    'tls-ca-cert-file': tls.caFile,
    'tls-cert-file': tls.certFile,
    'tls-key-file': tls.keyFile,
  };
  return Object.entries(pairs).flatMap(([name, value]) => [`--${name}`, value]);
}

async function launchSomewhere(options: RedisServerOptions, dir: string) {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = options.port ?? (await freePort());
    const tlsPort = options.tls === undefined ? 0 : await freePort();
    const args = argumentsOf(options, { port, tlsPort, dir });
    const child = await launch(port, args);
    if (child) return { port, tlsPort, child, args };
  }
  throw new Error(`redis-server does not start with ${(options.args ?? []).join(' ')}`);
}

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'firehose-redis-')));
  const { port, tlsPort, child: first, args } = await launchSomewhere(options, dir);
  let child = first;
  const stop = async () => {
    await end(child, 'SIGKILL');
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    tlsUrl: tlsPort === 0 ? '' : `rediss://localhost:${tlsPort}`,
    port,
    tlsPort,
    dir,
    get pid() {
      return child.pid ?? 0;
    },
    kill: () => end(child, 'SIGKILL'),
    stop,
    async restart() {
      await end(child, 'SIGTERM');
      const again = await launch(port, args);
      if (!again) throw new Error(`redis-server does not start again on port ${port}`);
      child = again;
    },
    [Symbol.asyncDispose]: stop,
  };
}

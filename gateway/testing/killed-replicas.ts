import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Started } from '../../testing/started.ts';

const PROGRAM = fileURLToPath(new URL('../main.ts', import.meta.url));
const DIRECTORY = fileURLToPath(new URL('../quickstart/directory.yaml', import.meta.url));
const ACCOUNT = '91eb05e5c68d7ca05e7618b6821d2d16';

interface Life {
  readonly process: Started;
  readonly port: number;
}

/** Replicas of one resource over TLS, each a process that can be killed and started again. */
export class KilledReplicas implements AsyncDisposable {
  /** `<namespace>/<name>`. */
  readonly resource = 'default/killed';
  readonly #folder: string;
  readonly #redisUrl: string;
  readonly #lives: (Life | null)[];

  private constructor(folder: string, redisUrl: string, replicas: number) {
    this.#folder = folder;
    this.#redisUrl = redisUrl;
    this.#lives = Array.from({ length: replicas }, () => null);
  }

  /** `spec` is merged into the resource's. */
  static async start(redisUrl: string, replicas: number, spec: object): Promise<KilledReplicas> {
    const folder = await mkdtemp(join(tmpdir(), 'firehose-killed-'));
    await copyFile(DIRECTORY, join(folder, 'directory.yaml'));
    const metadata = { name: 'killed' };
    const resource = { apiVersion: 'firehose.dev/v1alpha1', kind: 'FirehoseSubscription', metadata };
    // JSON is YAML.
    const text = JSON.stringify({ ...resource, spec: { account: { id: ACCOUNT }, ...spec } });
    await writeFile(join(folder, 'subscription.yaml'), text);
    const started = new KilledReplicas(folder, redisUrl, replicas);
    // The first one creates the keys that all of them share.
    for (let replica = 0; replica < replicas; replica += 1) await started.begin(replica);
    return started;
  }

  /** Ports of the running ones. */
  get ports(): readonly number[] {
    return this.#lives.flatMap((life) => life?.port ?? []);
  }

  /** The authority of their certificates. */
  ca(): Promise<string> {
    return readFile(join(this.#folder, 'state', 'ca.crt'), 'utf8');
  }

  async begin(replica: number): Promise<void> {
    const env = {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      FIREHOSE_CONFIG: this.#folder,
      FIREHOSE_STATE: join(this.#folder, 'state'),
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      FIREHOSE_SIMULATOR_RATE: '0',
      REDIS_URL: this.#redisUrl,
    };
    const child = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const started = new Started(child);
    const { port } = await started.listening();
    this.#lives[replica] = { process: started, port };
  }

  async kill(replica: number): Promise<void> {
    const life = this.#lives[replica];
    this.#lives[replica] = null;
    life?.process.kill('SIGKILL');
    await life?.process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const replica of this.#lives.keys()) await this.kill(replica);
    await rm(this.#folder, { recursive: true });
  }
}

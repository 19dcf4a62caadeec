import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADMINISTRATION_PATH } from '../../protocol/paths.ts';
import { silentLogger, type Logger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import type { RedisAddress } from '../../runtime/redis/connection.ts';
import { SHIPPED_FLAGS } from '../../testing/shipped-flags.ts';
import { Started } from '../../testing/started.ts';
import { buildGateway, type Gateway } from '../build.ts';
import { readConfig } from '../config.ts';
import { publish, type PublishedEvent } from './group-replica.ts';

const PROGRAM = fileURLToPath(new URL('../main.ts', import.meta.url));
const DIRECTORY = fileURLToPath(new URL('../quickstart/directory.yaml', import.meta.url));
export const ACCOUNT = '91eb05e5c68d7ca05e7618b6821d2d16';

export interface SentOptions {
  readonly redisUrl: RedisAddress;
  /** Additions to the environment: how Redis is reached. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Additions to `spec`. */
  readonly spec?: object;
  /** Additions to `spec.redis`. */
  readonly redis?: object;
}

/** A resource whose groups are sent somewhere, and functions that start gateways of it. */
export class SentResource implements AsyncDisposable {
  readonly folder: string;
  readonly name = `sent-${randomUUID().slice(0, 8)}`;
  readonly #options: SentOptions;
  readonly #stack = new AsyncDisposableStack();

  protected constructor(folder: string, options: SentOptions) {
    this.folder = folder;
    this.#options = options;
    this.#stack.defer(() => rm(folder, { recursive: true, force: true }));
  }

  /** A folder with a directory. */
  protected static async makeFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'firehose-sent-'));
    await copyFile(DIRECTORY, join(folder, 'directory.yaml'));
    return folder;
  }

  /** Writes the resource with these groups; gateways that start from now on have them. */
  protected async write(consumerGroups: readonly object[]): Promise<void> {
    const { spec, redis } = this.#options;
    const resource = {
      apiVersion: 'firehose.dev/v1alpha1',
      kind: 'FirehoseSubscription',
      metadata: { name: this.name },
      spec: { account: { id: ACCOUNT }, redis: { keyPrefix: this.keyPrefix, ...redis }, consumerGroups, ...spec },
    };
    await writeFile(join(this.folder, 'subscription.yaml'), JSON.stringify(resource));
  }

  get keyPrefix(): string {
    return `${this.name}:`;
  }

  get environment(): Record<string, string> {
    return {
      FIREHOSE_CONFIG: this.folder,
      FIREHOSE_STATE: join(this.folder, 'state'),
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      REDIS_URL: this.#options.redisUrl as string,
      ...this.#options.environment,
    };
  }

  /** A gateway in this process. */
  async start(logger: Logger = silentLogger): Promise<Gateway> {
    return buildGateway(await readConfig(this.environment), logger);
  }

  /** A gateway as a process of its own, in its shipped form, once it listens. */
  async spawn(): Promise<Started> {
    const env = { PATH: process.env['PATH'], ...this.environment };
    const started = new Started(
      spawn(process.execPath, [...SHIPPED_FLAGS, PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    this.#stack.defer(() => started.kill('SIGKILL'));
    await started.listening();
    return started;
  }

  /** Puts events into the log like a producer. `url`: a plain one, if that of the gateways is not plain. */
  async publish(list: readonly PublishedEvent[], url: RedisAddress = this.#options.redisUrl): Promise<void> {
    const client = commandClient(url, { logger: silentLogger, name: 'test:producer' });
    try {
      await becomesReady(client, 10_000);
      await publish(
        { client, keyPrefix: this.keyPrefix, partitions: 4 },
        list.map((event) => ({ account: 'account_id_1', ...event })),
      );
    } finally {
      client.disconnect();
    }
  }

  /** A request to the administration of one gateway: GET, or POST of a body. */
  async administer(
    innerPort: number,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const token = (await readFile(join(this.folder, 'state', 'admin-token'), 'utf8')).trim();
    const answer = await fetch(`http://127.0.0.1:${innerPort}${ADMINISTRATION_PATH}${path}`, {
      headers: { Authorization: `Bearer ${token}` },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

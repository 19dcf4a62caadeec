import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADMINISTRATION_PATH } from '../../protocol/paths.ts';
import { silentLogger, type Logger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import type { RedisAddress } from '../../runtime/redis/connection.ts';
import { Started } from '../../testing/started.ts';
import { buildGateway, type Gateway } from '../build.ts';
import { readConfig } from '../config.ts';
import { publish, type PublishedEvent } from './group-replica.ts';

const PROGRAM = fileURLToPath(new URL('../main.ts', import.meta.url));
const DIRECTORY = fileURLToPath(new URL('../quickstart/directory.yaml', import.meta.url));
export const ACCOUNT = '91eb05e5c68d7ca05e7618b6821d2d16';

/** More than eight members: each test sets the few that it needs. */
export interface HookedOptions {
  readonly redisUrl: RedisAddress;
  /** Additions to the environment: how Redis is reached. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly receiver: { readonly url: string; readonly secret: string; readonly caFile: string | null };
  /** More of `consumerGroups[].webhook`. */
  readonly webhook?: object;
  /** Further groups with a webhook. */
  readonly more?: readonly {
    readonly group: { readonly name: string };
    readonly secret: string;
    readonly caFile: string | null;
  }[];
  /** Additions to the group, and to `spec`. */
  readonly group?: object;
  readonly spec?: object;
  /** Additions to `spec.redis`. */
  readonly redis?: object;
}

/** A resource with one group `crm` that has a webhook, and functions that start gateways of it. */
export class HookedResource implements AsyncDisposable {
  readonly folder: string;
  readonly name = `hooked-${randomUUID().slice(0, 8)}`;
  readonly #options: HookedOptions;
  readonly #stack = new AsyncDisposableStack();

  private constructor(folder: string, options: HookedOptions) {
    this.folder = folder;
    this.#options = options;
    this.#stack.defer(() => rm(folder, { recursive: true, force: true }));
  }

  static async create(options: HookedOptions): Promise<HookedResource> {
    const folder = await mkdtemp(join(tmpdir(), 'firehose-hooked-'));
    const resource = new HookedResource(folder, options);
    await mkdir(join(folder, 'webhooks'));
    await copyFile(DIRECTORY, join(folder, 'directory.yaml'));
    const others = (options.more ?? []).map(({ group, ...files }) => ({ name: group.name, ...files }));
    for (const { name, secret, caFile } of [{ name: 'crm', ...options.receiver }, ...others]) {
      await writeFile(join(folder, 'webhooks', `${name}.secret`), secret);
      if (caFile !== null) await copyFile(caFile, join(folder, 'webhooks', `${name}.ca.crt`));
    }
    await resource.declare(options.webhook ?? {});
    return resource;
  }

  /** Writes the resource with this webhook; gateways that start from now on have it. */
  async declare(webhook: object): Promise<void> {
    const { receiver, group, spec, redis, more = [] } = this.#options;
    const declared = { url: receiver.url, allowPrivateAddresses: true, ...webhook };
    const resource = {
      apiVersion: 'firehose.dev/v1alpha1',
      kind: 'FirehoseSubscription',
      metadata: { name: this.name },
      spec: {
        account: { id: ACCOUNT },
        redis: { keyPrefix: this.keyPrefix, ...redis },
        consumerGroups: [
          { name: 'crm', account: ACCOUNT, webhook: declared, ...group },
          ...more.map((one) => one.group),
        ],
        ...spec,
      },
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

  /** A gateway as a process of its own, once it listens. */
  async spawn(): Promise<Started> {
    const env = { PATH: process.env['PATH'], ...this.environment };
    const started = new Started(spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
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

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

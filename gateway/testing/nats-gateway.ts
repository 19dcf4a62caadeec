import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NodeConnectionOptions } from '@nats-io/transport-node';
import type { PublishedEvent } from './group-replica.ts';
import { ACCOUNT, SentResource, type SentOptions } from './sent-resource.ts';

export interface SunkOptions extends SentOptions {
  readonly nats: { readonly servers: readonly string[]; readonly [field: string]: unknown };
  /** Files of the group, by their names in the folder `nats`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Additions to the group. */
  readonly group?: object;
}

/** A resource with one group `bus` that is published to NATS. */
export class SunkResource extends SentResource {
  static async create({ nats, files = {}, group, ...options }: SunkOptions): Promise<SunkResource> {
    const resource = new SunkResource(await SentResource.makeFolder(), options);
    await mkdir(join(resource.folder, 'nats'));
    for (const [name, text] of Object.entries(files)) await resource.file(name, text);
    await resource.write([{ name: 'bus', account: ACCOUNT, nats, ...group }]);
    return resource;
  }

  /** Writes a file of the folder `nats`; null removes it. */
  async file(name: string, text: string | null): Promise<void> {
    const path = join(this.folder, 'nats', name);
    await (text === null ? rm(path) : writeFile(path, text));
  }
}

/** A message as a stream has it. */
export interface Stored {
  /** `<call>/<n>`. */
  readonly key: string;
  readonly subject: string;
  readonly id: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const NAME = 'CALLS';
/** A read ends with its last message; on a busy machine that takes some time. */
const READ_MS = 60_000;

/** The stream of a test, as an administrator of the server has it: every method has a connection of its own. */
export class TestStream {
  readonly #options: NodeConnectionOptions;

  constructor(options: NodeConnectionOptions) {
    this.#options = { reconnect: false, ...options };
  }

  /** Creates the stream for `firehose.>`. */
  async create(more: object = {}): Promise<void> {
    await this.#with(async (manager) => {
      await manager.streams.add({ name: NAME, subjects: ['firehose.>'], ...more });
    });
  }

  async delete(): Promise<void> {
    await this.#with(async (manager) => {
      await manager.streams.delete(NAME);
    });
  }

  /** How many messages it has. */
  count(): Promise<number> {
    return this.#with(async (manager) => (await manager.streams.info(NAME)).state.messages);
  }

  /** All of its messages, in its order. */
  messages(): Promise<Stored[]> {
    return this.#with(async (manager, connection) => {
      const { messages } = (await manager.streams.info(NAME)).state;
      const stored: Stored[] = [];
      if (messages === 0) return stored;
      const consumer = await jetstream(connection).consumers.get(NAME);
      for await (const message of await consumer.fetch({ max_messages: messages, expires: READ_MS })) {
        const body = message.string();
        const headers = message.headers;
        const names = headers?.keys() ?? [];
        stored.push({
          key: keyOf(body),
          subject: message.subject,
          id: headers?.get('Nats-Msg-Id') ?? '',
          body,
          headers: Object.fromEntries(names.map((name) => [name, headers?.get(name) ?? ''])),
        });
      }
      return stored;
    });
  }

  async #with<T>(
    run: (
      manager: Awaited<ReturnType<typeof jetstreamManager>>,
      connection: Awaited<ReturnType<typeof connect>>,
    ) => Promise<T>,
  ): Promise<T> {
    const connection = await connect(this.#options);
    try {
      return await run(await jetstreamManager(connection), connection);
    } finally {
      await connection.close();
    }
  }
}

function keyOf(body: string): string {
  const content = JSON.parse(body) as { data?: { call?: string; n?: number } };
  return `${content.data?.call}/${content.data?.n}`;
}

/** What a ledger says against these messages: an event that is missing, doubled, or out of the order of its call. */
export function ledgerFaults(stored: readonly Stored[], published: readonly PublishedEvent[]): string[] {
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const { key } of stored) {
    const [call = '', n = ''] = key.split('/');
    if (seen.has(key)) faults.push(`${key} twice`);
    if (Number(n) > 0 && !seen.has(`${call}/${Number(n) - 1}`)) faults.push(`${key} too early`);
    seen.add(key);
  }
  for (const { call, n } of published) if (!seen.has(`${call}/${n}`)) faults.push(`${call}/${n} is missing`);
  return faults;
}

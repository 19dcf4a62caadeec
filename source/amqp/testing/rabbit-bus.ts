import { connect, type Channel, type ChannelModel } from 'amqplib';
import type { QueueSpec } from '../queue.ts';

/** Kazoo's messages are transient. */
export const TRANSIENT = { deliveryMode: 1, contentType: 'application/json' };

export const QUEUE = { type: 'Quorum', maxLength: 50_000, messageTtlMs: 600_000, expiresMs: 600_000 } as const;

let count = 0;
/** A queue and an exchange that no other test uses. */
export function ownPlace(): { readonly queue: QueueSpec; readonly exchange: string } {
  count += 1;
  return { queue: { ...QUEUE, name: `firehose.test.q${count}` }, exchange: `callevt${count}` };
}

/** A client of the broker with all rights. */
export interface TestPublisher extends AsyncDisposable {
  readonly channel: Channel;
  readonly connection: ChannelModel;
}

export async function openPublisher(url: string): Promise<TestPublisher> {
  const connection = await connect(url);
  connection.on('error', () => undefined);
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  return {
    channel,
    connection,
    async [Symbol.asyncDispose]() {
      // The broker may be gone already.
      await connection.close().catch(() => undefined);
    },
  };
}

/** Publishes each body under its key, and waits until the broker confirms all. */
export async function publishAll(
  { connection }: TestPublisher,
  exchange: string,
  messages: readonly { readonly key: string; readonly body: Buffer }[],
): Promise<void> {
  const channel = await connection.createConfirmChannel();
  for (const { key, body } of messages) channel.publish(exchange, key, body, TRANSIENT);
  await channel.waitForConfirms();
  await channel.close();
}

export const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => String(from + index));

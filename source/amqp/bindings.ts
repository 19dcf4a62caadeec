import type { Channel, ChannelModel } from 'amqplib';
import { amqpReason, type AmqpReason } from '../../runtime/amqp/fault.ts';
import { queueOptions, type QueueSpec } from './queue.ts';

export interface Wanted {
  readonly exchange: { readonly name: string; readonly declare: boolean };
  readonly queue: QueueSpec;
  /** Binding keys of the exchange. */
  readonly keys: readonly string[];
}

/** Why events were lost before the bindings stood. */
export type Loss = 'bindings_lost' | 'queue_lost';

export type BindOutcome =
  /** `waiting`: messages that are ready in the queue. */
  { readonly kind: 'bound'; readonly waiting: number } | { readonly kind: 'failed'; readonly reason: AmqpReason };

/** AMQP does not tell whether a binding is there: a marker of the same lifetime does. */
function markerOf(queue: QueueSpec): string {
  return `${queue.name}.bound`;
}

/**
 * What happened to the bindings since the marker was set: null when it is there. It is a transient exchange with a
 * binding to the queue, as the exchange of the switch: a restart of the broker takes both. It deletes itself when that
 * binding goes, as it does with the queue. Rejects with amqplib's error.
 */
export async function findLoss(connection: ChannelModel, { queue }: Wanted): Promise<Loss | null> {
  if (await exists(connection, (channel) => channel.checkExchange(markerOf(queue)))) return null;
  return (await exists(connection, (channel) => channel.checkQueue(queue.name))) ? 'bindings_lost' : 'queue_lost';
}

/** Declares and binds. */
export async function bind(
  connection: ChannelModel,
  { exchange, queue, keys }: Wanted,
  signal: AbortSignal,
): Promise<BindOutcome> {
  try {
    const channel = await openChannel(connection);
    if (exchange.declare) {
      // Exactly as Kazoo declares it: another declaration would make Kazoo fail.
      await channel.assertExchange(exchange.name, 'topic', { durable: false, autoDelete: false });
    }
    await channel.assertQueue(queue.name, queueOptions(queue));
    for (const key of keys) {
      if (signal.aborted) break;
      await channel.bindQueue(queue.name, exchange.name, key);
    }
    const { messageCount } = await channel.checkQueue(queue.name);
    await channel.close();
    return { kind: 'bound', waiting: messageCount };
  } catch (error) {
    return { kind: 'failed', reason: amqpReason(error, false) };
  }
}

/** Messages that are ready in the queue. */
export async function countWaiting(connection: ChannelModel, { queue }: Wanted): Promise<number> {
  const channel = await openChannel(connection);
  const { messageCount } = await channel.checkQueue(queue.name);
  await channel.close();
  return messageCount;
}

/** To be called once the log has, or Redis keeps, what `findLoss` found: the marker hides it. */
export async function setMarker(connection: ChannelModel, { queue }: Wanted): Promise<void> {
  const channel = await openChannel(connection);
  await channel.assertExchange(markerOf(queue), 'fanout', { durable: false, autoDelete: true });
  await channel.bindQueue(queue.name, markerOf(queue), '');
  await channel.close();
}

/** The exchange of the switch is gone, and the marker is not: another replica must see it, too. */
export async function removeMarker(connection: ChannelModel, { queue }: Wanted): Promise<void> {
  const channel = await openChannel(connection);
  await channel.deleteExchange(markerOf(queue));
  await channel.close();
}

async function exists(connection: ChannelModel, check: (channel: Channel) => Promise<unknown>): Promise<boolean> {
  const channel = await openChannel(connection);
  try {
    await check(channel);
    await channel.close();
    return true;
  } catch (error) {
    if (amqpReason(error, false) === 'NoExchange') return false;
    throw error;
  }
}

async function openChannel(connection: ChannelModel): Promise<Channel> {
  const channel = await connection.createChannel();
  // The call that it answers rejects as well.
  channel.on('error', () => undefined);
  return channel;
}

import type { Channel, ChannelModel } from 'amqplib';
import { amqpReason, type AmqpReason } from '../../runtime/amqp/fault.ts';
import { queueOptions, type QueueSpec } from './queue.ts';

export interface Wanted {
  readonly exchange: { readonly name: string; readonly declare: boolean };
  readonly queue: QueueSpec;
  /** Binding keys of the exchange. */
  readonly keys: readonly string[];
}

/** Why events were lost before the bindings existed. */
export type Loss = 'bindings_lost' | 'queue_lost';

export type BindOutcome =
  /** `waiting`: messages that are ready in the queue. */
  { readonly kind: 'bound'; readonly waiting: number } | { readonly kind: 'failed'; readonly reason: AmqpReason };

/**
 * AMQP has no way to ask whether a binding exists, or whether the broker was away. Markers with the same lifetime show
 * it.
 */
function markersOf({ name }: QueueSpec, markers: string) {
  return { bound: `${name}.bound.${markers}`, alive: `${name}.alive.${markers}` } as const;
}

/**
 * What happened since these markers were set; null when both still exist. `bound` is an exchange with a binding to the
 * queue: it deletes itself when that binding or the queue is deleted. `alive` is a durable queue with one transient
 * message: a restart of the broker removes the message. In RabbitMQ 3, a restart also removes all transient exchanges
 * and their bindings. In RabbitMQ 4 those remain, but nobody could publish while the broker was away. Rejects with
 * amqplib's error.
 */
export async function findLoss(connection: ChannelModel, { queue }: Wanted, markers: string): Promise<Loss | null> {
  const { bound, alive } = markersOf(queue, markers);
  const isBound = markers !== '' && (await exists(connection, (channel) => channel.checkExchange(bound)));
  if (isBound && (await messagesIn(connection, alive)) > 0) return null;
  return isBound || (await exists(connection, (channel) => channel.checkQueue(queue.name)))
    ? 'bindings_lost'
    : 'queue_lost';
}

/** Declares the queue and binds it. */
export async function bind(
  connection: ChannelModel,
  { exchange, queue, keys }: Wanted,
  signal: AbortSignal,
): Promise<BindOutcome> {
  try {
    const channel = await openChannel(connection);
    if (exchange.declare) {
      // The declaration must equal Kazoo's: with a different one, Kazoo's own declaration would fail.
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

/** Number of messages that are ready in the queue. */
export async function countWaiting(connection: ChannelModel, { queue }: Wanted): Promise<number> {
  const channel = await openChannel(connection);
  const { messageCount } = await channel.checkQueue(queue.name);
  await channel.close();
  return messageCount;
}

/**
 * Sets markers under a new name and then repeats the bindings: markers that still exist then prove that the bindings of
 * the same queue do. Rejects with amqplib's error.
 */
export async function setMarkers(connection: ChannelModel, { queue }: Wanted, markers: string): Promise<void> {
  const { bound, alive } = markersOf(queue, markers);
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => undefined);
  await channel.assertExchange(bound, 'fanout', { durable: false, autoDelete: true });
  await channel.bindQueue(queue.name, bound, '');
  await channel.assertQueue(alive, markerQueue(queue));
  // Published through the marker's own exchange: the user needs no right to write to the default exchange.
  await channel.assertExchange(alive, 'fanout', { durable: false, autoDelete: true });
  await channel.bindQueue(alive, alive, '');
  channel.publish(alive, '', Buffer.alloc(0), { deliveryMode: 1 });
  await channel.waitForConfirms();
  await channel.close();
}

/** Expires when no check has used it for as long as the queue itself may stay unused. */
function markerQueue({ expiresMs }: QueueSpec) {
  const options = { 'x-queue-type': 'classic', 'x-max-length': 1, 'x-expires': expiresMs };
  return { durable: true, arguments: options };
}

/**
 * For markers that others have replaced, and when the switch's exchange is gone, so that other replicas see the loss.
 * Rejects with amqplib's error.
 */
export async function removeMarkers(connection: ChannelModel, { queue }: Wanted, markers: string): Promise<void> {
  const { bound, alive } = markersOf(queue, markers);
  const channel = await openChannel(connection);
  await channel.deleteExchange(bound);
  await channel.deleteQueue(alive);
  await channel.deleteExchange(alive);
  await channel.close();
}

/** Number of messages that are ready in a queue; 0 when the queue does not exist. */
async function messagesIn(connection: ChannelModel, queue: string): Promise<number> {
  let count = 0;
  await exists(connection, async (channel) => {
    count = (await channel.checkQueue(queue)).messageCount;
  });
  return count;
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
  // The call that caused the error rejects as well.
  channel.on('error', () => undefined);
  return channel;
}

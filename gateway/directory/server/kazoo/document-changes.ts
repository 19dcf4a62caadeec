import { setTimeout as delay } from 'node:timers/promises';
import type { ChannelModel } from 'amqplib';
import { z } from 'zod';
import { closeWithin, connectBroker, type Broker } from '../../../../runtime/amqp/connect.ts';
import { amqpReason, NoAnswer, type AmqpReason } from '../../../../runtime/amqp/fault.ts';
import type { Logger } from '../../../../runtime/logging/logger.ts';
import { ACCOUNT_ID } from '../../../../protocol/subscription/filters.ts';

export interface DocumentChangesOptions {
  readonly broker: Broker;
  /** Kazoo's exchange for document changes. */
  readonly exchange: string;
  /** An account's document was made, edited or deleted. */
  readonly onChange: (account: string) => void;
  /** Whether changes are received from now on. */
  readonly onState: (isUp: boolean) => void;
  readonly logger: Logger;
}

/** Kazoo publishes each change of a document under `doc_<action>.<database>.<type>.<id>` (kapi_conf). */
const KEYS = ['doc_created', 'doc_edited', 'doc_deleted'].map((action) => `${action}.*.account.*`);
const STEP_MS = 10_000;
const CLOSE_MS = 2_000;
const RETRY_MS = { first: 500, most: 30_000 };
const LOOK_MS = 15_000;
const MAX_BODY_BYTES = 1024 * 1024;

const bodySchema = z.object({ ID: z.string().regex(ACCOUNT_ID) });

/** Receives changes until the signal aborts, and reconnects. Never rejects. */
export async function hearChanges(options: DocumentChangesOptions, signal: AbortSignal): Promise<void> {
  let told: AmqpReason | null = null;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const began = performance.now();
    const reason = await hearOnce(options, signal);
    options.onState(false);
    if (signal.aborted) return;
    if (performance.now() - began > RETRY_MS.most) attempt = 0;
    if (reason !== told) options.logger.warn({ reason }, "Kazoo's broker tells no changes: the tree is walked instead");
    told = reason;
    const ceiling = Math.min(RETRY_MS.first * 2 ** Math.min(attempt, 10), RETRY_MS.most);
    await delay(ceiling * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  }
}

/** Runs one connection; returns why it ended. */
async function hearOnce(options: DocumentChangesOptions, signal: AbortSignal): Promise<AmqpReason> {
  let connection: ChannelModel;
  try {
    connection = await connectBroker(options.broker);
  } catch (error) {
    return amqpReason(error, true);
  }
  const ended = Promise.withResolvers<unknown>();
  const stop = () => ended.resolve(null);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  connection.on('error', ended.resolve);
  connection.on('close', ended.resolve);
  const closing = new AbortController();
  const looking = look(connection, options, closing.signal, ended.resolve).catch(ended.resolve);
  try {
    return amqpReason(await ended.promise, false);
  } finally {
    closing.abort();
    signal.removeEventListener('abort', stop);
    await closeWithin(connection, CLOSE_MS);
    await Promise.race([looking, delay(CLOSE_MS)]);
  }
}

/** Consumes, and checks that the exchange still exists: without it the bindings are gone. */
async function look(
  connection: ChannelModel,
  { exchange, onChange, onState }: DocumentChangesOptions,
  signal: AbortSignal,
  end: (reason: unknown) => void,
): Promise<void> {
  const channel = await within(connection.createChannel());
  channel.on('error', end);
  channel.on('close', end);
  // The queue ends with the connection: a walk finds what was missed.
  const { queue } = await within(
    channel.assertQueue(`firehose-directory.${crypto.randomUUID()}`, { exclusive: true, autoDelete: true }),
  );
  for (const key of KEYS) await within(channel.bindQueue(queue, exchange, key));
  await within(
    channel.consume(
      queue,
      (message) => {
        if (signal.aborted) return;
        if (message === null) return end(null);
        const account = accountIn(message.content);
        if (account !== null) onChange(account);
      },
      { noAck: true },
    ),
  );
  onState(true);
  while (!signal.aborted) {
    await within(channel.checkExchange(exchange));
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** The id of the document, which is the account's; null for what is no change of an account. Pure. */
function accountIn(body: Buffer): string | null {
  if (body.length > MAX_BODY_BYTES) return null;
  try {
    return bodySchema.parse(JSON.parse(body.toString('utf8'))).ID;
  } catch {
    // Kazoo's bus is shared: an unknown message is for another program.
    return null;
  }
}

/** amqplib leaves calls open on a connection that is gone. */
async function within<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new NoAnswer()), STEP_MS);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

import { jetstream } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { durationMs } from '../../protocol/subscription.ts';
import type { Nats } from '../../protocol/subscription/nats.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import type { Channel, Ended, Order } from '../sender/channel.ts';
import { Cut, type CutSignal } from '../sender/cut.ts';
import { contentType, eventBody, headerId, testBody, traceHeader } from '../sender/event-body.ts';
import type { FollowedFiles } from '../sender/followed-files.ts';
import { Broker } from './broker.ts';
import { followCredentials, type NatsCredentials } from './credentials.ts';
import { failureOf } from './failure-code.ts';
import { inWords, judgePublish, type Published } from './judge-publish.ts';
import { subjectOf } from './subject.ts';

/** Event name of a test message, in its subject. */
const TEST_EVENT = 'TEST';

interface ChannelParts {
  readonly group: string;
  readonly account: string;
  readonly nats: Nats;
  /** Of CloudEvents. */
  readonly source: string;
  /** Holds the credentials, see protocol/nats-files.ts. */
  readonly folder: string;
  /** Null: every address is allowed. */
  readonly policy: AddressPolicy | null;
  readonly logger: Logger;
}

interface Message {
  readonly id: string;
  readonly subject: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Orders as messages of a stream of NATS JetStream, each acknowledged by the stream. */
export class NatsChannel implements Channel {
  readonly host: string;
  readonly concurrency: number;
  /** JetStream acknowledges each message. */
  readonly batch = { most: 1, waitMs: 0 } as const;
  readonly #nats: Nats;
  readonly #account: string;
  readonly #source: string;
  readonly #timeoutMs: number;
  readonly #credentials: FollowedFiles<NatsCredentials>;
  readonly #broker: Broker;

  constructor({ group, account, nats, source, folder, policy, logger }: ChannelParts) {
    this.host = nats.servers.map((server) => new URL(server).host).join(', ');
    this.concurrency = nats.concurrency;
    this.#nats = nats;
    this.#account = account;
    this.#source = source;
    this.#timeoutMs = durationMs(nats.timeout);
    this.#credentials = followCredentials(folder, { group, nats }, logger);
    this.#broker = new Broker({
      servers: nats.servers,
      name: `firehose ${group}`,
      policy,
      timeoutMs: this.#timeoutMs,
      credentials: () => this.#credentials.current,
    });
  }

  get isReady(): boolean {
    return this.#credentials.current !== null;
  }

  follow(signal: AbortSignal, onChange: () => void): Promise<void> {
    return this.#credentials.follow(signal, () => {
      // The open connection has the former credentials.
      this.#broker.close();
      onChange();
    });
  }

  async send(order: Order, signal: CutSignal): Promise<Ended> {
    const published = await this.#publish(this.#message(order), signal);
    const text = inWords(published);
    const isStored = published.kind === 'stored';
    return {
      verdict: judgePublish(published),
      error: text,
      status: null,
      code: isStored ? null : published.code,
      answer: isStored ? text : published.text,
    };
  }

  async test(id: string, at: number): Promise<string> {
    const subject = subjectOf(this.#nats.subject, { account: this.#account, event: TEST_EVENT, call: id });
    const body = Buffer.from(testBody(at));
    const message = { id, subject, body, headers: { 'Content-Type': 'application/json' } };
    return inWords(await this.#publish(message, new Cut()));
  }

  [Symbol.dispose](): void {
    this.#broker[Symbol.dispose]();
  }

  #message({ id, events, privacy, isReplay }: Order): Message {
    const { format, subject } = this.#nats;
    const [event] = events;
    if (event === undefined) throw new Error('unreachable: an order has an event');
    const { account, name, callId } = event.meta;
    return {
      id: headerId(id),
      subject: subjectOf(subject, { account, event: name, call: callId }),
      body: eventBody(event, { format, source: this.#source }, privacy),
      headers: {
        'Content-Type': contentType(format, false),
        ...(isReplay && { 'Firehose-Replay': '1' }),
        ...traceHeader(events),
      },
    };
  }

  /** Once in the stream, also when it is sent again within the stream's duplicate window. Never rejects. */
  #publish(message: Message, signal: CutSignal): Promise<Published> {
    return new Promise((resolve) => {
      const end = (published: Published) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cut);
        resolve(published);
      };
      const cut = () => end({ kind: 'failure', code: 'TIMEOUT', text: '' });
      // This also limits the wait for a connection.
      const timer = setTimeout(cut, this.#timeoutMs);
      signal.addEventListener('abort', cut);
      void this.#attempt(message).then(end);
    });
  }

  async #attempt({ id, subject, body, headers: named }: Message): Promise<Published> {
    const { stream } = this.#nats;
    let connection: NatsConnection | null = null;
    try {
      connection = await this.#broker.connection();
      const head = headers();
      for (const [name, value] of Object.entries(named)) head.set(name, value);
      const expect = stream === undefined ? {} : { streamName: stream };
      const options = { msgID: id, headers: head, expect, timeout: this.#timeoutMs };
      const { stream: storedIn, seq, duplicate } = await jetstream(connection).publish(subject, body, options);
      return { kind: 'stored', stream: storedIn, sequence: seq, isDuplicate: duplicate };
    } catch (error) {
      const failure = failureOf(error);
      // A half-open connection looks like this.
      if (failure.code === 'TIMEOUT') connection?.close().catch(() => undefined);
      return failure;
    }
  }
}

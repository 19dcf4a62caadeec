import { openRedisLog, type RedisLog } from '../../../event-log/redis-log.ts';
import type { SourceGap } from '../../../protocol/source-gap.ts';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { openBus, type Bus } from '../../amqp/bus.ts';
import type { BusObserver } from '../../amqp/bus-endpoint.ts';
import type { Broker } from '../../../runtime/amqp/connect.ts';
import type { ConsumerState } from '../../amqp/consumer.ts';
import type { QueueSpec } from '../../amqp/queue.ts';
import { QUEUE } from '../../amqp/testing/rabbit-bus.ts';
import { defaultMappingOptions } from '../../mapping-options.ts';
import { kazooWanted } from '../kazoo-bus.ts';
import { createKazooMapper } from '../kazoo-mapper.ts';

/** More than eight members: everything that a test may vary. */
export interface KazooGiven {
  readonly brokers: readonly Broker[];
  readonly redisUrl: string;
  readonly keyPrefix: string;
  readonly source: string;
  readonly replica: string;
  readonly exchange: string;
  readonly declareExchange?: boolean;
  readonly queue?: Partial<QueueSpec>;
  readonly prefetch?: number;
  readonly holdMs?: number;
  readonly additionalEvents?: readonly string[];
}

/** A replica of a Kazoo source, with its own connection to the log. */
export interface RunningKazoo extends AsyncDisposable {
  readonly bus: Bus;
  readonly eventLog: RedisLog;
  /** The last state by endpoint. */
  readonly states: Map<string, ConsumerState>;
  readonly gaps: SourceGap[];
  /** Reasons of dropped messages. */
  readonly dropped: string[];
  readonly appended: { accepted: number; duplicate: number; failed: number };
}

export async function runKazoo(given: KazooGiven, onAppended: () => void = () => undefined): Promise<RunningKazoo> {
  const { brokers, redisUrl, keyPrefix, source, replica, exchange, holdMs = 250 } = given;
  const eventLog = await openRedisLog({
    redis: redisUrl,
    keyPrefix,
    partitions: 4,
    resource: null,
    retention: null,
    logger: silentLogger,
  });
  const states = new Map<string, ConsumerState>();
  const [gaps, dropped] = [[] as SourceGap[], [] as string[]];
  const appended = { accepted: 0, duplicate: 0, failed: 0 };
  const observer: BusObserver = {
    connectEnded: () => undefined,
    eventRead: (_, outcome, reason) => void (outcome !== 'forwarded' && dropped.push(reason)),
    eventAppended(_, __, outcome) {
      appended[outcome] += 1;
      onAppended();
    },
    gapTold: (_, gap) => void gaps.push(gap),
    stateChanged: (endpoint, state) => void states.set(endpoint, state),
  };
  const bus = openBus({
    source,
    replica,
    brokers: brokers.map((broker, index) => ({ name: index === 0 ? 'broker' : `broker-${index + 1}`, broker })),
    wanted: kazooWanted({
      source,
      exchange,
      declareExchange: given.declareExchange ?? true,
      queue: { ...QUEUE, ...given.queue },
      additionalEvents: given.additionalEvents ?? [],
    }),
    prefetch: given.prefetch ?? 1_000,
    mapper: () => createKazooMapper({ ...defaultMappingOptions(), holdMs }),
    holdMs,
    eventLog,
    client: eventLog.client,
    keyPrefix,
    observer,
  });
  return {
    bus,
    eventLog,
    states,
    gaps,
    dropped,
    appended,
    async [Symbol.asyncDispose]() {
      await bus[Symbol.asyncDispose]();
      await eventLog[Symbol.asyncDispose]();
    },
  };
}

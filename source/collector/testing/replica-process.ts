import { text } from 'node:stream/consumers';
import { openRedisLog } from '../../../event-log/redis-log.ts';
import { aborted } from '../../../runtime/lifecycle/aborted.ts';
import { createLogger } from '../../../runtime/logging/logger.ts';
import { openCollector } from '../collector.ts';
import { mapperOf, type EndpointName } from './stage.ts';
import { wireSwitch } from './switch-wire.ts';

/** The options of a replica in a process of its own, as JSON on its standard input. */
export interface ReplicaTask {
  readonly replica: string;
  readonly redisUrl: string;
  readonly keyPrefix: string;
  readonly partitions: number;
  /** Each with the port of its switch. */
  readonly endpoints: readonly { readonly name: EndpointName; readonly port: number }[];
}

const task = JSON.parse(await text(process.stdin)) as ReplicaTask;
const logger = createLogger({ level: 'info', pretty: false });
const { redisUrl, keyPrefix, partitions } = task;
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await using log = await openRedisLog({
  redis: redisUrl,
  keyPrefix,
  partitions,
  resource: null,
  retention: { maxLength: 5_000_000, maxAgeMs: 3_600_000 },
  logger,
});
await using collector = openCollector({
  source: 'voice/pbx',
  replica: task.replica,
  client: log.client,
  keyPrefix,
  logger,
  eventLog: log,
  endpoints: task.endpoints.map(({ name, port }) => ({
    name,
    switch: wireSwitch(port),
    createMapper: () => mapperOf(name),
  })),
});
// Reported repeatedly: a report from before a pause is not valid after it.
const timer = setInterval(() => {
  const { endpoints } = collector.figures();
  const inStep = endpoints.length > 0 && endpoints.every((one) => one.isInStep);
  logger.info({ in_step: inStep }, inStep ? 'in step' : 'behind');
}, 100);
await Promise.race([collector.ended, aborted(stop.signal)]);
clearInterval(timer);

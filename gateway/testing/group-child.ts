/**
 * A replica with one connection in a process of its own, for tests that kill or stop it:
 *   node group-child.ts <url> <key prefix> <replica> <partitions> <ack|hold|nack> <options as JSON>
 * `nack` refuses each event for half a second. Prints a JSON line for each event (`id`, `attempt`) and each change
 * (`standby`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startReplica, type ReplicaOptions } from './group-replica.ts';

const [, , url = '', keyPrefix = '', replica = '', partitions = '4', acks = 'ack', more = '{}'] = process.argv;
const gateway = await startReplica({
  url,
  keyPrefix,
  replica,
  partitions: Number(partitions),
  ...(JSON.parse(more) as Partial<ReplicaOptions>),
});
const consumer = await gateway.connect({ acks: acks === 'ack' });
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
let events = 0;
let standbys = 0;
for (;;) {
  for (const { id, attempt } of consumer.received.slice(events)) {
    if (acks === 'nack') void consumer.membership.nack(id, 500);
    say({ id, attempt });
  }
  for (const standby of consumer.standbys.slice(standbys)) say({ standby });
  events = consumer.received.length;
  standbys = consumer.standbys.length;
  await delay(5);
}

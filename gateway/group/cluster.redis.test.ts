import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { streamKeys } from '../../protocol/keys.ts';
import { clusterConnection, startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import {
  ACCOUNT,
  events,
  faultsOf,
  pendingInRedis,
  RESOURCE,
  startReplica,
  type Received,
} from '../testing/group-replica.ts';
import { until } from '../../testing/until.ts';
import { listDeadLetters, redriveDeadLetter } from './dead-letters.ts';

let cluster: RedisCluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster[Symbol.asyncDispose]());

const replica = (keyPrefix: string) => startReplica({ url: clusterConnection(cluster.url), keyPrefix });
const calls = (count: number) => Array.from({ length: count }, (_, at) => `call-${at}`);

it('a group in a cluster: every partition is read, handed over, settled; dead letters come back', async () => {
  const keyPrefix = `${randomUUID()}:`;
  const received: Received[] = [];
  await using staying = await replica(keyPrefix);
  const leaving = await replica(keyPrefix);
  await leaving.connect({ received });
  const other = await staying.connect({ received });
  const sent = events(calls(40), 4);
  await staying.publish(sent.slice(0, 80));
  await leaving.groups.drain(AbortSignal.timeout(5_000));
  await leaving[Symbol.asyncDispose]();
  await staying.publish(sent.slice(80));
  await until('no event missing', () => !faultsOf(received, sent).some((fault) => fault.endsWith('missing')));
  await until('nothing pending in Redis', () => pendingInRedis(staying.place), { holds: (seen) => seen === 0 });
  assert.deepEqual(faultsOf(received, sent), []);
  other.acks = false;
  await staying.publish(events(['given-up'], 1));
  await until('the event that is given up received last', () => other.ids.at(-1), {
    holds: (seen) => seen === 'given-up/0',
  });
  assert.deepEqual(await other.membership.term('given-up/0'), { ok: true });
  const dead = { ...staying.place, resource: RESOURCE, group: 'default', declaredFor: ACCOUNT };
  const [letter] = await listDeadLetters(dead);
  assert.ok(await redriveDeadLetter(dead, letter?.id ?? ''));
  await until('the event that is given up received twice', () => other.ids.filter((id) => id === 'given-up/0').length, {
    holds: (seen) => seen === 2,
  });
});

it('a partition whose slot moves to another master goes on there: nothing lost, nothing inverted (I1, I2)', async () => {
  const keyPrefix = `${randomUUID()}:`;
  const received: Received[] = [];
  await using gateway = await replica(keyPrefix);
  await gateway.connect({ received });
  const sent = events(calls(20), 10);
  await gateway.publish(sent.slice(0, 100));
  const { events: stream } = streamKeys(keyPrefix, 0);
  const from = await cluster.masterOf(stream);
  const to = cluster.masters.find((master) => master !== from);
  assert.ok(to);
  await cluster.moveSlot(stream, to);
  await gateway.publish(sent.slice(100));
  await until('no event missing', () => !faultsOf(received, sent).some((fault) => fault.endsWith('missing')));
  await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
  assert.deepEqual(faultsOf(received, sent), []);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sourceGapId } from '../../protocol/source-gap.ts';
import { RABBIT_START, startRabbit, type RabbitServer } from '../../testing/rabbitmq-server.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import type { Wanted } from './bindings.ts';
import { Consumer } from './consumer.ts';
import type { Look } from './look.ts';
import { bindingKeys } from './queue.ts';
import { openCoverage } from './testing/coverage.ts';
import { openPublisher, ownPlace } from './testing/rabbit-bus.ts';

const LIMIT = { timeout: 240_000 };

let rabbit: RabbitServer;
let redis: RedisServer;
before(async () => {
  [rabbit, redis] = await Promise.all([startRabbit(), startRedis()]);
}, RABBIT_START);
after(async () => {
  await rabbit[Symbol.asyncDispose]();
  await redis.stop();
});

/**
 * Points at which a test can pause a replica that has found a loss: before it sets markers, and before or after Redis
 * has them in force.
 */
type Step = 'marking' | 'settling' | 'settled';

class Hold {
  readonly step: Step;
  #isReached = false;
  readonly #released = Promise.withResolvers<void>();

  constructor(step: Step) {
    this.step = step;
  }

  async reached(): Promise<void> {
    await until(`a replica that finds a loss is at '${this.step}'`, () => this.#isReached);
  }

  async pass(): Promise<void> {
    this.#isReached = true;
    await this.#released.promise;
  }

  release(): void {
    this.#released.resolve();
  }
}

interface Replica extends AsyncDisposable {
  readonly looks: Look[];
  /** Reasons of the gaps that it reported. */
  readonly gapIds: () => readonly string[];
  /** Pauses the replica at its next loss. */
  hold(step: Step): Hold;
}

function startReplica(wanted: Wanted): Replica {
  const stopping = new AbortController();
  const { coverage, gaps, ...opened } = openCoverage(redis.url, wanted);
  const looks: Look[] = [];
  let held: Hold | null = null;
  const pass = async (step: Step) => {
    const hold = held;
    if (hold?.step !== step) return;
    held = null;
    await hold.pass();
  };
  const consumer: Consumer = new Consumer({
    broker: { url: rabbit.url, policy: null },
    wanted,
    prefetch: 100,
    now: Date.now,
    onState: () => undefined,
    onWaiting: () => undefined,
    take: ({ number }) => consumer.acknowledgeBelow(number + 1),
    coverage: {
      markers: () => coverage.markers(),
      async announce(markers, base, signal) {
        await pass('marking');
        return await coverage.announce(markers, base, signal);
      },
      async settle(look, signal) {
        if (look.lost !== null) await pass('settling');
        const settlement = await coverage.settle(look, signal);
        if (look.lost !== null) await pass('settled');
        if (settlement?.isInForce === true) looks.push(look);
        return settlement;
      },
      forget: (markers) => coverage.forget(markers),
    },
  });
  const ended = consumer.run(stopping.signal);
  return {
    looks,
    gapIds: () => gaps.map(sourceGapId),
    hold: (step) => (held = new Hold(step)),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await ended;
      await opened[Symbol.asyncDispose]();
    },
  };
}

const gapsOf = (replicas: readonly Replica[]) => [...new Set(replicas.flatMap((replica) => replica.gapIds()))];

const looksAgain = async (what: string, replica: Replica) => {
  const count = replica.looks.length;
  await until(what, () => replica.looks.slice(count).some(({ lost }) => lost === null));
};

async function deleteQueue({ queue }: Wanted): Promise<void> {
  await using bus = await openPublisher(rabbit.url);
  await bus.channel.deleteQueue(queue.name);
}

/** Names of the markers at the broker. */
async function markersOf({ queue }: Wanted): Promise<readonly string[]> {
  const prefixes = [`${queue.name}.bound.`, `${queue.name}.alive.`];
  const listed = await Promise.all([rabbit.ctl('list_exchanges', 'name'), rabbit.ctl('list_queues', 'name')]);
  const names = listed.flatMap((text) => text.split('\n')).map((line) => line.trim());
  return names.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
}

/** An exchange with a binding to the queue; an exchange and a queue for the message that a restart removes. */
const ONE_SET = 3;

function wants(): Wanted {
  const { queue, exchange } = ownPlace();
  return { queue, exchange: { name: exchange, declare: true }, keys: bindingKeys(['CHANNEL_CREATE']) };
}

for (const step of ['settling', 'settled'] as const) {
  test(
    `S4: two replicas find one loss, and one is held ${step === 'settling' ? 'before' : 'after'} its record: one gap`,
    LIMIT,
    async () => {
      const wanted = wants();
      await using first = startReplica(wanted);
      await looksAgain('the first bindings stand', first);
      await using second = startReplica(wanted);
      await looksAgain('both know them', second);
      const holds = [first.hold(step), second.hold('settling')] as const;
      await deleteQueue(wanted);
      await Promise.all(holds.map((hold) => hold.reached()));
      holds[1].release();
      await looksAgain('the second one goes on', second);
      assert.equal(gapsOf([first, second]).length, 1);
      holds[0].release();
      await looksAgain('the first one goes on', first);
      assert.equal(gapsOf([first, second]).length, 1, 'it has told none of its own');
      await until('markers of one name are left', async () => (await markersOf(wanted)).length === ONE_SET);
    },
  );
}

test('S4: a replica that ends between its markers and their record leaves the loss to the next', LIMIT, async () => {
  const wanted = wants();
  await using second = startReplica(wanted);
  await looksAgain('the first bindings stand', second);
  const later = second.hold('marking');
  let hold: Hold;
  {
    await using first = startReplica(wanted);
    await looksAgain('both know them', first);
    hold = first.hold('settling');
    await deleteQueue(wanted);
    await Promise.all([hold.reached(), later.reached()]);
  }
  hold.release();
  later.release();
  await looksAgain('the other goes on', second);
  assert.equal(second.gapIds().length, 1);
  await until('what the first had set is removed', async () => (await markersOf(wanted)).length === ONE_SET);
});

test('S4: a second loss is told while a replica is held in the midst of the first', LIMIT, async () => {
  const wanted = wants();
  await using first = startReplica(wanted);
  await looksAgain('the first bindings stand', first);
  await using second = startReplica(wanted);
  await looksAgain('both know them', second);
  const hold = first.hold('marking');
  // A loss that the other has told already is none to the first.
  const later = second.hold('marking');
  await deleteQueue(wanted);
  await Promise.all([hold.reached(), later.reached()]);
  later.release();
  await looksAgain('the other has told the loss', second);
  assert.equal(second.gapIds().length, 1);
  await deleteQueue(wanted);
  await until('the other has told the second one', () => second.gapIds().length === 2);
  hold.release();
  await looksAgain('the first one goes on', first);
  assert.equal(gapsOf([first, second]).length, 2);
});

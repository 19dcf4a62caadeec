import { setTimeout as delay } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEAD_LETTERS_PATH } from '../../protocol/paths.ts';
import { Consumer } from './consumer.ts';
import { groupConnection, type Acknowledges, type GroupConnectionOptions, type GroupLink } from './group-consumer.ts';
import { GroupLedger, groupFaultsOf, type GivenUp, type GroupAccount } from '../oracle/group-ledger.ts';
import type { Product } from './product.ts';
import type { Replica } from './replica.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { openWorldOn, type World, type WorldOptions } from './world.ts';

/**
 * More attempts than dying consumers can use: each death counts as an attempt for every event that was written to them.
 */
const MAX_DELIVER = 100;
/** Longer than a run waits: an event that is delivered again only later counts as lost. */
const ACK_WAIT = '2m';
/** Longer than a lease: when nothing is finished for this long, the end is reached. */
const STANDSTILL_MS = 12_000;

interface MemberOptions extends Partial<Pick<GroupConnectionOptions, 'handlesMs' | 'pills' | 'refusesForMs'>> {
  readonly acknowledges: Acknowledges;
  /** Where it connects; default: any running replica. */
  readonly replicas?: readonly Replica[];
}

/** A world whose consumers are connections of one durable group, with one ledger. */
export interface GroupWorld extends AsyncDisposable {
  readonly world: World;
  readonly ledger: GroupLedger;
  readonly members: readonly Consumer[];
  join(options: MemberOptions): Promise<Consumer>;
  /** Connections that lead to a replica now. */
  linksTo(replica: Replica): readonly GroupLink[];
  /** Stops producing, waits until each event is handled or a dead letter, and returns the faults. */
  settle(): Promise<{ readonly account: GroupAccount; readonly faults: string[] }>;
}

export async function openGroupWorld(
  product: Product,
  options: WorldOptions & { readonly maxDeliver?: number; readonly redisUrl?: string } = {},
): Promise<GroupWorld> {
  const { spec = {}, maxDeliver = MAX_DELIVER, ...rest } = options;
  const consumerGroups = [{ name: 'default', ackWait: ACK_WAIT, maxDeliver }];
  await using stack = new AsyncDisposableStack();
  const redisUrl = options.redisUrl ?? stack.use(await startRedis()).url;
  const world = stack.use(await openWorldOn(redisUrl, product, { ...rest, spec: { consumerGroups, ...spec } }));
  const ledger = new GroupLedger();
  const members: Consumer[] = [];
  const links = new Set<GroupLink>();
  stack.defer(async () => void (await Promise.all(members.map((member) => member.stop()))));
  const owned = stack.move();
  return {
    world,
    ledger,
    members,
    async join({ replicas = world.replicas, acknowledges, ...habits }) {
      const name = `member ${members.length}, ${acknowledges}`;
      const member = new Consumer(
        {
          name,
          replicas,
          account: 'root',
          control: acknowledges !== 'by pong',
          query: { group: 'default' },
          onConnection: (connection) =>
            groupConnection(connection, {
              consumer: name,
              acknowledges,
              ledger,
              handlesMs: 10,
              refusesForMs: null,
              pills: 'given up',
              ...habits,
              onOpen: (link) => links.add(link),
              onEnded: (link) => links.delete(link),
            }),
        },
        members.length,
      );
      members.push(member);
      await member.start();
      return member;
    },
    linksTo: (replica) => [...links].filter(({ host }) => host === replica.host),
    async settle() {
      await world.producer.stop();
      const dead = await deadLettersAtStandstill(world, ledger);
      const account = ledger.account(world.producer.produced, dead, maxDeliver);
      return { account, faults: groupFaultsOf('group', account) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const idsOf = (letters: readonly GivenUp[]) => new Set(letters.map(({ eventId }) => eventId));

/** The dead letters once nothing is missing, or once nothing new was handled for `STANDSTILL_MS`. */
async function deadLettersAtStandstill(world: World, ledger: GroupLedger): Promise<GivenUp[]> {
  const { produced } = world.producer;
  let dead = await deadLetters(world);
  let [missing, since] = [ledger.missing(produced, idsOf(dead)), performance.now()];
  while (missing > 0 && performance.now() < since + STANDSTILL_MS) {
    await delay(500);
    dead = await deadLetters(world);
    const now = ledger.missing(produced, idsOf(dead));
    if (now < missing) since = performance.now();
    missing = now;
  }
  return dead;
}

/** All dead letters of the group, from the administration endpoint; none while no replica answers. */
async function deadLetters({ setup, replicas }: World): Promise<GivenUp[]> {
  const letters: GivenUp[] = [];
  try {
    const token = (await readFile(join(setup.stateFolder, 'admin-token'), 'utf8')).trim();
    for (let after: string | null = ''; after !== null;) {
      const inner = replicas.find((replica) => replica.isUp)?.inner ?? '';
      const query = new URLSearchParams({ limit: '1000', ...(after !== '' && { after }) });
      const answer = await fetch(`http://${inner}${DEAD_LETTERS_PATH}/default?${query.toString()}`, {
        headers: { Authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(10_000),
      });
      if (answer.status !== 200) return [];
      const page = (await answer.json()) as { dead_letters: GivenUp[]; next: string | null };
      letters.push(...page.dead_letters);
      after = page.next;
    }
  } catch {
    // Expected while a fault is active: no replica is up, or it ends during the request. The caller tries again.
    return [];
  }
  return letters;
}

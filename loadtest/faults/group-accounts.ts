import { setTimeout as delay } from 'node:timers/promises';
import { Consumer } from './consumer.ts';
import type { Product } from './product.ts';
import { openWorld, until, type World } from './world.ts';

const SETTLE_LIMIT_MS = 30_000;
const TURNS = 12;

/**
 * The consumer of one account in the group `default`: it connects and disconnects, and acknowledges each event by its
 * id.
 */
class AccountMember {
  readonly account: string;
  readonly #handled = new Set<string>();
  readonly #foreign = new Set<string>();
  readonly #world: World;
  #consumer: Consumer | null = null;

  constructor(world: World, account: string) {
    this.#world = world;
    this.account = account;
  }

  get isThere(): boolean {
    return this.#consumer !== null;
  }

  async come(): Promise<void> {
    const { replicas } = this.#world;
    const consumer: Consumer = new Consumer({
      name: `member of ${this.account}`,
      replicas,
      account: this.account,
      control: true,
      query: { group: 'default' },
      onConnection: (connection) => ({
        event: ({ call, n, id }) => {
          (consumer.isOwed(call, n) ? this.#handled : this.#foreign).add(`${call}:${n}`);
          connection.send({ ack: [id] });
        },
        frame: () => undefined,
        ended: () => undefined,
      }),
    });
    this.#consumer = consumer;
    await consumer.start();
  }

  async go(): Promise<void> {
    await this.#consumer?.stop();
    this.#consumer = null;
  }

  /** Events of its tree that it has not received, by call and number. */
  lost(): string[] {
    const consumer = this.#consumer;
    if (consumer === null) return [];
    return this.#world.producer.produced.flatMap((count, call) =>
      Array.from({ length: count }, (_, at) => at + 1)
        .filter((n) => consumer.isOwed(call, n) && !this.#handled.has(`${call}:${n}`))
        .map((n) => `${call}:${n}`),
    );
  }

  faults(): string[] {
    const [lost, told] = [this.lost().length, this.#consumer?.told.length ?? 0];
    return [
      ...(lost === 0 ? [] : [`${lost} events are lost to ${this.account}`]),
      ...(this.#foreign.size === 0 ? [] : [`${this.#foreign.size} events are foreign to ${this.account}`]),
      ...(told === 0 ? [] : [`${this.account} was told of ${told} losses`]),
    ];
  }
}

/**
 * I1, I13: accounts of one tree connect to and disconnect from the group of one name, while replicas are killed with
 * -9: whichever account is away, the others acknowledge none of its events.
 */
export async function groupAccounts(product: Product): Promise<string[]> {
  await using world = await openWorld(product, { rate: 300, calls: 80 });
  const accounts = ['root', 'north', 'south', 'north-1'].map((account) => new AccountMember(world, account));
  for (const account of accounts) await account.come();
  world.producer.start();
  for (let turn = 0; turn < TURNS; turn += 1) {
    await delay(300);
    const account = accounts[Math.floor(Math.random() * accounts.length)];
    if (account?.isThere === true) await account.go();
    else await account?.come();
    const replica = world.replicas[turn % world.replicas.length];
    if (turn % 6 !== 5) continue;
    await replica?.end('SIGKILL');
    await replica?.start();
  }
  for (const account of accounts) if (!account.isThere) await account.come();
  await world.producer.stop();
  await until(() => accounts.every((account) => account.lost().length === 0), SETTLE_LIMIT_MS);
  const faults = accounts.flatMap((account) => account.faults());
  for (const account of accounts) await account.go();
  return faults;
}

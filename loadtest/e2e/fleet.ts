import { setTimeout as delay } from 'node:timers/promises';
import { ACCOUNTS, type Producer } from '../faults/producer.ts';
import { PASSWORD } from '../faults/setup.ts';
import { Client, login, type Entrance } from './client.ts';
import { sumOf, type Faults } from '../oracle/oracle.ts';
import { spreadOf } from './spread.ts';

const AT_ONCE = 25;
const OPEN_LIMIT_MS = 120_000;
const SETTLE_LIMIT_MS = 60_000;

/** What happened to all clients since a moment. */
export interface Toll {
  readonly faults: Faults;
  /** Connections that ended. */
  readonly ends: number;
  readonly codes: Readonly<Record<string, number>>;
  /** Of the client that reconnected most often. */
  readonly mostEnds: number;
  readonly spread: { readonly middleMs: number; readonly busiestSecond: number };
  readonly failures: number;
  readonly told: number;
}

/** Many clients, equally many for each account, which get only the events of that account. */
export class Fleet implements Disposable {
  readonly clients: readonly Client[];

  private constructor(clients: readonly Client[]) {
    this.clients = clients;
  }

  /** Resolves when all of them are connected. */
  static async connect(entrance: Entrance, count: number): Promise<Fleet> {
    const clients: Client[] = [];
    const tokens = await Promise.all(
      ACCOUNTS.map((account) =>
        login(entrance, { username: 'admin', password: PASSWORD, domain: account, accounts: [account] }),
      ),
    );
    for (let at = 0; at < count; at += 1) {
      const which = at % ACCOUNTS.length;
      const client = new Client(entrance, tokens[which] ?? '', ACCOUNTS[which] ?? 'root');
      clients.push(client);
      client.connect();
      if (at % AT_ONCE === AT_ONCE - 1) await delay(50);
    }
    const fleet = new Fleet(clients);
    await fleet.allOpen();
    return fleet;
  }

  async allOpen(): Promise<void> {
    const deadline = Date.now() + OPEN_LIMIT_MS;
    while (!this.clients.every((client) => client.isOpen)) {
      if (Date.now() > deadline)
        throw new Error(`${this.clients.filter((one) => !one.isOpen).length} are not connected`);
      await delay(100);
    }
  }

  /** Waits, up to a limit, until each has its owed events; then reports what happened since the moment. */
  async settle(producer: Producer, since: number): Promise<Toll> {
    const deadline = Date.now() + SETTLE_LIMIT_MS;
    while (Date.now() < deadline && this.#faults(producer.produced).lost > 0) await delay(200);
    return this.#toll(producer.produced, since);
  }

  #faults(produced: readonly number[]): Faults {
    return sumOf(this.clients.map(({ oracle }) => oracle.faults(produced.entries())));
  }

  #toll(produced: readonly number[], since: number): Toll {
    const ends = this.clients.map((client) => client.ends.filter(({ at }) => at >= since));
    const all = ends.flat();
    const codes: Record<string, number> = {};
    for (const { code } of all) codes[code] = (codes[code] ?? 0) + 1;
    return {
      faults: this.#faults(produced),
      ends: all.length,
      codes,
      mostEnds: Math.max(0, ...ends.map(({ length }) => length)),
      spread: spreadOf(all.map(({ at }) => at)),
      failures: this.clients.reduce((sum, { failures }) => sum + failures.length, 0),
      told: this.clients.reduce((sum, { told }) => sum + told.length, 0),
    };
  }

  [Symbol.dispose](): void {
    for (const client of this.clients) client.stop();
  }
}

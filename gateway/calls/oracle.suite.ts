import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { LogUnavailable, type EventLog, type LogState, type StoredEntry } from '../../event-log/event-log.ts';
import { createLogWindow } from '../../event-log/log-window.ts';
import { BEFORE_EVERYTHING, type Position } from '../../protocol/position.ts';
import { createRandom, type Random } from '../../protocol/simulator/random.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { until } from '../../testing/until.ts';
import type { CallTable } from './call-table.ts';
import { createCallCounters } from './counters.ts';
import type { LogPoint } from './feed.ts';
import { Keeper } from './keeper.ts';
import { createPace } from './pace.ts';
import { CallsUnavailable, readSnapshot, type Snapshot, type Wanted } from './snapshot.ts';
import { byLeg, reduceAll, wholeLog } from './testing/plain-reduction.ts';
import { appendAll, newEventOf, simulatedEvents } from './testing/simulated-calls.ts';

export interface OracleLog extends AsyncDisposable {
  readonly eventLog: EventLog;
  readonly table: CallTable;
  /** What happens to the log while events come and snapshots are read. */
  readonly meddle?: () => Promise<void>;
}

interface Taken {
  readonly snapshot: Snapshot;
  readonly wanted: Wanted;
}

const ACCOUNTS = Array.from({ length: 12 }, (_, n) => `account_${n}`);

function someScope(random: Random): Wanted {
  if (random.chance(0.3)) return { accounts: null, includes: () => true };
  const accounts = ACCOUNTS.filter(() => random.chance(0.4));
  return { accounts: random.chance(0.5) ? accounts : null, includes: (account) => accounts.includes(account) };
}

/** A table whose writer dies at random: before a command, or after it, so that its reply is lost. */
function deadly(table: CallTable, random: Random, crashed: () => void): CallTable {
  const maybe = async <T>(command: () => Promise<T>): Promise<T> => {
    const fate = random.unit();
    if (fate < 0.03) crashed();
    const reply = fate < 0.015 ? undefined : await command();
    if (fate < 0.03) throw new LogUnavailable('CONNECTION_LOST');
    return reply as T;
  };
  return {
    ...table,
    at: (...of) => maybe(() => table.at(...of)),
    look: (...of) => maybe(() => table.look(...of)),
    write: (...of) => maybe(() => table.write(...of)),
    begin: (...of) => maybe(() => table.begin(...of)),
    drop: (...of) => maybe(() => table.drop(...of)),
  };
}

/** Keepers that all assume to own every partition; each is replaced when it dies. Two of three get what a reader reads. */
function race(log: OracleLog, keepers: number, random: Random) {
  const { eventLog } = log;
  const over = new AbortController();
  const counters = createCallCounters();
  let crashes = 0;
  const fed = new Map<number, Set<Keeper>>();
  const keep = async (partition: number, isFed: boolean) => {
    while (!over.signal.aborted) {
      const life = new AbortController();
      const die = () => {
        crashes += 1;
        life.abort();
      };
      const keeper = new Keeper(
        {
          table: deadly(log.table, random, die),
          eventLog,
          window: createLogWindow(eventLog, performance.now.bind(performance)),
          counters,
          feedBytes: 256 * 1024,
          rules: { silentMs: 3_600_000, graceMs: 60_000, lateEnd: 'Amend' },
          owns: () => true,
          turn: createPace(),
          logger: silentLogger,
          now: Date.now,
        },
        partition,
      );
      const those = isFed ? (fed.get(partition) ?? new Set()) : new Set<Keeper>();
      if (isFed) fed.set(partition, those.add(keeper));
      await keeper.run(AbortSignal.any([life.signal, over.signal]));
      those.delete(keeper);
    }
  };
  const { partitions } = eventLog;
  const running = Array.from({ length: keepers * partitions }, (_, n) => keep(n % partitions, n >= partitions));
  running.push(
    readAhead(eventLog, over.signal, (partition, entries, before) => {
      for (const keeper of fed.get(partition) ?? []) keeper.offer(entries, before);
    }),
  );
  return {
    counters,
    crashes: () => crashes,
    stop: async () => {
      over.abort();
      await Promise.all(running);
    },
  };
}

type Offer = (partition: number, entries: readonly StoredEntry[], before: LogPoint) => void;

/** Reads the log as the fan-out does, and offers what it reads. */
async function readAhead(eventLog: EventLog, signal: AbortSignal, offer: Offer): Promise<void> {
  await using reader = eventLog.reader();
  let position: Position | null = null;
  while (!signal.aborted) {
    try {
      position ??= positionOf(await eventLog.state());
      const outcome = await reader.read(position, { waitMs: 500, signal });
      if (outcome.kind === 'epoch_lost') position = positionOf(outcome.state);
      else {
        const { epoch, ids: before }: Position = position;
        const ids: string[] = [...before];
        for (const [partition, entries] of Map.groupBy(outcome.entries, (entry) => entry.partition)) {
          offer(partition, entries, { epoch, id: ids[partition] ?? BEFORE_EVERYTHING });
          ids[partition] = entries.at(-1)?.id ?? '';
        }
        position = { epoch, ids };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof LogUnavailable)) throw error;
      await delay(50);
    }
  }
}

const positionOf = ({ epoch, newest }: LogState): Position => ({ epoch, ids: newest });

const MOST_WAVES = 5;

/** LC1 over any log: takes snapshots while events arrive and keepers die, and checks each. */
export function oracleSuite(name: string, open: () => Promise<OracleLog>, joins: number): void {
  it(`LC1: ${name}: every snapshot is what a plain reduction of the log says at its cursor`, async () => {
    await using log = await open();
    const { eventLog, table } = log;
    const random = createRandom('oracle');
    const racing = race(log, 3, random);
    const isRaced = () => racing.crashes() > 20 && racing.counters.refusedWrites > 20;
    const source = { table, eventLog, now: Date.now };
    const taken: Taken[] = [];
    const over = new AbortController();
    const join = async () => {
      while (!over.signal.aborted || taken.length < joins) {
        const wanted = someScope(random);
        const snapshot = await readSnapshot(source, wanted, null).catch(unlessUnavailable);
        if (snapshot !== null) taken.push({ snapshot, wanted });
        // As many as wanted, spread over the whole time.
        await delay(Math.max(1, 15_000 / joins));
      }
    };
    const joining = [join(), join(), join()];
    let meddling: Promise<void> | null = null;
    // How often keepers meet depends on the machine: adds calls until they have met often enough.
    for (let wave = 0; wave === 0 || (wave < MOST_WAVES && !isRaced()); wave += 1) {
      const seed = `calls ${wave}`;
      const events = simulatedEvents({ seconds: 600, callsPerSecond: 1, accounts: ACCOUNTS, seed });
      for (let at = 0; at < events.length; at += 20) {
        await appendAll(eventLog, events.slice(at, at + 20).map(newEventOf));
        await delay(10);
        if (at > events.length / 3) meddling ??= log.meddle?.() ?? Promise.resolve();
      }
      await meddling;
    }
    await until('the table at the end of the log', async () => {
      const { newest } = await eventLog.state();
      const ats = await Promise.all(newest.map((_, partition) => table.at(partition)));
      return newest.every((id, partition) => ats[partition]?.id === id && ats[partition].phase === 'live');
    });
    over.abort();
    await Promise.all(joining);
    await racing.stop();
    const whole = await wholeLog(eventLog);
    let legs = 0;
    for (const [at, expected] of reduceAll(
      whole,
      taken.map(({ snapshot, wanted }) => ({ position: snapshot.position, includes: wanted.includes })),
    ).entries()) {
      const records = taken[at]?.snapshot.records ?? [];
      legs += records.length;
      assert.deepEqual(byLeg(records), byLeg(expected));
      assert.equal(byLeg(records).size, records.length);
    }
    assert.ok(taken.length >= joins && legs > taken.length, `${taken.length} snapshots of ${legs} legs`);
    assert.ok(isRaced(), `${racing.crashes()} crashes, ${racing.counters.refusedWrites} refused writes`);
    // LC6: every call has ended.
    for (let partition = 0; partition < eventLog.partitions; partition += 1) {
      assert.deepEqual(await table.accounts(partition), []);
    }
  });
}

function unlessUnavailable(error: unknown): null {
  if (error instanceof CallsUnavailable) return null;
  throw error;
}

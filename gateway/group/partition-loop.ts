import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { Exchange } from './exchange.ts';
import type { GroupContext } from './group-context.ts';
import { acquireLease, releaseLease, type Lease } from './lease.ts';
import { PartitionWork } from './partition-work.ts';
import type { GroupPlace } from './place.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;

/**
 * Serves one partition of a group while it has the lease, and tries to get the lease until stopped. One command runs at
 * a time: later changes go with the next one. It never blocks in Redis.
 */
export class PartitionLoop {
  readonly work: PartitionWork;
  readonly #context: GroupContext;
  readonly #place: GroupPlace;
  #exchange: Exchange | null = null;
  #lastToken = 0;
  /** Acknowledged before the last lease was lost, and not sent to Redis. */
  #owed: readonly string[] = [];
  #failures = 0;
  /** Null until it is stopped: then it waits until this time for events that members have. */
  #stopBy: number | null = null;

  constructor(context: GroupContext, place: GroupPlace) {
    this.#context = context;
    this.#place = place;
    this.work = new PartitionWork(context, place.name);
  }

  get isOwner(): boolean {
    return this.#exchange !== null;
  }

  /** Settles once stopped, with the lease released. Never rejects. `onTried`: the lease was tried once. */
  async run(onTried: () => void): Promise<void> {
    while (this.#stopBy === null) {
      const lease = await this.#acquire();
      if (lease !== null) await this.#serve(lease, onTried);
      else {
        onTried();
        if (this.#stopBy === null) await this.work.waiting.until(performance.now() + this.#context.timings.acquireMs);
      }
    }
  }

  /** An entry has arrived. */
  wake(): void {
    this.#exchange?.wake();
    this.work.waiting.kick();
  }

  /** A change that may let it continue: credit, a socket, a connection. */
  kick(): void {
    this.work.waiting.kick();
  }

  /**
   * Reads and writes nothing more; ends once no member has an event, or at `by` (monotonic). The earliest call counts.
   */
  stop(by: number): void {
    this.#stopBy = Math.min(this.#stopBy ?? Number.POSITIVE_INFINITY, by);
    this.work.waiting.kick();
  }

  async #acquire(): Promise<Lease | null> {
    try {
      const lease = await acquireLease(this.#place, {
        replica: this.#context.replica,
        ttlMs: this.#context.timings.leaseMs,
      });
      this.#failures = 0;
      return lease;
    } catch (error) {
      await this.#rest(error);
      return null;
    }
  }

  async #serve(lease: Lease, onTried: () => void): Promise<void> {
    const { partition } = this.#place;
    // There was no other owner in between: the earlier acknowledgements are sent now.
    if (lease.token === this.#lastToken + 1) for (const id of this.#owed) this.work.outbox.drop(id);
    this.#lastToken = lease.token;
    const exchange = new Exchange(this.work, this.#place, lease);
    this.#exchange = exchange;
    this.#context.counters.leasesTaken += 1;
    this.#context.owns(partition, true);
    onTried();
    let isHeld = true;
    while (isHeld && !this.#isThrough(performance.now())) isHeld = await this.#step(exchange, lease);
    this.#exchange = null;
    this.#owed = this.work.letGo();
    if (isHeld) await this.#release(lease);
    else {
      this.#context.counters.leasesLost += 1;
      this.#context.logger.warn(
        { partition },
        'a lease of a consumer group was lost: its next owner delivers the events again',
      );
    }
    this.#context.owns(partition, false);
  }

  /** Whether it was stopped and has nothing left to wait for. */
  #isThrough(now: number): boolean {
    if (this.#stopBy === null) return false;
    const { ledger, outbox } = this.work;
    const isWithMembers = ledger.written > 0 && this.#context.view !== null;
    const isFinished = !isWithMembers && outbox.isEmpty && outbox.givenUp.length === 0;
    return isFinished || now >= this.#stopBy;
  }

  /** Writes what may be written, then sends and reads what is due; else waits. False when the lease is gone. */
  async #step(exchange: Exchange, lease: Lease): Promise<boolean> {
    const now = performance.now();
    // Decisions by a grant that may no longer be in force are not sent to Redis (I13).
    if (!this.#context.isGranted(now)) this.stop(0);
    const goesOn = this.#stopBy === null;
    if (!goesOn && this.#isThrough(now)) return true;
    this.work.judgeOverdue(now);
    // The fence: writes to a member only while no other replica can have the partition.
    if (goesOn && now < lease.validUntil) this.work.deliver(now);
    try {
      const step = exchange.step(now, goesOn);
      if (step !== null) {
        const isHeld = await step;
        this.#failures = 0;
        return isHeld;
      }
    } catch (error) {
      return this.#goOnAfter(error, lease);
    }
    const until = Math.min(exchange.nextTime(now, goesOn), this.work.ledger.nextDue, this.#stopBy ?? Infinity);
    await this.work.waiting.until(until);
    return true;
  }

  async #goOnAfter(error: unknown, lease: Lease): Promise<boolean> {
    if (redisErrorCode(error) === 'NOGROUP') {
      this.#context.groupLost();
      this.stop(0);
      return true;
    }
    await this.#rest(error);
    return performance.now() < lease.validUntil;
  }

  /** One line for each outage: the lines of the client have the details. */
  async #rest(error: unknown): Promise<void> {
    const code = redisErrorCode(error);
    if (this.#failures === 0)
      this.#context.logger.warn({ partition: this.#place.partition, code }, 'a consumer group waits for Redis');
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    const until = performance.now() + ceiling * (0.5 + Math.random() / 2);
    while (performance.now() < until && this.#stopBy === null) await this.work.waiting.until(until);
  }

  async #release(lease: Lease): Promise<void> {
    try {
      await releaseLease(this.#place, lease);
    } catch (error) {
      // The lease expires by itself.
      this.#context.logger.debug({ code: redisErrorCode(error) }, 'a lease could not be released');
    }
  }
}

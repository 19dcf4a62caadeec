import type { ListedLeg, SwitchEvent } from '../mapper.ts';
import { SwitchFault, type Switch, type SwitchConnection, type SwitchListener, type SwitchReason } from '../switch.ts';

export interface FakeSwitchOptions {
  readonly now: () => number;
  /** The legs after everything that was sent in this life. */
  readonly listing: (said: readonly SwitchEvent[]) => readonly ListedLeg[];
}

/** A switch without a network: every connected replica receives what it sends, in one order. */
export class FakeSwitch {
  /** Called with each requested listing, before it is returned. */
  onListing: (() => void | Promise<void>) | null = null;
  /** Number of connections that were opened. */
  opened = 0;
  readonly #options: FakeSwitchOptions;
  readonly #connections = new Map<string, FakeConnection>();
  readonly #refused = new Map<string, SwitchReason>();
  #said: SwitchEvent[] = [];
  #life = 1;

  constructor(options: FakeSwitchOptions) {
    this.#options = options;
  }

  /** The connected replicas. */
  get connected(): readonly string[] {
    return [...this.#connections.keys()];
  }

  get life(): string {
    return `life-${this.#life}`;
  }

  /** The switch as one replica sees it. */
  of(replica: string): Switch {
    return { open: (listener) => this.#open(replica, listener) };
  }

  /** Sends the next events; replicas without a connection miss them. */
  say(events: readonly SwitchEvent[]): void {
    for (const event of events) {
      this.#said.push(event);
      for (const connection of this.#connections.values()) connection.say(event);
    }
  }

  /** Ends the connection of a replica, or of all when none is named. With a reason, the replica cannot reconnect. */
  cut(replica?: string, reason?: SwitchReason): void {
    if (reason !== undefined) this.#refused.set(replica ?? EVERYONE, reason);
    for (const one of replica === undefined ? this.connected : [replica])
      this.#connections.get(one)?.lose('Unreachable');
  }

  /** Accepts connections again, from all when none is named. */
  heal(replica?: string): void {
    if (replica === undefined) this.#refused.clear();
    else this.#refused.delete(replica);
  }

  /** Ends all connections and begins a new life. */
  restart(): void {
    this.#life += 1;
    this.#said = [];
    this.cut();
  }

  /** The connection remains open and silent. */
  mute(replica: string): void {
    const connection = this.#connections.get(replica);
    if (connection !== undefined) connection.isMute = true;
  }

  async listing(): Promise<readonly ListedLeg[]> {
    await this.onListing?.();
    return this.#options.listing(this.#said);
  }

  async #open(replica: string, listener: SwitchListener): Promise<SwitchConnection> {
    const reason = this.#refused.get(replica) ?? this.#refused.get(EVERYONE);
    if (reason !== undefined) throw new SwitchFault(reason, 'refused by the test');
    this.opened += 1;
    const connection = new FakeConnection(this, listener, {
      now: this.#options.now,
      onEnd: () => {
        if (this.#connections.get(replica) === connection) this.#connections.delete(replica);
      },
    });
    this.#connections.set(replica, connection);
    return connection;
  }
}

const EVERYONE = '*';

class FakeConnection implements SwitchConnection {
  readonly instance: string;
  readonly version = '1.11';
  readonly degraded = null;
  readonly since: number;
  readonly lost: Promise<SwitchReason>;
  isMute = false;
  readonly #switch: FakeSwitch;
  readonly #listener: SwitchListener;
  readonly #options: { readonly now: () => number; readonly onEnd: () => void };
  readonly #lose: (reason: SwitchReason) => void;
  #heardAt: number;

  constructor(of: FakeSwitch, listener: SwitchListener, options: { now: () => number; onEnd: () => void }) {
    this.#switch = of;
    this.#listener = listener;
    this.#options = options;
    this.instance = of.life;
    this.since = options.now();
    this.#heardAt = this.since;
    const { promise, resolve } = Promise.withResolvers<SwitchReason>();
    this.lost = promise;
    this.#lose = resolve;
  }

  get heardAt(): number {
    if (!this.isMute) this.#heardAt = this.#options.now();
    return this.#heardAt;
  }

  say(event: SwitchEvent): void {
    if (!this.isMute) this.#listener.event(event);
  }

  lose(reason: SwitchReason): void {
    this.#heardAt = this.heardAt;
    this.isMute = true;
    this.#options.onEnd();
    this.#lose(reason);
  }

  listing(): Promise<readonly ListedLeg[]> {
    return this.#switch.listing();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.lose('Disconnected');
    return Promise.resolve();
  }
}

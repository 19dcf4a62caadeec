import exec from 'k6/execution';
import type { Settings } from '../settings/settings.ts';
import { Ledger } from '../traffic/ledger.ts';
import { Consumer, type ConsumerOptions } from './consumer.ts';
import { logIn, pause } from './login.ts';
import { filtersOf, scopeOf, shareOf, type Share } from './mix.ts';
import { MARGIN_MS, type TestRun } from './test-run.ts';

/** Virtual users for the connections; the count is rounded up, so that all have the same number. */
const virtualUsers = (settings: Settings) => Math.max(1, Math.ceil(settings.CONNECTIONS / settings.CONNECTIONS_PER_VU));

/** The consumers as a scenario; `publishMs` is how long events are published. */
export function audienceScenario(settings: Settings, publishMs: number) {
  return {
    consumers: {
      executor: 'per-vu-iterations' as const,
      exec: 'consume',
      vus: virtualUsers(settings),
      iterations: 1,
      maxDuration: `${Math.ceil((publishMs + settings.DRAIN + MARGIN_MS) / 1_000)}s`,
    },
  };
}

export interface Attendance extends Pick<ConsumerOptions, 'timeEvery' | 'handshakeTags' | 'onEvent'> {
  /** Further options of each consumer; the function gets the consumer. */
  readonly optionsOf?: (consumer: () => Consumer) => Partial<ConsumerOptions>;
  /** All consumers want everything. */
  readonly share?: Share;
  readonly publishMs: number;
  /** Called with each consumer when it begins. */
  readonly onConsumer?: (consumer: Consumer) => void;
}

/** Opens this virtual user's share of the connections over the ramp, and ends when each has all its owed events. */
export async function attend(settings: Settings, run: TestRun, attendance: Attendance): Promise<void> {
  const { publishMs, onConsumer, optionsOf, share: every, ...options } = attendance;
  const connections = Math.ceil(settings.CONNECTIONS / virtualUsers(settings));
  const tokens = new Tokens(settings, run);
  const attendOne = async (index: number) => {
    const share = every ?? shareOf(exec.vu.idInTest * connections + index);
    await pause(Math.random() * settings.RAMP);
    const consumer: Consumer = new Consumer({
      ...options,
      ...optionsOf?.(() => consumer),
      url: settings.FIREHOSE_URL,
      run: run.name,
      ledger: new Ledger(scopeOf(share, { calls: settings.CALLS, accounts: settings.ACCOUNTS })),
      token: (isSpent) => tokens.of(share, isSpent),
      deadline: run.startedAt + publishMs + settings.DRAIN,
    });
    onConsumer?.(consumer);
    await consumer.run();
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => attendOne(index)));
}

/** The tokens of one virtual user, renewed when they have expired: once for all connections that share one. */
class Tokens {
  readonly #settings: Settings;
  readonly #current: Map<Share, Promise<string>>;
  readonly #renewedAt = new Map<Share, number>();

  constructor(settings: Settings, run: TestRun) {
    this.#settings = settings;
    this.#current = new Map(
      Object.entries(run.tokens).map(([share, token]) => [share as Share, Promise.resolve(token)]),
    );
  }

  of(share: Share, isSpent: boolean): Promise<string> {
    const known = this.#current.get(share);
    const isFresh = Date.now() - (this.#renewedAt.get(share) ?? 0) < FRESH_MS;
    if (known !== undefined && (!isSpent || isFresh)) return known;
    const token = logIn(this.#settings, filtersOf(share, this.#settings.ACCOUNTS));
    this.#current.set(share, token);
    this.#renewedAt.set(share, Date.now());
    return token;
  }
}

/** All connections of a token lose it at the same moment: the first renews it for the others. */
const FRESH_MS = 10_000;

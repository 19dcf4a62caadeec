import { readFile } from 'node:fs/promises';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { sourceAclRules } from '../../../runtime/redis/acl.ts';
import { becomesReady, commandClient, type RedisClient } from '../../../runtime/redis/client.ts';
import type { RedisAddress, RedisConnection } from '../../../runtime/redis/connection.ts';
import { makeCertificates } from '../../../testing/certificates.ts';
import { connectionWith } from '../../../testing/redis-connection.ts';
import { startRedis, type RedisServer } from '../../../testing/redis-server.ts';
import type { ListedLeg, Mapper, SwitchEvent } from '../../mapper.ts';
import { FakeSwitch } from '../../testing/fake-switch.ts';
import { manyCalls, type ManyCalls } from '../../testing/many-calls.ts';
import { mapAll, recording, type Recording } from '../../testing/recordings.ts';
import { freeswitchListing, asteriskListing } from '../../testing/listings.ts';
import type { EndpointSpec } from '../hearing.ts';
import { startReplica, stored, type Replica, type ReplicaOptions, type Stored } from './replicas.ts';

const USER = 'firehose-source';
const PASSWORD = 'canary-of-the-collector';
const HOST = 'redis.internal';
/** Cleans up after every prefix of a test. */
const PREFIXES = 'stage-*:';

/** A fifth of the default duration of a lease, so that takeovers do not make tests slow. */
const FAST = { leaseMs: 1_000, turnMs: 250 };

const RECORDINGS = {
  fs1: ['answered_caller_hangs_up', 'other_tenant', 'hold_unhold', 'rejected_busy'].map(
    (name) => `freeswitch-1.11/esl/${name}`,
  ),
  pbx1: ['answered_caller_hangs_up', 'other_tenant', 'hold_unhold', 'no_answer'].map(
    (name) => `asterisk-22/ami/${name}`,
  ),
} as const;

export type EndpointName = keyof typeof RECORDINGS;
export const ENDPOINTS = ['fs1', 'pbx1'] as const satisfies readonly EndpointName[];

/** A Redis with TLS, in which a source has only the rights of its own user. */
export interface Stage extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly address: RedisConnection;
  /** A client with all rights. */
  readonly reader: RedisClient;
  /** A source with streams of its own. */
  source(): Scene;
}

/** A Redis of any kind, and a reader with all rights there. */
export interface Place {
  readonly address: RedisAddress;
  readonly reader: RedisClient;
}

/** One source of a test with two switches, one of each kind, and calls of two tenants. */
export class Scene implements AsyncDisposable {
  readonly keyPrefix: string;
  readonly switches: Readonly<Record<EndpointName, FakeSwitch>>;
  readonly #stage: Place;
  readonly #replicas: Replica[] = [];

  constructor(stage: Place, keyPrefix: string) {
    this.#stage = stage;
    this.keyPrefix = keyPrefix;
    this.switches = { fs1: switchOf('fs1'), pbx1: switchOf('pbx1') };
  }

  async replica(name: string, options: Partial<ReplicaOptions> = {}): Promise<Replica> {
    const replica = await startReplica(name, {
      redis: this.#stage.address,
      keyPrefix: this.keyPrefix,
      endpoints: ENDPOINTS.map((endpoint) => this.endpoint(name, endpoint)),
      limits: FAST,
      ...options,
    });
    this.#replicas.push(replica);
    return replica;
  }

  endpoint(replica: string, name: EndpointName): EndpointSpec {
    return {
      name,
      switch: this.switches[name].of(replica),
      createMapper: () => mapperOf(name),
    };
  }

  /** Like a killed process: it sends nothing more to Redis, and receives nothing. */
  kill(replica: Replica): void {
    for (const name of ENDPOINTS) this.switches[name].cut(replica.name, 'Unreachable');
    replica.log.client.disconnect();
  }

  entries(): Promise<readonly Stored[]> {
    return stored(this.#stage.reader, this.keyPrefix);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica[Symbol.asyncDispose]()));
  }
}

/** Whole calls of one switch, interleaved. `life` as in `manyCalls`. */
export function callsOf(name: EndpointName, given: ManyCalls): readonly SwitchEvent[] {
  return manyCalls(recordingsOf(name), given);
}

/** The mapped events of a replica that receives all of it. */
export function mappedBy(name: EndpointName, events: readonly SwitchEvent[]) {
  return mapAll(
    mapperOf(name),
    events.map((event) => ({ event, received: 0 })),
  );
}

export async function openStage(): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const certificates = stack.use(await makeCertificates(HOST));
  const redis = stack.use(
    await startRedis({
      tls: certificates,
      users: [`${USER} ${sourceAclRules(PREFIXES)} >${PASSWORD}`],
      args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    }),
  );
  const ca = await readFile(certificates.caFile, 'utf8');
  const url = `rediss://${USER}:${PASSWORD}@127.0.0.1:${redis.tlsPort}`;
  const address = connectionWith(url, { tls: { serverName: HOST } }, { ca, cert: '', key: '' });
  const reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  stack.defer(() => reader.disconnect());
  await becomesReady(reader, 30_000);
  let sources = 0;
  const owned = stack.move();
  return {
    redis,
    address,
    reader,
    source: () => new Scene({ address, reader }, `stage-${(sources += 1)}:`),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function recordingsOf(name: EndpointName): readonly Recording[] {
  return RECORDINGS[name].map((one) => recording(one));
}

/** A mapper without legs for a switch of that kind. */
export function mapperOf(name: EndpointName): Mapper {
  return recordingsOf(name)[0]?.mapper() ?? never();
}

/** The switch's listing after it has sent these events. */
export function listingOf(name: EndpointName, said: readonly SwitchEvent[]): readonly ListedLeg[] {
  const events = said.map((event) => ({ event, received: 0 }));
  return name === 'fs1' ? freeswitchListing(events) : asteriskListing('AMI', events);
}

function switchOf(name: EndpointName): FakeSwitch {
  return new FakeSwitch({ now: Date.now, listing: (said) => listingOf(name, said) });
}

function never(): never {
  throw new Error('a switch of the stage has recordings');
}

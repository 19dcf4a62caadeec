import { callKeys } from '../../protocol/keys.ts';
import { takeCalls, type Taken } from './call-client.ts';
import { endedTwice, readPartition } from './call-log.ts';
import { CallTraffic } from './call-traffic.ts';
import type { CallVoice } from './call-voice.ts';
import { judgeSnapshots, legEvent } from './call-verdict.ts';
import { openCallWorld, type CallWorld } from './call-world.ts';
import type { Product } from './product.ts';
import type { Replica } from './replica.ts';
import { until } from './world.ts';

/** Each answer of Redis arrives with this delay: the table moves between any two reads of a snapshot. */
const SLOW_MS = 25;
const SNAPSHOTS = 20;
const LIMIT_MS = 180_000;
const LEGS = 20;

/**
 * LC1: snapshots over a slow network, of a table that moves while they are read, and of accounts that begin in the
 * meantime.
 */
export async function callsSlowLink(product: Product): Promise<string[]> {
  // So many accounts that a snapshot takes several reads, and that some have their first call while it is read.
  await using world = await openCallWorld(product, { partitions: 2, accounts: 1_000 });
  const { voice, accounts, token } = world;
  const [slow] = world.replicas;
  if (slow === undefined) return ['there is no replica'];
  world.links[0]?.delayReplies(SLOW_MS);
  const traffic = new CallTraffic({ voice, accounts, eventsPerSecond: 300 });
  traffic.start();
  const taken: Taken[] = [];
  // A replica that does not know an account yet correctly shows none of its calls.
  const isBusy = async () => (await takeCalls(slow, token))?.calls.length ?? 0;
  if (!(await until(async () => (await isBusy()) > 100, LIMIT_MS))) return ['no snapshot shows many calls'];
  await until(async () => {
    const one = await takeCalls(slow, token);
    if (one !== null) taken.push(one);
    return taken.length >= SNAPSHOTS;
  }, LIMIT_MS);
  await traffic.stop();
  const faults = await judgeSnapshots(world, slow, taken);
  return taken.length < SNAPSHOTS ? [...faults, `only ${taken.length} snapshots`] : faults;
}

/** The write of a table: it names the list of accounts after the place. */
const WRITE = /:calls:at\r\n\$\d+\r\n[^\r]*:calls\r\n/;

/**
 * LC1: a keeper is paused between its read and its write, and the network holds the write until another keeper has
 * moved the table: the calls of the late write have ended by then.
 */
export async function callsLateWrite(product: Product): Promise<string[]> {
  await using world = await openCallWorld(product, { partitions: 1, accounts: LEGS });
  const { replicas, token } = world;
  // Each replica knows the accounts, and the table has an entry of the log: writes by fed entries name it.
  await sayOfAll(world.voice, world, 'first', 'CHANNEL_CREATE');
  const isKept = async () => (await Promise.all(replicas.map((one) => showsOf(world, one, 'first')))).every(Boolean);
  if (!(await until(isKept, LIMIT_MS))) return ['a replica does not show the first calls'];
  const stuck = await holdWrite(world, (voice) => sayOfAll(voice, world, 'early', 'CHANNEL_CREATE'));
  if (stuck === null) return ['no keeper wrote the table'];
  await sayOfAll(stuck.voice, world, 'early', 'CHANNEL_DESTROY');
  await sayOfAll(stuck.voice, world, 'late', 'CHANNEL_CREATE');
  const hasLate = () => showsOf(world, stuck.other, 'late');
  if (!(await until(hasLate, LIMIT_MS))) return ['no other keeper went on'];
  stuck.release();
  const taken: Taken[] = [];
  await sayOfAll(stuck.voice, world, 'late', 'CHANNEL_ANSWER');
  // At once, and until the keeper is back: a replica that rebuilds the table repairs the damage of the late write.
  const isBack = async () => {
    for (const replica of [stuck.other, stuck.keeper]) {
      const one = await takeCalls(replica, token);
      if (one !== null) taken.push(one);
      else if (replica === stuck.keeper) return false;
    }
    return taken.length >= SNAPSHOTS;
  };
  const faults = (await until(isBack, LIMIT_MS)) ? [] : ['a replica shows no calls after a pause'];
  return [...faults, ...(await judgeSnapshots(world, stuck.other, taken))];
}

/** LC3: a list of the switch arrives while the table lacks ends that the switch itself has sent. */
export async function callsLateList(product: Product): Promise<string[]> {
  await using world = await openCallWorld(product, { partitions: 1, accounts: LEGS });
  const [first] = world.replicas;
  if (first === undefined) return ['there is no replica'];
  await sayOfAll(world.voice, world, 'early', 'CHANNEL_CREATE');
  if (!(await until(() => showsOf(world, first, 'early'), LIMIT_MS))) return ['no snapshot shows the calls'];
  const stuck = await holdWrite(world, (voice) => sayOfAll(voice, world, 'early', 'CHANNEL_DESTROY'));
  if (stuck === null) return ['no keeper wrote the table'];
  const faults: string[] = [];
  if (!(await until(() => stuck.voice.list([]), LIMIT_MS))) faults.push('no list was taken');
  stuck.release();
  const isEmpty = async () => (await takeCalls(stuck.other, world.token))?.calls.length === 0;
  if (!(await until(isEmpty, LIMIT_MS))) faults.push('calls are left although all have ended');
  const twice = endedTwice(await readPartition(world.client, 0));
  if (twice > 0) faults.push(`${twice} calls have two ends`);
  const { accounts, legs } = callKeys('firehose:', 0);
  const left = await world.client.exists(accounts, ...world.accounts.map(legs));
  return left > 0 ? [...faults, `${left} keys of calls are left`] : faults;
}

interface Stuck {
  readonly keeper: Replica;
  readonly other: Replica;
  /** Events for the other one. */
  readonly voice: CallVoice;
  release(): void;
}

/** Sends an event whose keeper's write is held, and pauses that keeper. */
async function holdWrite(
  { links, replicas, voice, voiceTo }: CallWorld,
  say: (voice: CallVoice) => Promise<void>,
): Promise<Stuck | null> {
  const held = links.map((link) => link.hold(WRITE));
  await say(voice);
  await until(() => held.some(({ isHolding }) => isHolding), LIMIT_MS);
  const at = held.findIndex(({ isHolding }) => isHolding);
  const [keeper, other] = [replicas[at], replicas[1 - at]];
  held[1 - at]?.release();
  if (keeper === undefined || other === undefined) return null;
  keeper.signal('SIGSTOP');
  const release = () => {
    held[at]?.release();
    keeper.signal('SIGCONT');
  };
  return { keeper, other, voice: voiceTo(other), release };
}

async function sayOfAll(voice: CallVoice, { accounts }: CallWorld, prefix: string, name: string): Promise<void> {
  await voice.say(accounts.map((account) => legEvent(account, `${prefix}-${account}`, name)));
}

async function showsOf({ token, accounts }: CallWorld, replica: Replica, prefix: string): Promise<boolean> {
  const calls = (await takeCalls(replica, token))?.calls ?? [];
  return calls.filter(({ call_id: id }) => id.startsWith(prefix)).length === accounts.length;
}

import { aheadRemedy, aheadText, streamsAhead } from '../../event-log/streams-ahead.ts';
import { decodeMeta } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { LiveReplica } from '../../event-log/provisioning/replicas.ts';
import type { PartitionReport } from '../../event-log/provisioning/report.ts';
import type { GroupsReport } from '../../event-log/provisioning/report-groups.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import { mebibytes, numberOf, type ServerLook } from './judge-server.ts';

/** One partition's stream and meta; null for values that the meta lacks. */
export interface PartitionLook {
  readonly exists: boolean;
  readonly epoch: string | null;
  readonly partitions: string | null;
  readonly format: string | null;
}

/** Whether the streams exist, in this resource's layout. */
export function judgeLayout(
  looks: readonly PartitionLook[],
  wanted: { readonly partitions: number; readonly format: string },
): Finding[] {
  const say = about('streams');
  if (looks.every(({ exists, epoch }) => !exists && epoch === null)) {
    return [say.ok('are not there yet: made by the first start')];
  }
  const held = looks.find(({ partitions }) => partitions !== null && partitions !== String(wanted.partitions));
  if (held !== undefined) {
    const fix = 'set spec.stream.partitions to theirs, or another spec.redis.keyPrefix, in a new resource';
    return [say.fail(`have ${held.partitions} partitions, spec.stream.partitions is ${wanted.partitions}`, fix)];
  }
  const other = looks.find(({ format }) => format !== null && format !== wanted.format);
  if (other !== undefined) {
    return [
      say.fail(`are of format ${other.format}, this version reads ${wanted.format}`, 'run the version that made them'),
    ];
  }
  const numbered = looks.map((look, partition) => ({ ...look, partition }));
  const lost = numbered.filter(({ exists, epoch }) => !exists || epoch === null).map(({ partition }) => partition);
  if (lost.length === 0) return [say.ok(`${looks.length} partitions, each with its epoch`)];
  const seen = `stream or epoch of partition ${lost.join(', ')} is gone: deleted, or its shard was lost`;
  return [say.warn(seen, 'find out who deletes; a running gateway makes them anew and tells clients of the gap')];
}

/**
 * Entry ids are times. An id from the future makes all later ones wrong, because ids must grow; the greatest possible
 * one ends the stream.
 */
export function judgeIds(report: readonly PartitionReport[], keyPrefix: string, now: number): Finding[] {
  const say = about('streams.ids');
  const ahead = streamsAhead(
    report.map(({ newest }) => newest),
    now,
  );
  return ahead.map((one) => {
    const fix = aheadRemedy(one, streamKeys(keyPrefix, one.partition).events);
    return one.isExhausted ? say.fail(aheadText(one), fix) : say.warn(aheadText(one), fix);
  });
}

/** Whether the directory has the accounts of the newest events: other events are not delivered. */
export function judgeAccounts(metas: readonly string[], accounts: ReadonlyMap<string, unknown>): Finding[] {
  const named = metas.map((line) => decodeMeta(line)?.account ?? '');
  const absent = named.filter((account) => !accounts.has(account));
  if (absent.length === 0) return [];
  const names = [...new Set(absent)].slice(0, MOST_NAMES).map((account) => account || 'no account');
  const seen = `${absent.length} of ${metas.length} recent events are of accounts that the directory lacks (${names.join(', ')})`;
  return [
    about('streams.accounts').warn(seen, 'add the accounts to directory.yaml: until then these events reach nobody'),
  ];
}

const MOST_NAMES = 5;

/** Memory of an entry when it cannot be measured: 1 KB of event and the overhead of Redis. */
const ENTRY_BYTES = 1_200;

/** Whether the largest retention has room, on all masters together. */
export function judgeRetention(
  report: readonly PartitionReport[],
  { maxLength, masters }: { readonly maxLength: number; readonly masters: readonly ServerLook[] },
): Finding[] {
  const say = about('streams.room');
  const length = sum(report.map((partition) => partition.length));
  const bytes = sum(report.map((partition) => partition.bytes));
  const each = bytes > 0 && length > 0 ? bytes / length : ENTRY_BYTES;
  const missing = Math.max(0, maxLength * report.length - length) * each;
  const seen = `${length} events; full (retention.maxLength) they take ${mebibytes(missing)} more`;
  // Without a limit there is nothing to compare with, which is a finding by itself.
  if (masters.length === 0 || masters.some(({ info }) => numberOf(info, 'maxmemory') === 0)) return [say.ok(seen)];
  const free = sum(masters.map(({ info }) => numberOf(info, 'maxmemory') - numberOf(info, 'used_memory')));
  if (missing <= free) return [say.ok(`${seen} of ${mebibytes(free)} free`)];
  const fix = 'raise maxmemory or lower spec.stream.retention.maxLength, unless maxAge trims long before';
  return [say.warn(`${seen}, and ${mebibytes(free)} are free`, fix)];
}

/**
 * Each declared group, for every account that has it: it exists on every partition, and is not about to lose unread
 * events.
 */
export function judgeGroups(
  { partitions, groups }: GroupsReport,
  input: { readonly groups: readonly ConsumerGroup[]; readonly maxLength: number },
): Finding[] {
  return input.groups.flatMap(({ name }, at) => {
    const summary = groups[at];
    if (summary === undefined) return [];
    const say = about('group', name);
    const { accounts, used, missing, lag, isExact, pending, dead, worstLag } = summary;
    if (missing > 0) {
      const seen = `is missing in ${missing} of ${accounts * partitions.length} partitions`;
      return say.warn(seen, 'start a gateway (or the operator): it makes them');
    }
    if (used === 0 && dead === 0) return say.ok('is not used yet');
    const seen = `${isExact ? '' : 'about '}${lag} behind, ${pending} pending, ${dead} dead letters, ${accounts} accounts`;
    const worstShare = worstLag / input.maxLength;
    if (worstShare > 0.5) {
      const share = `${Math.round(worstShare * 100)} % of retention.maxLength in one partition`;
      return say.warn(
        `${seen}: ${share}`,
        'give it more or faster consumers, or keep more: what is trimmed is lost to it',
      );
    }
    return dead > 0 ? say.warn(seen, `firehose dead-letters list --group ${name}`) : say.ok(seen);
  });
}

/**
 * Whether the live replicas verify tokens that are signed here: replicas with separate keys would refuse each other's
 * tokens.
 */
export function judgeKeys(replicas: readonly LiveReplica[], signs: string | null): Finding[] {
  const say = about('replicas');
  if (replicas.length === 0) return [say.ok('no gateway of this resource is alive')];
  const names = (list: readonly LiveReplica[]) => list.map(({ replica }) => replica).join(', ');
  const all = replicas.map(({ keys }) => keys[0]).filter((kid) => kid !== undefined);
  const strangers = replicas.filter(({ keys }) => keys.length > 0 && all.some((kid) => !keys.includes(kid)));
  if (strangers.length > 0) {
    const fix = 'give all replicas the same FIREHOSE_SIGNING_KEYS_FILE (or state folder)';
    return [say.fail(`${names(strangers)} cannot verify what another replica signs`, fix)];
  }
  if (signs !== null && replicas.some(({ keys }) => keys.length > 0 && !keys.includes(signs))) {
    return [
      say.warn(`none of them knows the key ${signs} that signs here`, 'run this where a gateway is, with its settings'),
    ];
  }
  return [say.ok(`${replicas.length} alive, ${sum(replicas.map(({ connections }) => connections))} connections`)];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

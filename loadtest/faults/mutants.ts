import { CALL_MUTANTS } from './call-mutants.ts';
import { GROUP_MUTANTS } from './group-mutants.ts';
import type { Patch } from './product.ts';
import type { ScenarioName } from './scenarios.ts';

/** A deliberate bug, and the scenario that must catch it. */
export interface Mutant extends Patch {
  readonly name: string;
  readonly scenario: ScenarioName;
}

/** These test the harness: each bug must make its scenario fail. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'follows from the newest end after an outage',
    scenario: 'redisKilled',
    file: 'gateway/fanout/follow.ts',
    find: '      await pause(failures, signal);',
    replace: `      await pause(failures, signal);
      const now = await eventLog.state().catch(() => null);
      if (now !== null) fanout.restart(now);`,
  },
  {
    name: 'resumes one round too late',
    scenario: 'cuts',
    file: 'gateway/fanout/tail.ts',
    find: 'this.#rounds[low - 1]?.number ?? null',
    replace: '(this.#rounds[low - 1]?.number ?? -1) + 1',
  },
  {
    name: 'repeats what was delivered before a resume',
    scenario: 'cuts',
    file: 'gateway/fanout/puller.ts',
    find: 'delivered === null ? round : withoutDelivered(round, delivered)',
    replace: 'round',
  },
  {
    name: 'cursors lag one event behind',
    scenario: 'cuts',
    file: 'gateway/fanout/forms.ts',
    find: 'for (; passed <= entry; passed += 1)',
    replace: 'for (; passed < entry; passed += 1)',
  },
  {
    name: 'cursors run ahead to the end of their round',
    scenario: 'cuts',
    file: 'gateway/fanout/forms.ts',
    find: 'return round.cursors.seal({ epoch: round.epoch, ids: position });',
    replace: 'return round.cursors.seal({ epoch: round.epoch, ids: round.to });',
  },
  {
    name: 'goes live one round too early',
    scenario: 'slow',
    file: 'gateway/fanout/puller.ts',
    find: 'if (behind.round === this.#options.head().round) return this.#goLive(connection);',
    replace: 'if (behind.round >= this.#options.head().round - 1) return this.#goLive(connection);',
  },
  {
    name: 'skips a socket that does not drain without making it pull',
    scenario: 'slow',
    file: 'gateway/fanout/write-each.ts',
    find: `      skip(connection);
      continue;`,
    replace: '      continue;',
  },
  {
    name: 'forgets where a connection behind the tail had got',
    scenario: 'slow',
    file: 'gateway/fanout/puller.ts',
    find: '    behind.from = outcome.ids;',
    replace: '    behind.from = outcome.complete ? outcome.ids : from.ids;',
  },
  {
    name: 'waits for the slowest socket',
    scenario: 'slow',
    file: 'gateway/fanout/follow.ts',
    find: 'waited < LONGEST_WAIT_MS && fanout.behind > fanout.connections * CROWD',
    replace: 'waited < 20_000 && fanout.behind > 0',
  },
  {
    name: 'serves pages of what was trimmed',
    scenario: 'gap',
    file: 'gateway/session/judge-start.ts',
    find: "return isTooOld(from, state) ? lost('cursor_too_old', asked) : { start: { from, until, gap: null } };",
    replace: 'return { start: { from, until, gap: null } };',
  },
  {
    name: 'goes on after a gap without a word',
    scenario: 'gap',
    file: 'gateway/session/log-delivery.ts',
    find: "    if (start?.gap) session.gap({ ...start.gap, missed: null, goesOnFrom: 'from' in start ? start.from : null });",
    replace: '',
  },
  {
    name: 'takes cursors of another epoch',
    scenario: 'epochLost',
    file: 'gateway/session/judge-start.ts',
    find: "if (from.epoch !== state.epoch) return lost('epoch_lost', asked);",
    replace: '',
  },
  {
    name: 'does not look whether the streams are still the same',
    scenario: 'epochLost',
    file: 'event-log/redis-reader.ts',
    find: "        if (lost) return { kind: 'epoch_lost', state: lost };",
    replace: '',
  },
  {
    name: 'keeps connections silently through a lost log',
    scenario: 'epochLost',
    file: 'gateway/session/log-delivery.ts',
    find: "    else this.#session.close('cursorTooOld', reason, last);",
    replace: '',
  },
  {
    name: 'remembers routes through a move in the account tree',
    scenario: 'scope',
    file: 'gateway/fanout/route-index.ts',
    find: `    this.#directory = directory;
    this.version += 1;
    this.#memo.clear();`,
    replace: `    this.#directory = directory;
    this.version += 1;`,
  },
  {
    name: 'gives every account to everyone below the root',
    scenario: 'scope',
    file: 'gateway/directory/directory.ts',
    find: `    if (current.id === ancestor) return true;
  }
  return false;`,
    replace: `    if (current.id === ancestor) return true;
  }
  return account.parent !== null && ancestor !== 'south';`,
  },
  {
    name: 'authorises a replay by the tree of long ago',
    scenario: 'scope',
    file: 'gateway/fanout/route-index.ts',
    find: `  return isWithin(route.account, view.root);
}

/** \`<name>`,
    replace: `  return true;
}

/** \`<name>`,
  },
  {
    name: 'closes everyone at once when it drains',
    scenario: 'drained',
    file: 'gateway/session/sessions.ts',
    find: 'if (wait > 1 && !options.signal.aborted) await unlessAborted(wait, options.signal);',
    replace: '',
  },
  {
    name: 'forgets an event of a long read',
    scenario: 'cuts',
    file: 'gateway/fanout/round.ts',
    find: '    yield start === 0 && end === entries.length ? entries : entries.slice(start, end);',
    replace: '    yield entries.slice(entries.length > 3 ? start + 1 : start, end);',
  },
  {
    name: 'does not know an event again when its reply was lost',
    scenario: 'repliesLost',
    file: 'event-log/redis-appender.ts',
    find: "    redis.call('SET', KEYS[i], id .. mine, 'PX', ARGV[4])",
    replace: '',
  },
  {
    name: 'acknowledges before the log has it',
    scenario: 'redisKilled',
    file: 'gateway/ingest/ingest.ts',
    find: "  if (outcome.outcome === 'failed') return { index, status: 'failed', id: event.eventId, code: outcome.code };",
    replace:
      "  if (outcome.outcome === 'failed') return { index, status: 'accepted', id: event.eventId, code: outcome.code };",
  },
  {
    name: 'closes connections when Redis goes',
    scenario: 'redisKilled',
    file: 'gateway/fanout/follow.ts',
    find: '        options.onReachable(false, error.code);',
    replace: `        options.onReachable(false, error.code);
        options.onEpochLost?.();
        fanout.restart({ epoch: 'x', oldest: [], newest: fanout.position?.ids ?? [], trimmed: [] });`,
  },
  {
    name: "reads partitions from each other's positions",
    scenario: 'cuts',
    file: 'gateway/fanout/round.ts',
    find: `  for (const entry of entries) ids[entry.partition] = entry.id;
  return ids;`,
    replace: `  for (const entry of entries) ids.fill(entry.id);
  return ids;`,
  },
  ...GROUP_MUTANTS,
  ...CALL_MUTANTS,
];

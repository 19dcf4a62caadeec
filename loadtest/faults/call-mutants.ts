import type { Mutant } from './mutants.ts';

/** Deliberate bugs of the table of live calls. */
export const CALL_MUTANTS: readonly Mutant[] = [
  {
    name: 'calls: gives slices as they were read, each true at a place of its own',
    scenario: 'callsSlowLink',
    file: 'gateway/calls/snapshot.ts',
    find: 'legs.apply(ofThem.slice(done, done + PARSED), ended);',
    replace: '',
  },
  {
    name: 'calls: forgets accounts whose first leg began while it read',
    scenario: 'callsSlowLink',
    file: 'gateway/calls/roll-forward.ts',
    find: 'if (compareIds(id, readAt) <= 0) continue;',
    replace: `if (compareIds(id, readAt) <= 0) continue;
    if (![...this].some(({ account_id: account }) => account === entry.account)) continue;`,
  },
  {
    name: 'calls: writes what was made of another state of the table',
    scenario: 'callsLateWrite',
    file: 'gateway/calls/redis-table.ts',
    find: "if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return false end",
    replace: '',
  },
  {
    name: 'calls: ends a leg without a look at what the table has not read',
    scenario: 'callsLateList',
    file: 'gateway/calls/end-script.ts',
    find: "if entry[2][field] == 'm' and string.find(entry[2][field + 1] .. '\\\\t', ARGV[5], 1, true) then return 'later' end",
    replace: '',
  },
];

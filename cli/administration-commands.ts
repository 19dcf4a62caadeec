import type { Command } from 'commander';
import { ENDPOINT_SETTINGS, type ListFlags } from './administration.ts';
import type { DeadLetterFlags } from './dead-letters.ts';
import type { ExplainFlags } from './explain.ts';
import type { LiftFlags } from './lockouts.ts';
import { addCommand, addGroup, type Surroundings } from './program.ts';
import type { RevokeFlags } from './revoke.ts';
import type { Terminal } from './terminal.ts';

/** Exit codes of the commands that ask a running gateway. */
export const ASKS = { 0: 'done', 1: 'refused by the gateway', 3: 'no gateway answers' };
export const JSON_FLAG = ['--json', 'print one JSON document'] as const;

/** The commands of administrators, which ask the inner port of a running gateway. */
export function addAdministrationCommands(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  addAdministration(root, terminal, surroundings);
  addGroups(root, terminal, surroundings);
  addSurvey(root, terminal, surroundings);
  addExplain(root, terminal, surroundings);
  addLockouts(root, terminal, surroundings);
  addDeadLetters(root, terminal, surroundings);
}

function addAdministration(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<RevokeFlags>(
    root,
    {
      name: 'revoke',
      about: 'revoke tokens: closes their connections and refuses new ones; a later login works',
      exitCodes: ASKS,
      flags: [
        ['--user <name>', 'all tokens of this user so far, with --domain or --account'],
        ['--domain <name>', "name or realm of the user's account"],
        ['--account <id>', "id of the user's account; alone: all tokens so far of it and of every account below it"],
        ['--jti <id>', 'the token with this id'],
        ['--token-stdin', 'the token in the first line of the standard input'],
      ],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./revoke.ts')).revokeCommand(flags, terminal, environment),
    surroundings,
  );
  addCommand<ListFlags>(
    root,
    { name: 'connections', about: 'list the live connections of one replica', exitCodes: ASKS, flags: [JSON_FLAG] },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./connections.ts')).connectionsCommand(flags, terminal, environment),
    surroundings,
  );
}

function addGroups(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<ListFlags>(
    root,
    {
      name: 'groups',
      about: 'list the durable groups, over all replicas: backlog and connections',
      exitCodes: ASKS,
      flags: [JSON_FLAG],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./groups.ts')).groupsCommand(flags, terminal, environment),
    surroundings,
  );
}

function addSurvey(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<ListFlags>(
    root,
    {
      name: 'sources',
      about: 'list the sources that write into the same Redis, and what each replica reports of each switch',
      exitCodes: ASKS,
      flags: [JSON_FLAG],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./sources.ts')).sourcesCommand(flags, terminal, environment),
    surroundings,
  );
  addCommand<ListFlags>(
    root,
    {
      name: 'health',
      about: 'print what a running gateway finds of itself and of the other replicas',
      exitCodes: ASKS,
      flags: [JSON_FLAG],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./health.ts')).healthCommand(flags, terminal, environment),
    surroundings,
  );
}

function addExplain(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<ExplainFlags>(
    root,
    {
      name: 'explain',
      about: 'say why a session, a user, a token or a durable group got an event or not',
      exitCodes: ASKS,
      flags: [
        ['--event <id>', 'the event: its id, or its place <partition>:<entry id>'],
        ['--call-id <id>', 'its Call-ID, which makes the search shorter'],
        ['--cursor <cursor>', 'the cursor that came with it: it is found without a search'],
        ['--at <time>', 'about when it happened (RFC 3339): the search begins there'],
        ['--user <name>', 'the sessions of this user, with --domain or --account'],
        ['--domain <name>', 'name or realm of the account'],
        ['--account <id>', 'id of the account'],
        ['--session <id>', 'this session'],
        ['--token-id <id>', 'the sessions of the token with this id'],
        ['--group <name>', 'the durable group of the account, alone or with a user'],
        JSON_FLAG,
      ],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./explain.ts')).explainCommand(flags, terminal, environment),
    surroundings,
  );
}

function addLockouts(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  const group = addGroup(root, 'lockouts', 'list and lift delays of logins after too many wrong passwords');
  addCommand<ListFlags>(
    group,
    {
      name: 'list',
      about: 'list users and addresses whose logins are delayed, over all replicas',
      exitCodes: ASKS,
      flags: [JSON_FLAG],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./lockouts.ts')).listLockoutsCommand(flags, terminal, environment),
    surroundings,
  );
  addCommand<LiftFlags>(
    group,
    {
      name: 'lift [id]',
      about: 'end delays: one by its id, or those of a user or an address',
      exitCodes: ASKS,
      flags: [
        ['--user <name>', 'all that name this user'],
        ['--address <address>', 'all that name this address'],
        ['--all', 'all of them'],
      ],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment, [id]) =>
      (await import('./lockouts.ts')).liftLockoutsCommand(id as string | undefined, flags, terminal, environment),
    surroundings,
  );
}

function addDeadLetters(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  const group = addGroup(root, 'dead-letters', 'list, read and redrive events that a durable group has given up');
  const ofGroup = ['--group <name>', 'the durable consumer group', 'default'] as const;
  const ofAccount = ['--account <id>', 'only those of the group of this account'] as const;
  addCommand<DeadLetterFlags>(
    group,
    {
      name: 'list',
      about: 'list the dead letters of a group',
      exitCodes: ASKS,
      flags: [ofGroup, ofAccount, JSON_FLAG],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./dead-letters.ts')).listCommand(flags, terminal, environment),
    surroundings,
  );
  addCommand<DeadLetterFlags>(
    group,
    { name: 'show <id>', about: 'show one dead letter with its event', exitCodes: ASKS, flags: [ofGroup, JSON_FLAG] },
    ENDPOINT_SETTINGS,
    async (flags, environment, [id]) =>
      (await import('./dead-letters.ts')).showCommand(String(id), flags, terminal, environment),
    surroundings,
  );
  addCommand<DeadLetterFlags & { all?: boolean }>(
    group,
    {
      name: 'redrive [id...]',
      about: 'put dead letters back at the end of the log, where every reader receives them again',
      exitCodes: ASKS,
      flags: [
        ofGroup,
        ['--all', 'all of the group, of every account'],
        ['--account <id>', 'all of the group of this account'],
        JSON_FLAG,
      ],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment, [ids]) =>
      (await import('./dead-letters.ts')).redriveCommand(ids as readonly string[], flags, terminal, environment),
    surroundings,
  );
}

import type { Command } from 'commander';
import { DIRECTORY_KAZOO_SETTINGS } from '../gateway/directory/server/kazoo/settings.ts';
import { DIRECTORY_SQL_SETTINGS } from '../gateway/directory/server/sql/settings.ts';
import { GATEWAY_SETTINGS } from '../gateway/settings.ts';
import { OPERATOR_SETTINGS } from '../operator/settings.ts';
import { UNINSTALL_SETTINGS } from '../operator/uninstall/settings.ts';
import { CAPTURE_KINDS } from '../source/capture/capture-kinds.ts';
import { SOURCE_SETTINGS } from '../source/settings.ts';
import { addAdministrationCommands, ASKS, JSON_FLAG } from './administration-commands.ts';
import { ENDPOINT_SETTINGS } from './administration.ts';
import type { DirectoryFlags } from './directory.ts';
import type { DoctorFlags } from './doctor/doctor.ts';
import { addCommand, addGroup, createRoot, type Surroundings } from './program.ts';
import type { SourceMapFlags } from './source-map.ts';
import type { CallsFlags } from './tail/calls.ts';
import { CLIENT_FLAGS } from './tail/gateway.ts';
import { CLIENT_SETTINGS } from './tail/settings.ts';
import type { TailFlags } from './tail/tail.ts';
import type { Terminal } from './terminal.ts';
import { addSinks, addWebhooks } from './webhook/commands.ts';

const SERVES = { 0: 'stopped by a signal', 1: 'unexpected error', 3: 'a port is taken or needs a privilege' };
const FOLLOWS = {
  0: 'ended as asked, by a signal or by its reader',
  1: 'refused by the gateway',
  3: 'no gateway answers',
};

/** Every command of the executable. Each loads its code when it runs: a short command starts at once. */
export function createProgram(terminal: Terminal, surroundings: Surroundings): Command {
  const root = createRoot(terminal);
  addProcesses(root, surroundings);
  addSources(root, terminal, surroundings);
  addDirectories(root, terminal, surroundings);
  addClients(root, terminal, surroundings);
  addDoctor(root, terminal, surroundings);
  addHashPassword(root, terminal, surroundings);
  addAdministrationCommands(root, terminal, surroundings);
  addWebhooks(root, terminal, surroundings);
  addSinks(root, terminal, surroundings);
  return root;
}

function addProcesses(root: Command, surroundings: Surroundings): void {
  addCommand(
    root,
    { name: 'gateway', about: 'serve logins and stream call events to clients', exitCodes: SERVES },
    GATEWAY_SETTINGS,
    async (_, environment) => {
      const { main } = await import('../gateway/main.ts');
      const { startSimulator } = await import('../source/simulator/start-simulator.ts');
      return main(environment, startSimulator);
    },
    surroundings,
  );
  addCommand(
    root,
    { name: 'operator', about: 'run gateways for the FirehoseSubscriptions of a cluster', exitCodes: SERVES },
    OPERATOR_SETTINGS,
    async (_, environment) => (await import('../operator/main.ts')).main(environment),
    surroundings,
  );
  addCommand(
    root,
    {
      name: 'uninstall',
      about: 'refuse to uninstall while FirehoseSubscriptions exist, or delete them first',
      exitCodes: { 0: 'none is left', 1: 'some are left, or unexpected error' },
    },
    UNINSTALL_SETTINGS,
    async (_, environment) => (await import('../operator/uninstall/main.ts')).main(environment),
    surroundings,
  );
}

function addSources(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  const group = addCommand(
    root,
    {
      name: 'source',
      about: 'write the events of a switch, or simulated ones, into a Redis; replicas share the work',
      exitCodes: SERVES,
    },
    SOURCE_SETTINGS,
    async (_, environment) => (await import('../source/main.ts')).main(environment),
    surroundings,
  );
  // `map` has a --config of its own.
  group.helpCommand(false).enablePositionalOptions();
  addCommand<SourceMapFlags>(
    group,
    {
      name: 'map <file>',
      about: 'print the events that a capture of a switch is mapped to, one a line; - is the standard input',
      exitCodes: { 0: 'every line was read', 1: 'some lines could not be read; the others are printed' },
      flags: [
        ['--as <switch>', `source of the capture: ${CAPTURE_KINDS.join(', ')}`],
        ['--config <file>', 'a source.yaml or a FirehoseSource: accounts, variables, privacy'],
        ['--endpoint <name>', 'name of the Asterisk in Call-IDs (that of the config, else asterisk)'],
        ['--meta', 'add id and account of each event, as `_firehose`'],
      ],
    },
    {},
    async (flags, _, [file]) => (await import('./source-map.ts')).sourceMapCommand(String(file), flags, terminal),
    surroundings,
  );
}

function addDirectories(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  const group = addGroup(
    root,
    'directory',
    'list accounts and users of a running gateway, or serve those of a platform to gateways',
  );
  addCommand<DirectoryFlags>(
    group,
    {
      name: 'list',
      about: 'list accounts and users as one replica has them, without password hashes',
      exitCodes: ASKS,
      flags: [
        ['--parent <id>', 'only the accounts right below this one; empty: those without a parent'],
        ['--account <id>', 'only the account with this id'],
        ['--domain <name>', 'only the account with this name or realm'],
        JSON_FLAG,
      ],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await import('./directory.ts')).directoryListCommand(flags, terminal, environment),
    surroundings,
  );
  addCommand(
    group,
    { name: 'sql', about: 'serve what two queries to PostgreSQL or MySQL answer', exitCodes: SERVES },
    DIRECTORY_SQL_SETTINGS,
    async (_, environment) => (await import('../gateway/directory/server/sql/main.ts')).main(environment),
    surroundings,
  );
  addCommand(
    group,
    {
      name: 'kazoo',
      about: 'serve the account tree of a Kazoo platform, by its API and its broker',
      exitCodes: SERVES,
    },
    DIRECTORY_KAZOO_SETTINGS,
    async (_, environment) => (await import('../gateway/directory/server/kazoo/main.ts')).main(environment),
    surroundings,
  );
}

function addClients(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<TailFlags>(
    root,
    {
      name: 'tail',
      about: 'print call events as they happen: for people at a terminal, else one JSON object a line',
      exitCodes: FOLLOWS,
      flags: [
        ['--events <names>', 'only these events, with commas'],
        ['--from <time>', 'begin there: RFC 3339, or as -15m'],
        ['--to <time>', 'end there'],
        ['--cursor-file <file>', 'keep the place there, and continue from it'],
        ['--fail-on-gap', 'end with 1 when events were lost'],
        ['--snapshot', 'begin with the live calls'],
        ['--group <name>', 'as a member of a durable group; acknowledges what was printed'],
        ['--count <n>', 'end after this many events'],
        ...CLIENT_FLAGS,
      ],
    },
    CLIENT_SETTINGS,
    async (flags, environment) => (await import('./tail/tail.ts')).tailCommand(flags, terminal, environment),
    surroundings,
  );
  addCommand<CallsFlags>(
    root,
    {
      name: 'calls',
      about: 'show the live calls: a table that follows them at a terminal, else one JSON object a change',
      exitCodes: FOLLOWS,
      flags: [['--once', 'print the live calls and end'], ...CLIENT_FLAGS],
    },
    CLIENT_SETTINGS,
    async (flags, environment) => (await import('./tail/calls.ts')).callsCommand(flags, terminal, environment),
    surroundings,
  );
}

function addDoctor(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<DoctorFlags>(
    root,
    {
      name: 'doctor',
      about: 'check everything that a gateway with these settings needs, and print a fix for each fault',
      exitCodes: { 0: 'nothing fails (there may be warnings)', 1: 'something fails' },
      flags: [
        ['--source <names>', 'look at these sources too: <namespace>/<name>, with commas'],
        ['--source-address <host:port>', 'inner listener of one replica of a source'],
        JSON_FLAG,
      ],
    },
    GATEWAY_SETTINGS,
    async (flags, environment) => {
      const { doctorCommand } = await import('./doctor/doctor.ts');
      return doctorCommand(flags, terminal, environment);
    },
    surroundings,
  );
}

function addHashPassword(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  addCommand(
    root,
    {
      name: 'hash-password',
      about: 'print the argon2id hash of a password from the standard input, for directory.yaml',
      exitCodes: { 0: 'done', 1: 'the password is empty or too long' },
    },
    {},
    async () => (await import('./hash-password.ts')).hashPasswordCommand(terminal),
    surroundings,
  );
}

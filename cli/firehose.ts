#!/usr/bin/env node
import { Command } from 'commander';
import { ANSWERED, ENDPOINT_SETTINGS, type EndpointFlags } from './administration.ts';
import { connectionsCommand } from './connections.ts';
import { listCommand, redriveCommand, showCommand, type DeadLetterFlags } from './dead-letters.ts';
import type { DoctorFlags } from './doctor/doctor.ts';
import { hashPasswordCommand } from './hash-password.ts';
import { liftLockoutsCommand, listLockoutsCommand, type LiftFlags } from './lockouts.ts';
import { revokeCommand, type RevokeFlags } from './revoke.ts';
import type { Terminal } from './terminal.ts';

/** Flags and the settings they stand for: the same names, the flag wins. */
const SETTINGS = [
  ['--config <folder>', 'FIREHOSE_CONFIG', 'folder with subscription.yaml and directory.yaml (the quickstart)'],
  ['--state <folder>', 'FIREHOSE_STATE', 'folder for certificates, keys and tokens made here (.firehose)'],
  ['--redis-url <url>', 'REDIS_URL', 'Redis Streams as event log; without it an embedded log in memory'],
  ['--redis-ca-file <file>', 'REDIS_CA_FILE', "authority of the servers' certificates, PEM (the system's)"],
  ['--redis-cert-file <file>', 'REDIS_CERT_FILE', 'client certificate shown to Redis, PEM (none)'],
  ['--redis-key-file <file>', 'REDIS_KEY_FILE', 'its private key, PEM (none)'],
  ['--host <address>', 'FIREHOSE_HOST', 'address of the public listener (::)'],
  ['--port <port>', 'FIREHOSE_PORT', 'port of the public listener (9443)'],
  [
    '--inner-host <address>',
    'FIREHOSE_INNER_HOST',
    'address of health, metrics, ingest and administration (127.0.0.1)',
  ],
  ['--inner-port <port>', 'FIREHOSE_INNER_PORT', 'port of health, metrics, ingest and administration (9090)'],
  ['--simulator-rate <calls>', 'FIREHOSE_SIMULATOR_RATE', 'simulated calls a second (2; 0 with Redis)'],
  ['--log-bytes <bytes>', 'FIREHOSE_LOG_BYTES', 'size of the embedded event log (67108864)'],
  ['--log-level <level>', 'LOG_LEVEL', 'trace, debug, info, warn, error, fatal or silent (info)'],
] as const;

// Every subcommand inherits it: a wrong use is exit code 2, whatever commander thinks of it.
const program = new Command('firehose')
  .description('Call events of your account tree, over a WebSocket')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : ANSWERED.usage));

const terminal: Terminal = { input: process.stdin, output: process.stdout, errors: process.stderr };

const gateway = program.command('gateway').description('log in clients and stream call events to them');
for (const [flag, variable, description] of SETTINGS) gateway.option(flag, `${description} [$${variable}]`);
gateway.action(async (options: Record<string, string>) => {
  const { main } = await import('../gateway/main.ts');
  const { startSimulator } = await import('../source/simulator/start-simulator.ts');
  process.exit(await main({ ...process.env, ...given(SETTINGS, options) }, startSimulator));
});

const OPERATOR_SETTINGS = [
  ['--gateway-image <image>', 'FIREHOSE_GATEWAY_IMAGE', 'image of the gateways, where a resource names none'],
  ['--watch-namespaces <names>', 'FIREHOSE_WATCH_NAMESPACES', 'a list, or * (the namespace of the credentials)'],
  ['--namespace <name>', 'FIREHOSE_NAMESPACE', 'namespace of the Lease (that of the credentials)'],
  ['--inner-from-namespaces <names>', 'FIREHOSE_INNER_FROM_NAMESPACES', 'who reaches the inner ports, too (nobody)'],
  ['--service-monitors <boolean>', 'FIREHOSE_SERVICE_MONITORS', 'makes a ServiceMonitor for each resource (false)'],
  [
    '--service-monitor-labels <labels>',
    'FIREHOSE_SERVICE_MONITOR_LABELS',
    'labels of each, as key=value,key=value (none)',
  ],
  ['--host <address>', 'FIREHOSE_OPERATOR_HOST', 'address of health and metrics (::)'],
  ['--port <port>', 'FIREHOSE_OPERATOR_PORT', 'port of health and metrics (8080)'],
  ['--resync-seconds <seconds>', 'FIREHOSE_RESYNC_SECONDS', 'everything is looked at anew so often (600)'],
  ['--workers <count>', 'FIREHOSE_WORKERS', 'resources that are worked on at once (8)'],
  ['--log-level <level>', 'LOG_LEVEL', 'trace, debug, info, warn, error, fatal or silent (info)'],
] as const;

const operator = program.command('operator').description('run gateways for the FirehoseSubscriptions of a cluster');
for (const [flag, variable, description] of OPERATOR_SETTINGS) operator.option(flag, `${description} [$${variable}]`);
operator.action(async (options: Record<string, string>) => {
  const { main } = await import('../operator/main.ts');
  process.exit(await main({ ...process.env, ...given(OPERATOR_SETTINGS, options) }));
});

const UNINSTALL_SETTINGS = [
  OPERATOR_SETTINGS[1],
  ['--subscriptions <what>', 'FIREHOSE_SUBSCRIPTIONS', 'Refuse while there are any, or Delete them and wait (Refuse)'],
  ['--crd-goes <boolean>', 'FIREHOSE_CRD_GOES', "the CRD will be deleted: other operators' resources refuse (false)"],
  ['--timeout-seconds <seconds>', 'FIREHOSE_TIMEOUT_SECONDS', 'how long deleting may take (660)'],
] as const;

const uninstalling = program
  .command('uninstall')
  .description('see to it, before an operator goes, that no FirehoseSubscription is left without one');
for (const [flag, variable, description] of UNINSTALL_SETTINGS) {
  uninstalling.option(flag, `${description} [$${variable}]`);
}
uninstalling.action(async (options: Record<string, string>) => {
  const { main } = await import('../operator/uninstall/main.ts');
  process.exit(await main({ ...process.env, ...given(UNINSTALL_SETTINGS, options) }));
});

const SOURCE_SETTINGS = [
  ['--file <file>', 'FIREHOSE_SOURCE_FILE', 'source.yaml: where the streams are, and what happens in them (required)'],
  ['--redis-url <url>', 'REDIS_URL', 'the Redis that events are written to (required)'],
  ...SETTINGS.filter(([, variable]) => /^REDIS_.*_FILE$|^LOG_LEVEL$/.test(variable)),
  ['--inner-host <address>', 'FIREHOSE_INNER_HOST', 'address of health and metrics (127.0.0.1)'],
  ['--inner-port <port>', 'FIREHOSE_INNER_PORT', 'port of health and metrics (9090)'],
] as const;

const simulator = program
  .command('source')
  .description('write events into a Redis')
  .command('simulator')
  .description('simulated calls, for a first try; several replicas tell of the same calls, each event once');
for (const [flag, variable, description] of SOURCE_SETTINGS) simulator.option(flag, `${description} [$${variable}]`);
simulator.action(async (options: Record<string, string>) => {
  const { main } = await import('../source/main.ts');
  process.exit(await main({ ...process.env, ...given(SOURCE_SETTINGS, options) }));
});

const doctor = program
  .command('doctor')
  .description('look at everything that a gateway with these settings needs, and say what to do about each fault')
  .option('--json', 'one JSON document instead of lines')
  .allowExcessArguments(false)
  .addHelpText('after', '\nExit codes: 0 nothing fails (there may be warnings), 1 something does, 2 usage.');
for (const [flag, variable, description] of SETTINGS) doctor.option(flag, `${description} [$${variable}]`);
doctor.action(async ({ json, ...options }: Record<string, string> & DoctorFlags) => {
  const { doctorCommand } = await import('./doctor/doctor.ts');
  const flags = json === undefined ? {} : { json };
  process.exitCode = await doctorCommand(flags, terminal, { ...process.env, ...given(SETTINGS, options) });
});

program
  .command('hash-password')
  .description('make the argon2id hash of a password, for directory.yaml')
  .action(async () => {
    process.exitCode = await hashPasswordCommand(terminal);
  });

asking('revoke', 'stop tokens for good: live connections are closed, upgrades refused, a later login works')
  .option('--user <name>', 'all tokens of this user so far, with --domain or --account')
  .option('--domain <name>', "name or realm of the user's account")
  .option('--account <id>', "id of the user's account; alone: all tokens of it and of every account below it so far")
  .option('--jti <id>', 'the one token with this id')
  .option('--token-stdin', 'the one token that comes as the first line of the standard input')
  .action(async (flags: RevokeFlags) => {
    process.exitCode = await revokeCommand(flags, terminal, process.env);
  });

asking('connections', 'list the live connections of one replica').action(async (flags: EndpointFlags) => {
  process.exitCode = await connectionsCommand(flags, terminal, process.env);
});

const lockouts = program.command('lockouts').description('logins that are delayed after too many wrong passwords');
asking('list', 'list whose logins are delayed, over all replicas', lockouts).action(async (flags: EndpointFlags) => {
  process.exitCode = await listLockoutsCommand(flags, terminal, process.env);
});
asking('lift [id]', 'end delays: one by its id, or those of a user or an address', lockouts)
  .option('--user <name>', 'all that name this user')
  .option('--address <address>', 'all that name this address')
  .option('--all', 'all of them')
  .action(async (id: string | undefined, flags: LiftFlags) => {
    process.exitCode = await liftLockoutsCommand(id, flags, terminal, process.env);
  });

const deadLetters = program.command('dead-letters').description('events that a durable group has given up');
const ofGroup = (name: string, description: string) =>
  asking(name, description, deadLetters).option('--group <name>', 'the durable consumer group', 'default');

ofGroup('list', 'list them, a line each').action(async (flags: DeadLetterFlags) => {
  process.exitCode = await listCommand(flags, terminal, process.env);
});
ofGroup('show <id>', 'show one with its event').action(async (id: string, flags: DeadLetterFlags) => {
  process.exitCode = await showCommand(id, flags, terminal, process.env);
});
ofGroup('redrive <id...>', 'put them back at the end of the log, where every reader sees them again').action(
  async (ids: string[], flags: DeadLetterFlags) => {
    process.exitCode = await redriveCommand(ids, flags, terminal, process.env);
  },
);

await program.parseAsync();

/** The settings that were given as flags, by their variables. */
function given(settings: readonly (readonly [string, string, string])[], options: Record<string, string>) {
  return Object.fromEntries(
    settings.flatMap(([flag, variable]) => {
      const value = options[optionName(flag)];
      return value === undefined ? [] : [[variable, value]];
    }),
  ) as Record<string, string>;
}

/** A command that asks a running gateway by its inner port. */
function asking(name: string, description: string, parent: Command = program): Command {
  const command = parent.command(name).description(description);
  for (const [flag, what] of ENDPOINT_SETTINGS) command.option(flag, what);
  command.addHelpText(
    'after',
    '\nExit codes: 0 done, 1 refused by the gateway, 2 usage or no token, 3 no gateway there.',
  );
  return command;
}

/** `--redis-url <url>` -> `redisUrl`, as commander names it. */
function optionName(flag: string): string {
  return (flag.split(' ')[0] ?? '').slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

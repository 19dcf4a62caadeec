#!/usr/bin/env node
import { Command } from 'commander';
import { hashPasswordCommand } from './hash-password.ts';

/** Flags and the settings they stand for: the same names, the flag wins. */
const SETTINGS = [
  ['--config <folder>', 'FIREHOSE_CONFIG', 'folder with subscription.yaml and directory.yaml (the quickstart)'],
  ['--state <folder>', 'FIREHOSE_STATE', 'folder for certificates, keys and tokens made here (.firehose)'],
  ['--redis-url <url>', 'REDIS_URL', 'Redis Streams as event log; without it an embedded log in memory'],
  ['--host <address>', 'FIREHOSE_HOST', 'address of the public listener (::)'],
  ['--port <port>', 'FIREHOSE_PORT', 'port of the public listener (9443)'],
  ['--inner-host <address>', 'FIREHOSE_INNER_HOST', 'address of health, metrics and ingest (127.0.0.1)'],
  ['--inner-port <port>', 'FIREHOSE_INNER_PORT', 'port of health, metrics and ingest (9090)'],
  ['--simulator-rate <calls>', 'FIREHOSE_SIMULATOR_RATE', 'simulated calls a second (2; 0 with Redis)'],
  ['--log-bytes <bytes>', 'FIREHOSE_LOG_BYTES', 'size of the embedded event log (67108864)'],
  ['--log-level <level>', 'LOG_LEVEL', 'trace, debug, info, warn, error, fatal or silent (info)'],
] as const;

const program = new Command('firehose').description('Call events of your account tree, over a WebSocket');

const gateway = program.command('gateway').description('log in clients and stream call events to them');
for (const [flag, variable, description] of SETTINGS) gateway.option(flag, `${description} [$${variable}]`);
gateway.action(async (options: Record<string, string>) => {
  const given = Object.fromEntries(
    SETTINGS.flatMap(([flag, variable]) => {
      const value = options[optionName(flag)];
      return value === undefined ? [] : [[variable, value]];
    }),
  );
  const { main } = await import('../../gateway/main.ts');
  process.exit(await main({ ...process.env, ...given }));
});

program
  .command('hash-password')
  .description('make the argon2id hash of a password, for directory.yaml')
  .action(async () => {
    process.exitCode = await hashPasswordCommand({
      input: process.stdin,
      output: process.stdout,
      errors: process.stderr,
    });
  });

await program.parseAsync();

/** `--redis-url <url>` -> `redisUrl`, as commander names it. */
function optionName(flag: string): string {
  return (flag.split(' ')[0] ?? '').slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

import { Command, CommanderError, Option } from 'commander';
import { environmentHelp, flagsOf, withFlags } from '../runtime/settings/describe.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import type { SettingsTable } from '../runtime/settings/setting.ts';
import { VERSION } from '../runtime/version.ts';
import type { Terminal } from './terminal.ts';

/** Exit code of a wrong command line, for every command. */
export const USAGE = 2;

/** What a command needs from its process. */
export interface Surroundings {
  readonly environment: Environment;
  /** Called with the code of a command that ended. */
  readonly exit: (code: number) => void;
}

/** The root command: its help, its version, and the answer to wrong use, for all commands below it. */
export function createRoot({ output, errors }: Terminal): Command {
  return new Command('firehose')
    .description('Call events of a telephony account tree over a WebSocket.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showHelpAfterError('(--help lists commands and flags)')
    .configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => errors.write(text),
      outputError: (text, write) => write(withoutValues(text)),
    })
    .exitOverride();
}

/** Text typed in the wrong place may be a password: the error names flags, and no value. */
function withoutValues(error: string): string {
  return error
    .replace(/^(error: unknown option '[^'=]*)=[^]*'/, "$1'")
    .replace(/^(error: too many arguments[^]*? but got \d+): [^]*\.$/m, '$1.');
}

/** Runs the command that the arguments name. Calls `exit` with its code, or with that of a wrong use. */
export async function runProgram(root: Command, args: readonly string[], { exit }: Surroundings): Promise<void> {
  try {
    await root.parseAsync([...args], { from: 'user' });
  } catch (error) {
    // Help and version also end here, with 0.
    if (!(error instanceof CommanderError)) throw error;
    exit(error.exitCode === 0 ? 0 : USAGE);
  }
}

export interface CommandText {
  /** With its arguments, for example `show <id>`. */
  readonly name: string;
  /** Starts with a lower-case verb, no full stop. */
  readonly about: string;
  /** Meaning of each exit code besides USAGE. */
  readonly exitCodes: Readonly<Record<number, string>>;
  /** Further flags: form and meaning. */
  readonly flags?: readonly (readonly [form: string, about: string, fallback?: string])[];
}

/** A command whose settings come from a table. `run` gets the environment with the given flags. */
export function addCommand<Options>(
  parent: Command,
  { name, about, exitCodes, flags = [] }: CommandText,
  table: SettingsTable,
  run: (options: Options, environment: Environment, args: readonly unknown[]) => Promise<number>,
  { environment, exit }: Surroundings,
): Command {
  const command = parent.command(name).description(about).helpOption('-h, --help', 'print this help');
  for (const [form, meaning, fallback] of flags) {
    const option = new Option(form, meaning);
    command.addOption(fallback === undefined ? option : option.default(fallback, fallback));
  }
  for (const { form, help } of flagsOf(table)) command.option(form, help);
  return command
    .addHelpText('after', `${environmentHelp(table)}\n${exitHelp(exitCodes)}`)
    .action(async (...given: unknown[]) => {
      const options = command.opts();
      exit(await run(options as Options, withFlags(table, environment, options), given.slice(0, -2)));
    });
}

/** A command that only has subcommands. */
export function addGroup(parent: Command, name: string, about: string): Command {
  return parent.command(name).description(about).helpOption('-h, --help', 'print this help').helpCommand(false);
}

function exitHelp(codes: CommandText['exitCodes']): string {
  const all: Readonly<Record<number, string>> = { ...codes, [USAGE]: 'wrong usage or settings' };
  return ['Exit codes:', ...Object.entries(all).map(([code, meaning]) => `  ${code}  ${meaning}`)].join('\n');
}

import type { Environment } from '../lifecycle/environment.ts';
import { readSettings } from './read-settings.ts';
import type { Kind, Setting, SettingsTable } from './setting.ts';

/** A flag of the command line and its variable. */
export interface Flag {
  /** For example `--port <port>`. */
  readonly form: string;
  /** Name in the command line's parser: `innerPort`. */
  readonly key: string;
  readonly variable: string;
  readonly help: string;
}

/** The flags of a table, in its order. Pure. */
export function flagsOf(table: SettingsTable): readonly Flag[] {
  return Object.entries(table).flatMap(([variable, one]) =>
    one.flag === null
      ? []
      : [
          {
            form: `--${one.flag} ${one.kind.argument}`,
            key: one.flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
            variable,
            help: `${one.about} ${origin(variable, one)}`,
          },
        ],
  );
}

/** Text of `--help` after the flags: settings that have only a variable. Empty for none. Pure. */
export function environmentHelp(table: SettingsTable): string {
  const alone = Object.entries(table).filter(([, { flag }]) => flag === null);
  if (alone.length === 0) return '';
  const lines = alone.flatMap(([variable, { about, shown }]) => [
    `  ${variable}`,
    ...wrapped(`${about} (default: ${shown})`, HELP_WIDTH - INDENT.length).map((line) => `${INDENT}${line}`),
  ]);
  return `\nBy the environment alone:\n${lines.join('\n')}\n`;
}

const HELP_WIDTH = 80;
const INDENT = '      ';

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The environment with the given flags: a flag overrides its variable. Pure. */
export function withFlags(
  table: SettingsTable,
  environment: Readonly<Record<string, string | undefined>>,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string | undefined>> {
  const given = flagsOf(table).flatMap(({ key, variable }) => {
    // A flag without its value is `true`.
    const value = options[key] === true ? 'true' : options[key];
    return typeof value === 'string' ? [[variable, value] as const] : [];
  });
  return { ...environment, ...Object.fromEntries(given) };
}

/** A table in Markdown: variable, flag, default, meaning. Pure. */
export function markdownOf(table: SettingsTable): string {
  const rows = Object.entries(table).map(
    ([variable, { flag, shown, about }]) =>
      `| \`${variable}\` | ${flag === null ? '' : `\`--${flag}\``} | ${shown} | ${about.replaceAll('|', '\\|')} |`,
  );
  return ['| variable | flag | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/**
 * Names of the settings of one kind, for an error about them: those with the faulty value, or else all: `FIREHOSE_PORT
 * or FIREHOSE_INNER_PORT`. Pure.
 */
export function namesOfKind<T>(
  table: SettingsTable,
  kind: Kind<T>,
  { environment, value }: { readonly environment: Environment; readonly value: T | undefined },
): string {
  const values: Readonly<Record<string, unknown>> = readSettings(table, environment).values;
  const names = Object.keys(table).filter((variable) => table[variable]?.kind === kind);
  const atFault = names.filter((variable) => values[variable] === value);
  return (atFault.length > 0 ? atFault : names).join(' or ');
}

function origin(variable: string, { shown }: Setting): string {
  return `(default: ${shown}) [${variable}]`;
}

import type { Environment } from '../lifecycle/environment.ts';
import type { SettingsTable, ValuesOf } from './setting.ts';

export interface ReadSettings<Table extends SettingsTable> {
  /** Complete when `faults` is empty. A setting with a fault has its default here, or null. */
  readonly values: ValuesOf<Table>;
  /** Every fault, as `environment: NAME: what is expected`. No fault repeats a value: it may be a secret. */
  readonly faults: readonly string[];
}

/** The variables that are set, without the blanks around them. Pure. */
function givenVariables(environment: Environment): Readonly<Record<string, string>> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    const trimmed = value?.trim() ?? '';
    if (trimmed !== '') given[name] = trimmed;
  }
  return given;
}

/** Reads all settings of a table. Pure. */
export function readSettings<const Table extends SettingsTable>(
  table: Table,
  environment: Environment,
): ReadSettings<Table> {
  const given = givenVariables(environment);
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, { kind, fallback, required }] of Object.entries(table)) {
    const text = given[name] ?? fallback;
    const value = text === null ? null : kind.read(text);
    if (text === null && required !== null) faults.push(`environment: ${name}: ${required}`);
    if (text !== null && value === null) faults.push(`environment: ${name}: ${kind.expects}`);
    values[name] = value ?? (fallback === null ? null : kind.read(fallback));
  }
  return { values: values as ValuesOf<Table>, faults };
}

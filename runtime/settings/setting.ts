/** How the text of a setting is read. */
export interface Kind<T> {
  /** Placeholder for the value of the flag, for example `<port>`. */
  readonly argument: string;
  /** Expected form, for errors. */
  readonly expects: string;
  /** Null for a text of another form. Pure. */
  readonly read: (text: string) => T | null;
}

/** One setting of a process. Its variable's name is its key in the table. */
export interface Setting<T = unknown> {
  readonly kind: Kind<NonNullable<T>>;
  /** Without the dashes. Null: only the environment sets it. */
  readonly flag: string | null;
  /** In its written form. Null: none. */
  readonly fallback: string | null;
  /** The default in help and documentation. */
  readonly shown: string;
  /** The error when it is not given; null when it is optional. */
  readonly required: string | null;
  /** Meaning, for help and documentation: starts with a lower-case letter, no full stop. */
  readonly about: string;
}

/** The settings of one process, by the names of their variables. */
export type SettingsTable = Readonly<Record<string, Setting>>;

interface Given {
  readonly flag?: string;
  readonly about: string;
  readonly shown?: string;
}

/** With a default, or required: it always has a value. Otherwise the value is null when it is not given. */
export function setting<T>(
  kind: Kind<T>,
  given: Given & ({ readonly fallback: string } | { readonly required: string }),
): Setting<T>;
export function setting<T>(kind: Kind<T>, given: Given): Setting<T | null>;
export function setting<T>(
  kind: Kind<NonNullable<T>>,
  given: Given & { readonly fallback?: string; readonly required?: string },
): Setting<T> {
  const { flag = null, fallback = null, required = null, about } = given;
  const shown = given.shown ?? (required === null ? (fallback ?? 'none') : 'required');
  return { kind, flag, fallback, shown, required, about };
}

/** The typed values of a table. */
export type ValuesOf<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never;
};

const MAX_VALUE_LENGTH = 256;

/** Returns the variables that `channelVariables` names, exactly or by a prefix and `*`, cut to 256 characters each. */
export type ChosenVariables = (variables: Iterable<readonly [name: string, value: string]>) => Record<string, string>;

export function createChosenVariables(patterns: readonly string[]): ChosenVariables | null {
  if (patterns.length === 0) return null;
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return (variables) => {
    const chosen = Object.create(null) as Record<string, string>;
    for (const [name, value] of variables) {
      if (value === '' || !(exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix)))) continue;
      chosen[name] = value.length > MAX_VALUE_LENGTH ? value.slice(0, MAX_VALUE_LENGTH).toWellFormed() : value;
    }
    return chosen;
  };
}

/**
 * Set by `npm run test:hostile`: the long form of the hostile suite. Without it the short form runs, as in `npm test`.
 */
export const HOSTILE_LONG = 'HOSTILE_LONG';

export function isLong(environment: Readonly<Record<string, string | undefined>>): boolean {
  return environment[HOSTILE_LONG] === '1';
}

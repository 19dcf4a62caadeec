import { createHash } from 'node:crypto';

/**
 * What clients see instead of the name of a source's switch, `<namespace>/<source>/<endpoint>`: the same in each event of
 * the switch, from each replica. It hides names from who does not know them; who guesses one can compute it.
 */
export function switchPseudonym(name: string): string {
  return `sw-${createHash('sha256').update(name).digest('base64url').slice(0, 16)}`;
}

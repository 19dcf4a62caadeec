import { createHash } from 'node:crypto';

/**
 * What clients see instead of the name of a source's switch, `<namespace>/<source>/<endpoint>`: the same in each event
 * of the switch, from each replica. It hides an unknown name; but a reader who guesses a name can verify the guess.
 */
export function switchPseudonym(name: string): string {
  return `sw-${createHash('sha256').update(name).digest('base64url').slice(0, 16)}`;
}

import { createHash } from 'node:crypto';

const MAX_LENGTH = 128;
const UNSAFE = /[^A-Za-z0-9._:-]/;
const DIGEST_CHARACTERS = 26;

/**
 * An event id from these parts, joined by dots: `fs.<leg>.DESTROY`. The `@` of a leg becomes `:`. If the result breaks
 * the pattern of event ids (`A-Za-z0-9._:-`, 128 characters), a digest of all parts replaces it, so that two different
 * legs never share an id.
 */
export function eventIdOf(prefix: string, leg: string, ...rest: readonly (string | number)[]): string {
  const tail = rest.join('.');
  const id = `${prefix}.${leg.replaceAll('@', ':')}.${tail}`;
  if (id.length <= MAX_LENGTH && !UNSAFE.test(id)) return id;
  const digest = createHash('sha256').update(`${prefix}\n${leg}\n${tail}`).digest('hex').slice(0, DIGEST_CHARACTERS);
  const kind = prefix.split('.')[0] ?? prefix;
  const name = String(rest.at(-1) ?? '')
    .replaceAll(/[^A-Za-z0-9_-]/g, '')
    .slice(0, 64);
  return `${kind}.${digest}.${name}`;
}

import { ensurePackages, isOnPath, type Installed } from './debian.ts';

/** Sees to it that there is a redis-server on the PATH: on Debian root installs it, elsewhere `remedy` says how to. */
export function ensureRedis(say: (line: string) => void): Installed {
  return ensurePackages([{ name: 'redis-server', isThere: () => isOnPath('redis-server') }], say);
}

import { ensurePackages, isOnPath, type Installed } from './debian.ts';

/** Installs redis-server as root on Debian when it is not on the PATH; on other machines `remedy` says how. */
export function ensureRedis(say: (line: string) => void): Installed {
  return ensurePackages([{ name: 'redis-server', isThere: () => isOnPath('redis-server') }], say);
}

import { fileURLToPath } from 'node:url';
import { ensureGoModule, type FoundModule } from './go-module.ts';
import type { Environment } from './program-places.ts';

const NATS = {
  program: 'nats-server',
  module: 'github.com/nats-io/nats-server/v2',
  source: fileURLToPath(new URL('nats', import.meta.url)),
} as const;

/** Finds a nats-server, or builds it once with Go into the cache; on other machines `remedy` says how to get one. */
export function ensureNats(environment: Environment, say: (line: string) => void): Promise<FoundModule> {
  return ensureGoModule(NATS, environment, say);
}

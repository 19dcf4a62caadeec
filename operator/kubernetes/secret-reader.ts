import type { KubernetesApi } from './api.ts';
import { SECRETS, type KubeObject } from './objects.ts';

/** Secrets are neither listed nor watched: each is read when it is needed, and cached for a while. */
export interface SecretReader {
  /** Null when there is none. A missing one is requested each time. */
  read(namespace: string, name: string): Promise<KubeObject | null>;
  /** Replaces the cached Secret after a write. */
  put(secret: KubeObject): void;
  /** Reads it again the next time. */
  forget(namespace: string, names: Iterable<string>): void;
}

export interface SecretReaderOptions {
  /** Each Secret is read again after this time, however many there are. */
  readonly maxAgeMs: number;
  readonly now?: () => number;
}

/** Budget of repeated reads for all Secrets. */
const READS_PER_SECOND = 10;
/** Below the time between two passes over an unchanged resource, so that each pass reads its Secrets again. */
const LEAST_AGE_MS = 20_000;

export function createSecretReader(api: Pick<KubernetesApi, 'get'>, options: SecretReaderOptions): SecretReader {
  const now = options.now ?? (() => performance.now());
  const known = new Map<string, { readonly secret: KubeObject; readonly at: number }>();
  const ageMs = () => Math.min(options.maxAgeMs, Math.max(LEAST_AGE_MS, (known.size / READS_PER_SECOND) * 1_000));
  let sweptAt = now();
  const sweep = () => {
    if (now() - sweptAt < options.maxAgeMs) return;
    sweptAt = now();
    for (const [key, { at }] of known) if (now() - at > options.maxAgeMs) known.delete(key);
  };
  return {
    async read(namespace, name) {
      sweep();
      const key = `${namespace}/${name}`;
      const kept = known.get(key);
      if (kept !== undefined && now() - kept.at <= ageMs()) return kept.secret;
      known.delete(key);
      const secret = await api.get(SECRETS, namespace, name);
      if (secret !== null) known.set(key, { secret, at: now() });
      return secret;
    },
    put: (secret) => void known.set(`${secret.metadata.namespace}/${secret.metadata.name}`, { secret, at: now() }),
    forget(namespace, names) {
      for (const name of names) known.delete(`${namespace}/${name}`);
    },
  };
}

import type { Secrets, WebhookSecrets } from '../webhook/secrets.ts';
import type { SigningKey } from '../webhook/sign.ts';

/** A key, and until when it signs: Unix milliseconds. */
export interface HeldKey extends SigningKey {
  readonly until: number;
}

/** Secrets of a self-service webhook, as its record has them. */
export class HeldSecrets implements Secrets {
  #keys: readonly HeldKey[] = [];
  #onChange: () => void = () => undefined;

  get current(): WebhookSecrets {
    const now = Date.now();
    return { keys: this.#keys.filter(({ until }) => until > now), ca: null };
  }

  /** The current one first. */
  set(keys: readonly HeldKey[]): void {
    this.#keys = keys;
    this.#onChange();
  }

  follow(signal: AbortSignal, onChange: () => void): Promise<void> {
    this.#onChange = onChange;
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    return promise;
  }
}

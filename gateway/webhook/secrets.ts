import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { X509Certificate } from 'node:crypto';
import type { Logger } from '../../runtime/logging/logger.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';
import { webhookFiles } from '../../protocol/webhook-files.ts';
import { parseSecret, type SigningKey } from './sign.ts';

/** Interval between two reads of the files: a mounted Secret changes them. */
const EVERY_MS = 1_000;

/** The keys with which a webhook signs, and the authorities with which it verifies. */
export interface WebhookSecrets {
  /** The current one first; empty when none can be used. */
  readonly keys: readonly SigningKey[];
  /** Authorities in PEM form; null: those of Node.js. */
  readonly ca: string | null;
}

/** Where a webhook has its secrets from. */
export interface Secrets {
  readonly current: WebhookSecrets;
  /** `onChange` after each change, until aborted. Never rejects. */
  follow(signal: AbortSignal, onChange: () => void): Promise<void>;
}

/**
 * Follows the files of one group. A file that becomes unusable changes nothing, but is logged without its content; only
 * the current secret is required.
 */
export class SecretFiles implements Secrets {
  readonly #folder: string;
  readonly #group: string;
  readonly #logger: Logger;
  #current: WebhookSecrets = { keys: [], ca: null };
  #lastFaults = '';

  constructor(folder: string, group: string, logger: Logger) {
    this.#folder = folder;
    this.#group = group;
    this.#logger = logger;
  }

  get current(): WebhookSecrets {
    return this.#current;
  }

  /** Reads the files until aborted; `onChange` after each read with a change. Never rejects. */
  async follow(signal: AbortSignal, onChange: () => void): Promise<void> {
    while (!signal.aborted) {
      if (await this.read()) onChange();
      // Only an abort ends this wait early.
      await delay(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Reads the files once. True when something changed. */
  async read(): Promise<boolean> {
    const files = webhookFiles(this.#group);
    const faults: string[] = [];
    const [current, previous] = files.secrets;
    const keys = [
      await this.#key(current, { isNeeded: true, faults }),
      await this.#key(previous, { isNeeded: false, faults }),
    ].filter((key) => key !== null);
    const ca = await this.#authorities(files.ca, faults);
    this.#report(faults);
    if (faults.length > 0) return false;
    const before = this.#current;
    const isSame =
      ca === before.ca &&
      keys.length === before.keys.length &&
      keys.every(({ bytes }, at) => before.keys[at]?.bytes.equals(bytes) === true);
    this.#current = { keys, ca };
    return !isSame;
  }

  async #key(name: string, { isNeeded, faults }: { isNeeded: boolean; faults: string[] }): Promise<SigningKey | null> {
    const text = await this.#text(name, isNeeded ? faults : null);
    if (text === null) return null;
    const parsed = parseSecret(text);
    if ('key' in parsed) return parsed.key;
    faults.push(`${name} ${parsed.fault}`);
    return null;
  }

  async #authorities(name: string, faults: string[]): Promise<string | null> {
    const text = await this.#text(name, null);
    if (text === null) return null;
    try {
      void new X509Certificate(text);
      return text;
    } catch {
      faults.push(`${name} does not hold a certificate in PEM form`);
      return null;
    }
  }

  /** Null when there is no such file, which is a fault if `faults` is given. */
  async #text(name: string, faults: string[] | null): Promise<string | null> {
    try {
      return await readText(join(this.#folder, name));
    } catch (error) {
      faults?.push(`${name} ${unreadable(error)}`);
      return null;
    }
  }

  #report(faults: readonly string[]): void {
    const text = faults.join('; ');
    if (text !== '' && text !== this.#lastFaults)
      this.#logger.error({ folder: this.#folder }, `the secrets of a webhook cannot be used: ${text}`);
    this.#lastFaults = text;
  }
}

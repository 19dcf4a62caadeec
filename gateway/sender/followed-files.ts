import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../runtime/logging/logger.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';

/** Interval between two reads of the files: a mounted Secret changes them. */
const EVERY_MS = 1_000;

/** Reads files of a folder, and collects what is wrong with them, without their content. */
export class FileReader {
  readonly faults: string[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Null when there is no such file, which is a fault if it is needed. */
  async text(name: string, isNeeded = false): Promise<string | null> {
    try {
      return await readText(join(this.#folder, name));
    } catch (error) {
      if (isNeeded) this.faults.push(`${name} ${unreadable(error)}`);
      return null;
    }
  }

  /** Authorities in PEM form; null when there is no such file. */
  async authorities(name: string): Promise<string | null> {
    const text = await this.text(name);
    if (text === null) return null;
    try {
      void new X509Certificate(text);
      return text;
    } catch {
      this.faults.push(`${name} does not hold a certificate in PEM form`);
      return null;
    }
  }
}

interface FollowedOptions<Content> {
  readonly folder: string;
  /** Whose secrets they are, in logs. */
  readonly title: string;
  readonly read: (reader: FileReader) => Promise<Content>;
  readonly logger: Logger;
}

/** Follows the files of one group. Files that become unusable change nothing, but are logged without their content. */
export class FollowedFiles<Content> {
  readonly #options: FollowedOptions<Content>;
  #current: Content | null = null;
  #lastFaults = '';

  constructor(options: FollowedOptions<Content>) {
    this.#options = options;
  }

  /** Null until they could be read once. */
  get current(): Content | null {
    return this.#current;
  }

  /** Reads the files until aborted; `onChange` after each read with a change. Never rejects. */
  async follow(signal: AbortSignal, onChange: () => void): Promise<void> {
    while (!signal.aborted) {
      if (await this.#read()) onChange();
      // Only an abort ends this wait early.
      await delay(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** True when something changed. */
  async #read(): Promise<boolean> {
    const { folder, read } = this.#options;
    const reader = new FileReader(folder);
    const content = await read(reader);
    this.#report(reader.faults);
    if (reader.faults.length > 0 || isDeepStrictEqual(content, this.#current)) return false;
    this.#current = content;
    return true;
  }

  #report(faults: readonly string[]): void {
    const { folder, title, logger } = this.#options;
    const text = faults.join('; ');
    if (text !== '' && text !== this.#lastFaults)
      logger.error({ folder }, `the secrets of ${title} cannot be used: ${text}`);
    this.#lastFaults = text;
  }
}

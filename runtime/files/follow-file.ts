import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readText } from './text-file.ts';

export interface FollowOptions {
  /** Stops following the file. */
  readonly signal: AbortSignal;
  /** Called with the first content and with each different one after it; awaited, so calls never overlap. */
  onContent(text: string): void | Promise<void>;
  /** The file cannot be read, or `onContent` threw. Called once for each kind of error until reading succeeds again. */
  onError(error: unknown): void;
  /** Time between two checks, default 500 ms; a change takes effect after at most two of them. */
  readonly intervalMs?: number;
}

const DEFAULT_INTERVAL_MS = 500;

/**
 * Follows a file's content. It polls `stat` instead of waiting for notifications: those name the old inode after an
 * editor's rename, and never fire for Kubernetes' `..data` symlink swap; `stat` follows both. Resolves when the first
 * content was delivered; rejects when the file cannot be read or its first content is refused.
 */
export async function followFile(path: string, options: FollowOptions): Promise<void> {
  options.signal.throwIfAborted();
  const seen = await fingerprint(path);
  const text = await readText(path);
  await options.onContent(text);
  void look(path, { ...options, seen, digest: digestOf(text) });
}

async function look(path: string, options: FollowOptions & { seen: string; digest: string }): Promise<void> {
  const { signal, intervalMs = DEFAULT_INTERVAL_MS } = options;
  let { seen: delivered, seen: last, digest } = options;
  let lastError = '';
  for (;;) {
    try {
      await sleep(intervalMs, undefined, { signal, ref: false });
    } catch {
      return; // Only an abort ends this wait early.
    }
    try {
      const now = await fingerprint(path);
      // A writer may not have finished: a file is read only when it did not change for one interval.
      const settled = now === last;
      last = now;
      if (!settled || now === delivered) continue;
      const text = await readText(path);
      if ((await fingerprint(path)) !== now) continue;
      delivered = now;
      lastError = '';
      const digestNow = digestOf(text);
      if (digestNow === digest) continue;
      digest = digestNow;
      await options.onContent(text);
    } catch (error) {
      const message = String(error);
      if (message !== lastError) options.onError(error);
      lastError = message;
      // After an error the content is delivered again even if it is unchanged.
      digest = '';
    }
  }
}

/** Changes with every write, rename and symlink swap. */
async function fingerprint(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

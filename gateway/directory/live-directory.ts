import { followFile } from '../../runtime/files/follow-file.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { Directory, LiveDirectory } from './directory.ts';
import { describeFaults, DirectoryFault, type DirectoryFaultCode, type Fault } from './fault.ts';
import { parseDirectory } from './parse-directory.ts';
import { unreadable } from '../../runtime/files/text-file.ts';

/** For metrics and readiness. */
export interface DirectoryStatus {
  /** When the directory in force was loaded, Unix milliseconds. */
  readonly loadedAt: number;
  /** Faults in the latest version; 0 when it is in force, or when there was none. */
  readonly faults: number;
  /** When the directory server last confirmed this version, Unix milliseconds; null for a file. */
  readonly confirmedAt: number | null;
  /** Why an older version is in force; null when it is the latest. */
  readonly fault: DirectoryFaultCode | null;
}

export interface FollowedDirectory extends LiveDirectory, AsyncDisposable {
  readonly status: DirectoryStatus;
}

export interface LiveDirectoryOptions {
  readonly path: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Time between two checks of the file, default 500 ms. */
  readonly intervalMs?: number;
}

/**
 * Loads the directory and follows its file. Rejects with a DirectoryFault when the first content is not usable;
 * later faults are logged and the last good directory stays in force.
 */
export async function openLiveDirectory(options: LiveDirectoryOptions): Promise<FollowedDirectory> {
  const { path, logger } = options;
  const stop = new AbortController();
  const listeners = new Set<(directory: Directory) => void>();
  let current: Directory | null = null;
  let status: DirectoryStatus = { loadedAt: 0, faults: 0, confirmedAt: null, fault: null };

  const refuse = (code: DirectoryFaultCode, faults: readonly Fault[]) => {
    status = { ...status, faults: faults.length, fault: code };
    logger.error(
      { path, faults: faults.length },
      `the directory file is invalid; the last good one stays in force\n${describeFaults(faults)}`,
    );
  };
  const onContent = (text: string) => {
    const parsed = parseDirectory(text);
    if (!parsed.ok) {
      if (current === null) throw new DirectoryFault('directory_invalid', parsed.faults);
      return refuse('directory_invalid', parsed.faults);
    }
    current = parsed.directory;
    status = { loadedAt: Date.now(), faults: 0, confirmedAt: null, fault: null };
    logger.info({ path, accounts: current.accounts.size }, 'the directory is in force');
    for (const listener of listeners) listener(current);
  };
  const onError = (error: unknown) => refuse('directory_unreadable', [unreadableFile(error)]);

  const signal = AbortSignal.any([options.signal, stop.signal]);
  const { intervalMs } = options;
  try {
    await followFile(path, { signal, onContent, onError, ...(intervalMs !== undefined && { intervalMs }) });
  } catch (error) {
    if (error instanceof DirectoryFault || signal.aborted) throw error;
    throw new DirectoryFault('directory_unreadable', [unreadableFile(error)], { cause: error });
  }
  return {
    get current() {
      if (current === null) throw new Error('unreachable: the first content was awaited');
      return current;
    },
    get status() {
      return status;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      listeners.clear();
    },
  };
}

function unreadableFile(error: unknown): Fault {
  return { where: 'the file', message: unreadable(error) };
}

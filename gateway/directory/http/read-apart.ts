import { on } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { directoryOf, DirectoryIndex, type IndexedDirectory, type TreeAccount } from '../directory-index.ts';
import { DirectoryFault, type DirectoryFaultCode, type Fault } from '../fault.ts';
import type { AccountRow, FromReader, ToReader, UserRow } from './messages.ts';
import { MAX_ENTRIES, type SnapshotFormat } from './snapshot.ts';

export interface Reading {
  readonly body: AsyncIterable<Uint8Array>;
  readonly format: SnapshotFormat;
  /** Digest of the snapshot in force: equal bytes are not read again. */
  readonly known: string | null;
  /** Whether the bytes are wanted as gzip. */
  readonly pack: boolean;
  readonly signal: AbortSignal;
}

export interface ReadSnapshot {
  readonly directory: IndexedDirectory;
  /** SHA-256 of the bytes, base64. */
  readonly digest: string;
  readonly packed: Uint8Array | null;
}

/** Time limit for reading the snapshot. */
const LIMIT_MS = 120_000;
const MEBIBYTE = 1024 * 1024;
const LEAST_HEAP_MB = 256;
const MOST_HEAP_MB = 3_072;

/**
 * Reads a snapshot in a thread of its own, which ends with it. The event loop is kept for about a millisecond at a time.
 * Null: it is the known one. Rejects with a DirectoryFault.
 */
export async function readApart({ body, format, known, pack, signal }: Reading): Promise<ReadSnapshot | null> {
  const worker = new Worker(new URL('read-worker.ts', import.meta.url), {
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapLimit() },
  });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  // An error of the thread rejects the next read.
  const messages = on(worker, 'message', { signal: limit }) as AsyncIterableIterator<[FromReader]>;
  const receive = async (): Promise<FromReader> => {
    const { value, done } = await messages.next();
    if (done === true) throw new Error('unreachable: the reader ends when it is told to');
    return value[0];
  };
  const tell = (message: ToReader) => worker.postMessage(message, []);
  try {
    for await (const part of body) {
      // Copied: posting a view would send its whole buffer.
      const bytes = new Uint8Array(part);
      worker.postMessage({ kind: 'chunk', bytes } satisfies ToReader, [bytes.buffer]);
    }
    tell({ kind: 'end', format, known, pack });
    const answer = await receive();
    if (answer.kind === 'same') return null;
    if (answer.kind !== 'read') throw refusal(answer);
    const { digest, packed } = answer;
    const index = await collect(receive, () => tell({ kind: 'next' }));
    return { directory: directoryOf(index), digest, packed };
  } catch (error) {
    throw error instanceof DirectoryFault || signal.aborted ? error : unread(error, limit.aborted);
  } finally {
    await messages.return?.();
    await worker.terminate();
  }
}

/** Parts that the reader prepares in advance, since on a busy machine it waits for the processor. */
const AHEAD = 4;

/** Parts of 1,000 entries, each in its own turn of the event loop. */
async function collect(receive: () => Promise<FromReader>, askNext: () => void): Promise<DirectoryIndex> {
  const index = new DirectoryIndex();
  for (let ahead = 0; ahead < AHEAD; ahead += 1) askNext();
  for (;;) {
    const part = await receive();
    askNext();
    if (part.kind === 'accounts') for (const row of part.rows) addAccount(index, row);
    else if (part.kind === 'users') for (const row of part.rows) addUser(index, row);
    else if (part.kind === 'realms') for (const [realm, id] of part.rows) index.realms.set(realm, known(index, id));
    else if (part.kind === 'names') for (const [name, id] of part.rows) index.addName(name, known(index, id));
    else if (part.kind === 'done') return index;
    else throw new Error(`unreachable: the reader has answered ${part.kind}`);
    await setImmediate();
  }
}

function addAccount(index: DirectoryIndex, [id, name, realm, above, enabled]: AccountRow): void {
  index.addAccount({ id, name, realm, parent: above === null ? null : known(index, above), enabled });
}

function addUser(index: DirectoryIndex, [key, username, id, passwordHash, enabled, privacy]: UserRow): void {
  index.setUser(key, { username, account: known(index, id), passwordHash, enabled, privacy });
}

function known({ accounts }: DirectoryIndex, id: string): TreeAccount {
  const account = accounts.get(id);
  if (account === undefined) throw new Error('unreachable: the reader sends accounts before what refers to them');
  return account;
}

function refusal(answer: FromReader): DirectoryFault {
  if (answer.kind === 'faulty') {
    const more = answer.count - answer.faults.length;
    const rest = more > 0 ? [{ where: 'the directory', message: `has ${more} more faults` }] : [];
    return new DirectoryFault('directory_invalid', [...answer.faults, ...rest]);
  }
  if (answer.kind !== 'too_large') throw new Error(`unreachable: the reader has answered ${answer.kind}`);
  return fault('directory_too_large', `has ${answer.entries} entries of a kind, and at most ${MAX_ENTRIES} are read`);
}

function unread(error: unknown, isLate: boolean): DirectoryFault {
  if (isLate) return fault('directory_timeout', `could not be read within ${LIMIT_MS} ms`);
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return fault('directory_too_large', 'does not fit into memory');
  throw error;
}

function fault(code: DirectoryFaultCode, message: string): DirectoryFault {
  const one: Fault = { where: 'the directory', message };
  return new DirectoryFault(code, [one]);
}

/** Half of the free memory of the container or machine: a snapshot that is too large ends the thread, not the process. */
function heapLimit(): number {
  const half = Math.floor(process.availableMemory() / 2 / MEBIBYTE);
  return Math.min(MOST_HEAP_MB, Math.max(LEAST_HEAP_MB, half));
}

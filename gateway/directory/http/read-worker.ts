import { createHash } from 'node:crypto';
import { getPriority, setPriority } from 'node:os';
import { readlinkSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import type { IndexedDirectory } from '../directory-index.ts';
import { foldDomain } from '../fold.ts';
import { directoryFrom } from '../parse-directory.ts';
import { readJsonEntries, readLineEntries } from '../read-entries.ts';
import type { FromReader, ToReader } from './messages.ts';
import { MAX_ENTRIES, type SnapshotFormat } from './snapshot.ts';

/** Runs in its own thread: reads one snapshot and posts it in small parts. */

const PART = 1_000;
const TOLD_FAULTS = 100;
/** Added to the nice value of the process for this thread: events come first where both want a core. */
const LESS_PRIORITY = 10;
const LEAST_PRIORITY = 19;

const port = parentPort;
if (port === null) throw new Error('unreachable: this module is the entry of a thread');
lowerPriority();

const chunks: Uint8Array[] = [];
let parts: Iterator<FromReader> | null = null;

port.on('message', (message: ToReader) => {
  if (message.kind === 'chunk') chunks.push(message.bytes);
  else if (message.kind === 'end') answer(firstAnswer(message));
  else answer(parts?.next().value ?? { kind: 'done' });
});

function answer(message: FromReader): void {
  port?.postMessage(message);
}

function firstAnswer({ format, known, pack }: Extract<ToReader, { kind: 'end' }>): FromReader {
  const bytes = Buffer.concat(chunks);
  chunks.length = 0;
  const digest = createHash('sha256').update(bytes).digest('base64');
  if (digest === known) return { kind: 'same' };
  const entries = entriesOf(bytes, format);
  const most = Math.max(entries.accounts.length, entries.users.length);
  if (most > MAX_ENTRIES) return { kind: 'too_large', entries: most };
  const parsed = directoryFrom(entries);
  if (!parsed.ok) return { kind: 'faulty', faults: parsed.faults.slice(0, TOLD_FAULTS), count: parsed.faults.length };
  parts = partsOf(parsed.directory);
  const packed = pack ? gzipSync(bytes, { level: 1 }) : null;
  return { kind: 'read', digest, packed };
}

function entriesOf(bytes: Buffer, format: SnapshotFormat) {
  return format === 'json' ? readJsonEntries(bytes.toString('utf8')) : readLineEntries(linesOf(bytes));
}

function* linesOf(bytes: Buffer): IterableIterator<string> {
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(0x0a, start);
    const end = found === -1 ? bytes.length : found;
    yield bytes.toString('utf8', start, end);
    start = end + 1;
  }
}

function* partsOf({ index }: IndexedDirectory): IterableIterator<FromReader> {
  for (const part of sliced(index.accounts.values())) {
    const rows = part.map(
      ({ id, name, realm, parent, enabled }) => [id, name, realm, parent?.id ?? null, enabled] as const,
    );
    yield { kind: 'accounts', rows };
  }
  for (const part of sliced(index.realms)) yield { kind: 'realms', rows: part.map(([key, { id }]) => [key, id]) };
  for (const part of sliced(index.accounts.values())) {
    yield { kind: 'names', rows: part.map(({ id, name }) => [foldDomain(name), id] as const) };
  }
  for (const part of sliced(index.users)) {
    const rows = part.map(
      ([key, { username, account, passwordHash, enabled, privacy }]) =>
        [key, username, account.id, passwordHash, enabled, privacy] as const,
    );
    yield { kind: 'users', rows };
  }
}

function* sliced<T>(values: Iterable<T>): IterableIterator<T[]> {
  let part: T[] = [];
  for (const value of values) {
    part.push(value);
    if (part.length < PART) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** Only Linux has priorities of threads (sched(7)); `/proc/thread-self` is this one. */
function lowerPriority(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, Math.min(LEAST_PRIORITY, getPriority() + LESS_PRIORITY));
  } catch {
    // Another system, or a sandbox forbids it: reading then competes with events.
  }
}

import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { META_KEY } from '../protocol/event-meta.ts';
import { CAPTURE_KINDS, type CaptureKind } from '../source/capture/capture-kinds.ts';
import { mapCapture, type CaptureOptions } from '../source/capture/map-capture.ts';
import { DROP_TEXTS } from '../source/capture/drop-texts.ts';
import type { Drop, DropReason, MappedEvent } from '../source/mapper.ts';
import { readMappingFile, type MappingFile } from '../source/mapping-file.ts';
import { defaultMappingOptions, mappingOptions } from '../source/mapping-options.ts';
import { USAGE } from './program.ts';
import { printable, type Terminal } from './terminal.ts';

export interface SourceMapFlags {
  readonly as?: string;
  readonly config?: string;
  readonly endpoint?: string;
  readonly meta?: boolean;
}

const ENDPOINT = 'asterisk';
const ENDPOINT_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Lines of one kind on the standard error; the rest is counted. */
const MAX_SHOWN = 100;
const NO_DESTROY = 'the capture has no CHANNEL_DESTROY, with which a leg ends: CHANNEL_HANGUP is not its end';

/**
 * Prints events to the output; faults, and a summary of dropped events with reasons, to the errors. Returns the exit
 * code.
 */
export async function sourceMapCommand(file: string, flags: SourceMapFlags, terminal: Terminal): Promise<number> {
  const read = await readOptions(flags);
  if ('faults' in read) {
    for (const fault of read.faults) terminal.errors.write(`error: ${fault}\n`);
    return USAGE;
  }
  for (const note of read.notes) terminal.errors.write(`note: ${note}\n`);
  const input = file === '-' ? terminal.input : createReadStream(file);
  const print = flags.meta === true ? withMeta : ({ json }: MappedEvent) => json;
  try {
    return await mapInto(terminal, { file, input: input as AsyncIterable<Buffer> }, read.options, print);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The reader of the output has ended.
    if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return 0;
    if (code === undefined || !(error instanceof Error) || !('syscall' in error)) throw error;
    terminal.errors.write(`error: ${file}: cannot be read (${code})\n`);
    return USAGE;
  }
}

async function mapInto(
  { output, errors }: Terminal,
  { file, input }: { readonly file: string; readonly input: AsyncIterable<Buffer | string> },
  options: CaptureOptions,
  textOf: (event: MappedEvent) => string,
): Promise<number> {
  const summary = createSummary();
  const broken = new Promise<never>((_, reject) => output.once('error', reject));
  // Each waiting write races with it; while none waits, the next write reports the error.
  broken.catch(() => undefined);
  const print = async (events: readonly MappedEvent[]) => {
    for (const event of events) {
      summary.noteEvent(event);
      if (!output.write(`${textOf(event)}\n`)) await Promise.race([once(output, 'drain'), broken]);
    }
  };
  for await (const step of mapCapture(options, asBuffers(input))) {
    if (step.kind === 'fault') {
      if (summary.noteFault() <= MAX_SHOWN) errors.write(`error: ${file}:${step.place}: ${printable(step.detail)}\n`);
      continue;
    }
    await print(step.events);
    if (step.kind === 'mapped') summary.noteRead(step.dropped);
    else summary.noteLive(step.live);
  }
  for (const line of summary.lines(options.kind)) errors.write(`${line}\n`);
  return summary.faults() === 0 ? 0 : 1;
}

/** The event with the data that `meta=1` adds, as far as it is known before the log has the event. */
function withMeta({ json, eventId, account }: MappedEvent): string {
  return `${json.slice(0, -1)},"${META_KEY}":${JSON.stringify({ id: eventId, account_id: account || null })}}`;
}

async function* asBuffers(input: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  for await (const chunk of input) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

async function readOptions(
  flags: SourceMapFlags,
): Promise<
  { readonly options: CaptureOptions; readonly notes: readonly string[] } | { readonly faults: readonly string[] }
> {
  const faults: string[] = [];
  const kind = CAPTURE_KINDS.find((one) => one === flags.as);
  if (kind === undefined) faults.push(`--as names the switch: one of ${CAPTURE_KINDS.join(', ')}`);
  if (flags.endpoint !== undefined && !ENDPOINT_NAME.test(flags.endpoint)) {
    faults.push('--endpoint is a name of a-z, 0-9 and -, at most 63 characters');
  }
  const file = flags.config === undefined ? null : await readMappingFile(flags.config);
  if (file !== null) faults.push(...file.faults);
  if (kind === undefined || faults.length > 0) return { faults };
  return { options: optionsOf(kind, flags, file?.value ?? null), notes: notesOf(file?.value ?? null) };
}

function optionsOf(kind: CaptureKind, flags: SourceMapFlags, file: MappingFile | null): CaptureOptions {
  return {
    ...(file === null ? defaultMappingOptions() : mappingOptions(file.mapping)),
    kind,
    park: file?.park ?? 'Valet',
    endpoint: flags.endpoint ?? file?.endpoint ?? ENDPOINT,
  };
}

function notesOf(file: MappingFile | null): readonly string[] {
  return file?.fromDirectory === true
    ? ['accounts.fromDirectory: no directory is read here, only the rules count']
    : [];
}

interface Summary {
  noteEvent(event: MappedEvent): void;
  noteRead(dropped: Drop | null): void;
  /** Returns the present number. */
  noteFault(): number;
  noteLive(legs: readonly string[]): void;
  faults(): number;
  lines(kind: CaptureKind): readonly string[];
}

function createSummary(): Summary {
  const [mapped, accounts, synthetic, dropped, reasons] = [counter(), counter(), counter(), counter(), counter()];
  let [read, faults] = [0, 0];
  let live: readonly string[] = [];
  return {
    noteEvent(event) {
      mapped.add(event.name);
      accounts.add(event.account === '' ? '(no account: reaches nobody)' : event.account);
      if (event.synthetic !== null) synthetic.add(`${event.name} ${event.synthetic}`);
    },
    noteRead(drop) {
      read += 1;
      if (drop === null) return;
      dropped.add(`${drop.reason} ${drop.what}`);
      reasons.add(drop.reason);
    },
    noteFault: () => (faults += 1),
    noteLive: (legs) => void (live = legs),
    faults: () => faults,
    lines: (kind) => [
      `read: ${read} events; mapped: ${mapped.total()}; dropped: ${dropped.total()}; lines that could not be read: ${faults}`,
      ...mapped.lines('mapped'),
      ...accounts.lines('account'),
      ...synthetic.lines('synthetic'),
      ...dropped.lines('dropped'),
      ...reasons.lines('reason', (reason) => DROP_TEXTS[reason as DropReason]),
      ...(live.length === 0 ? [] : [`legs without an end: ${live.length}`]),
      ...live.slice(0, MAX_SHOWN).map((leg) => `  open: ${printable(leg)}`),
      ...(live.length > 0 && mapped.of('CHANNEL_DESTROY') === 0 && kind === 'freeswitch' ? [NO_DESTROY] : []),
      ...(mapped.total() === 0 ? [`nothing was mapped: is this a capture of ${kind}?`] : []),
    ],
  };
}

function counter() {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    add(key: string) {
      total += 1;
      const known = counts.has(key) || counts.size < MAX_SHOWN ? key : '(others)';
      counts.set(known, (counts.get(known) ?? 0) + 1);
    },
    total: () => total,
    of: (key: string) => counts.get(key) ?? 0,
    lines: (what: string, explain?: (key: string) => string) =>
      [...counts]
        .toSorted(([a], [b]) => a.localeCompare(b))
        .map(
          ([key, count]) => `  ${what}: ${printable(key)} ${count}${explain === undefined ? '' : `: ${explain(key)}`}`,
        ),
  };
}

import { z } from 'zod';
import { DEAD_LETTERS_PATH } from '../protocol/paths.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { answering, CommandFault, openEndpoint, type Ask } from './administration.ts';
import { columns } from './columns.ts';
import { printable, type Terminal } from './terminal.ts';

export interface DeadLetterFlags {
  readonly group: string;
  /** Only this account's dead letters. */
  readonly account?: string;
  readonly json?: boolean;
}

const letter = z.object({
  id: z.string(),
  entry: z.string(),
  eventId: z.string(),
  name: z.string(),
  account: z.string(),
  callId: z.string(),
  reason: z.string(),
  attempts: z.number(),
  error: z.string(),
});
type Letter = z.output<typeof letter>;
const page = z.object({ dead_letters: z.array(letter), next: z.string().nullable() });
const whole = letter.extend({ data: z.string() });
const redriven = z.object({ entry: z.string() });
const COLUMNS = ['id', 'eventId', 'name', 'account', 'callId', 'reason', 'attempts', 'error'] as const;
const PAGE_SIZE = 1_000;

/** Output of a command, and its request. */
interface Asked {
  readonly terminal: Terminal;
  readonly ask: Ask;
  /** Path of the group's dead letters. */
  readonly path: string;
  readonly account: string | null;
}

async function listOf({ ask, path, account }: Asked): Promise<readonly Letter[]> {
  const letters: Letter[] = [];
  const wanted = { limit: String(PAGE_SIZE), ...(account !== null && { account }) };
  let query: URLSearchParams | null = new URLSearchParams(wanted);
  while (query !== null) {
    const { dead_letters, next }: z.output<typeof page> = await ask(`${path}?${query.toString()}`, page);
    letters.push(...dead_letters);
    query = next === null ? null : new URLSearchParams({ ...wanted, after: next });
  }
  return letters;
}

/** Prints the dead letters of a group. Returns the exit code. */
export function listCommand(flags: DeadLetterFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return asking(flags, terminal, environment, async (asked) => {
    const letters = await listOf(asked);
    terminal.output.write(flags.json === true ? json({ dead_letters: letters }) : columns(COLUMNS, letters));
  });
}

/** Prints one dead letter, and its event byte for byte in the last line. Returns the exit code. */
export function showCommand(
  id: string,
  flags: DeadLetterFlags,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return asking(flags, terminal, environment, async ({ ask, path }) => {
    const found = await ask(`${path}/${encodeURIComponent(id)}`, whole);
    if (flags.json === true) {
      terminal.output.write(json(found));
      return;
    }
    const width = Math.max(...COLUMNS.map(({ length }) => length));
    for (const column of COLUMNS) {
      terminal.output.write(`${column.padEnd(width)}  ${printable(String(found[column]))}\n`);
    }
    terminal.output.write(`${printable(found.data)}\n`);
  });
}

/** Puts dead letters back at the end of the log, one after the other, and prints where. Returns the exit code. */
export function redriveCommand(
  ids: readonly string[],
  flags: DeadLetterFlags & { readonly all?: boolean },
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  const isForAll = flags.all === true || flags.account !== undefined;
  if (isForAll === ids.length > 0) {
    const ways = 'by their ids, all of the group by --all, or all of one account of it by --account';
    const fault = new CommandFault('usage', `name the dead letters ${ways}`);
    return answering(terminal, () => Promise.reject(fault));
  }
  return asking(flags, terminal, environment, async (asked) => {
    const wanted = isForAll ? (await listOf(asked)).map(({ id }) => id) : ids;
    const done: { id: string; entry: string }[] = [];
    try {
      for (const id of wanted) {
        const { entry } = await asked.ask(`${asked.path}/${encodeURIComponent(id)}/redrive`, redriven, {});
        done.push({ id, entry });
        if (flags.json !== true) terminal.output.write(`${printable(id)} is back in the log as ${printable(entry)}\n`);
      }
    } finally {
      // An error after some of them must not hide which ones were redriven.
      if (flags.json === true) terminal.output.write(json({ redriven: done }));
    }
  });
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function asking(
  flags: DeadLetterFlags,
  terminal: Terminal,
  environment: Environment,
  run: (asked: Asked) => Promise<void>,
): Promise<number> {
  return answering(terminal, async () => {
    const ask = await openEndpoint(environment);
    await run({
      terminal,
      ask,
      path: `${DEAD_LETTERS_PATH}/${encodeURIComponent(flags.group)}`,
      account: flags.account ?? null,
    });
  });
}

import { z } from 'zod';
import { DEAD_LETTERS_PATH } from '../protocol/paths.ts';
import { answering, openEndpoint, type Ask, type EndpointFlags, type Environment } from './administration.ts';
import { printable, type Terminal } from './terminal.ts';

export interface DeadLetterFlags extends EndpointFlags {
  readonly group: string;
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
const page = z.object({ dead_letters: z.array(letter), next: z.string().nullable() });
const whole = letter.extend({ data: z.string() });
const redriven = z.object({ entry: z.string() });
const COLUMNS = ['id', 'eventId', 'name', 'account', 'callId', 'reason', 'attempts', 'error'] as const;
const A_PAGE = 1_000;

/** A run of one of the commands below, with an endpoint to ask. Returns the exit code. */
function asked(flags: DeadLetterFlags, terminal: Terminal, environment: Environment) {
  return (run: (ask: Ask, path: string) => Promise<void>): Promise<number> =>
    answering(terminal, async () => {
      const ask = await openEndpoint(flags, environment);
      await run(ask, `${DEAD_LETTERS_PATH}/${encodeURIComponent(flags.group)}`);
    });
}

/** Prints the dead letters of a group, a line each, columns apart by tabs. Returns the exit code. */
export function listCommand(flags: DeadLetterFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return asked(
    flags,
    terminal,
    environment,
  )(async (ask, path) => {
    let query: URLSearchParams | null = new URLSearchParams({ limit: String(A_PAGE) });
    let isFirst = true;
    while (query !== null) {
      const { dead_letters: letters, next }: z.output<typeof page> = await ask(`${path}?${query.toString()}`, page);
      if (isFirst) terminal.output.write(`${COLUMNS.join('\t')}\n`);
      isFirst = false;
      for (const one of letters) {
        terminal.output.write(`${COLUMNS.map((column) => printable(String(one[column]))).join('\t')}\n`);
      }
      query = next === null ? null : new URLSearchParams({ limit: String(A_PAGE), after: next });
    }
  });
}

/** Prints one dead letter, and its event as it came in the last line. Returns the exit code. */
export function showCommand(
  id: string,
  flags: DeadLetterFlags,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return asked(
    flags,
    terminal,
    environment,
  )(async (ask, path) => {
    const { data, ...rest } = await ask(`${path}/${encodeURIComponent(id)}`, whole);
    for (const column of COLUMNS) terminal.output.write(`${column}\t${printable(String(rest[column]))}\n`);
    terminal.output.write(`${printable(data)}\n`);
  });
}

/** Puts dead letters back at the end of the log, one after the other, and says where. Returns the exit code. */
export function redriveCommand(
  ids: readonly string[],
  flags: DeadLetterFlags,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return asked(
    flags,
    terminal,
    environment,
  )(async (ask, path) => {
    for (const id of ids) {
      const { entry } = await ask(`${path}/${encodeURIComponent(id)}/redrive`, redriven, {});
      terminal.output.write(`${printable(id)} is back in the log as ${printable(entry)}\n`);
    }
  });
}

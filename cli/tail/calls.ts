import { Firehose, type CallChange, type LiveCalls } from '../../clients/typescript/src/index.ts';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import type { Terminal } from '../terminal.ts';
import { boardLines, boardRow } from './board.ts';
import { openGateway, type ClientFlags } from './gateway.ts';
import { createPaint, hasColours } from './paint.ts';
import { Printer } from './printer.ts';
import { onClient } from './refusal.ts';

export interface CallsFlags extends ClientFlags {
  readonly once?: boolean;
}

/** Switches to the alternate screen without a cursor and without line wrap, and back. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
/** Erases the rest of a line, and all lines below. */
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const REDRAW_MS = 250;

/**
 * Shows the live calls: a table that follows them at a terminal, else one JSON line for each change. Returns the exit
 * code.
 */
export function callsCommand(flags: CallsFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return onClient(terminal, async () => {
    const gateway = await openGateway(flags, terminal, environment);
    using printer = new Printer(terminal);
    const isTerminal = terminal.output.isTTY === true;
    const isPretty = flags.json !== true && (flags.pretty === true || isTerminal);
    const isLive = isPretty && isTerminal && flags.once !== true;
    // At a live table, a line about a reconnect would destroy the display: the table itself says when it is not
    // current.
    const calls = new Firehose(isLive ? { ...gateway, log: () => undefined } : gateway).calls({
      signal: printer.signal,
    });
    const paint = createPaint(hasColours(isTerminal, environment));
    const view = (rows: number | null) =>
      boardLines({ calls: calls.values(), isCurrent: calls.isCurrent, now: Date.now(), rows }, paint);
    if (isLive) return await showBoard(calls, terminal, view);
    for await (const change of calls) {
      if (change.type === 'gap') {
        terminal.errors.write(`gap: events were lost (${change.reason}): a new snapshot follows\n`);
        continue;
      }
      const isWhole = change.type === 'snapshot';
      if (!isPretty) await printer.write(linesOf(change, calls));
      else if (isWhole) await printer.write(`${view(null).join('\n')}\n`);
      else await printer.write(`${change.type.padEnd(8)} ${boardRow(change.call, Date.now(), paint)}\n`);
      if (printer.isGone || (isWhole && flags.once === true)) break;
    }
    await printer.finish();
  });
}

type Known = Exclude<CallChange, { type: 'gap' }>;

function linesOf(change: Known, calls: LiveCalls): string {
  const all =
    change.type === 'snapshot' ? [change, ...[...calls.values()].map((call) => ({ type: 'call', call }))] : [change];
  return all.map((one) => `${JSON.stringify(one)}\n`).join('');
}

/** Redraws the table after a change, and each second because of its times. */
async function showBoard(
  calls: LiveCalls,
  { output }: Terminal,
  view: (rows: number | null) => readonly string[],
): Promise<void> {
  let [changed, drawn] = [true, 0];
  const draw = () => {
    const now = Date.now();
    if (!changed && now - drawn < 1_000) return;
    [changed, drawn] = [false, now];
    const lines = view(output.rows ?? null).map((line) => `${line}${CLEAR_LINE}\n`);
    output.write(`${HOME}${lines.join('')}${CLEAR_BELOW}`);
  };
  output.write(ENTER);
  const drawing = setInterval(draw, REDRAW_MS);
  try {
    for await (const change of calls) {
      changed = true;
      if (change.type === 'snapshot') draw();
    }
  } finally {
    clearInterval(drawing);
    output.write(LEAVE);
  }
}

import type { Call } from '../../clients/typescript/src/index.ts';
import { printable } from '../terminal.ts';
import { cell, type Colour, type Paint } from './paint.ts';

const COLOURS: Readonly<Record<Call['state'], Colour>> = {
  ringing: 'fresh',
  answered: 'good',
  held: 'busy',
  parked: 'busy',
  uncertain: 'bad',
};
const HEADINGS = { state: 9, since: 8, account: 14, from: 20, to: 20 };

export interface BoardView {
  readonly calls: Iterable<Call>;
  /** False while a gap is not closed. */
  readonly isCurrent: boolean;
  /** Unix milliseconds. */
  readonly now: number;
  /** Number of lines that fit; null for all. */
  readonly rows: number | null;
}

/** The table of live calls: a summary, headings, and one line for each call, the oldest call first. Pure. */
export function boardLines({ calls, isCurrent, now, rows }: BoardView, paint: Paint): readonly string[] {
  const all = [...calls].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  const most = rows === null ? all.length : Math.max(1, rows - 3);
  const shown = all.length > most ? all.slice(0, most - 1) : all;
  const left = all.length - shown.length;
  const headings = Object.entries(HEADINGS).map(([name, width]) => cell(name.toUpperCase(), width));
  return [
    summary(all, paint) + (isCurrent ? '' : paint('bad', '  (events were lost: waiting for a new snapshot)')),
    paint('dim', [...headings, 'CALL-ID'].join('  ')),
    ...shown.map((call) => boardRow(call, now, paint)),
    ...(left > 0 ? [paint('dim', `and ${left} more`)] : []),
  ];
}

function summary(calls: readonly Call[], paint: Paint): string {
  const states = Map.groupBy(calls, ({ state }) => state);
  const counts = (Object.keys(COLOURS) as Call['state'][])
    .filter((state) => states.has(state))
    .map((state) => paint(COLOURS[state], `${states.get(state)?.length} ${state}`));
  return [paint('bold', `${calls.length} live ${calls.length === 1 ? 'call' : 'calls'}`), ...counts].join('  ');
}

/** The line of one call. Pure. */
export function boardRow(call: Call, now: number, paint: Paint): string {
  const { state, account_id: account, caller_number: caller, callee_number: callee, dialled_number: dialled } = call;
  return [
    paint(COLOURS[state], cell(state, HEADINGS.state)),
    cell(duration(now - Date.parse(call.state_since)), HEADINGS.since),
    cell(printable(account), HEADINGS.account),
    cell(printable(caller ?? call.from ?? '-'), HEADINGS.from),
    cell(printable(callee ?? dialled ?? call.to ?? '-'), HEADINGS.to),
    paint('dim', printable(call.call_id)),
  ].join('  ');
}

function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${two(minutes)}:${two(seconds % 60)}`;
}

import { fileCursor } from '../../clients/typescript/src/file-cursor.ts';
import {
  Firehose,
  type Delivery,
  type EventItem,
  type GapItem,
  type StreamItem,
} from '../../clients/typescript/src/index.ts';
import { META_KEY } from '../../protocol/event-meta.ts';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { CommandFault } from '../administration.ts';
import { printable, type Terminal } from '../terminal.ts';
import { boardLines } from './board.ts';
import { eventRow } from './event-row.ts';
import { openGateway, type ClientFlags } from './gateway.ts';
import { createPaint, hasColours, type Paint } from './paint.ts';
import { Printer } from './printer.ts';
import { onClient } from './refusal.ts';

export interface TailFlags extends ClientFlags {
  readonly events?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cursorFile?: string;
  readonly failOnGap?: boolean;
  readonly snapshot?: boolean;
  readonly group?: string;
  readonly count?: string;
}

/** The printed form of each item. */
interface Form {
  readonly event: (item: EventItem | Delivery) => string;
  readonly snapshot: (item: Extract<StreamItem, { type: 'snapshot' }>) => string;
}

/** Prints call events until a signal, `--to`, `--count` or the end of the reader. Returns the exit code. */
export function tailCommand(flags: TailFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return onClient(terminal, async () => {
    const most = judge(flags);
    const events = flags.events?.split(',').map((name) => name.trim());
    const gateway = await openGateway(flags, terminal, environment, events);
    using printer = new Printer(terminal);
    const items = open(new Firehose(gateway), flags, printer.signal);
    const form = formOf(flags, terminal, environment);
    let printed = 0;
    for await (const item of items) {
      if (item.type === 'gap') {
        terminal.errors.write(`${gapText(item)}\n`);
        continue;
      }
      await printer.write(item.type === 'snapshot' ? form.snapshot(item) : form.event(item));
      // Does not keep its cursor and does not acknowledge it, because no reader has it.
      if (printer.isGone) break;
      if (item.type === 'snapshot') continue;
      if (item.type === 'delivery') item.ack();
      printed += 1;
      // Requesting the next item keeps the cursor of this one; the stream ends then.
      if (printed >= most) printer.stop();
    }
    await printer.finish();
  });
}

/** How many events to print. Throws a CommandFault that names every contradiction. */
function judge({ group, from, to, cursorFile, snapshot, failOnGap, count, events }: TailFlags): number {
  const faults: string[] = [];
  if (group !== undefined && (from ?? to ?? cursorFile ?? snapshot ?? failOnGap) !== undefined) {
    faults.push(
      '--group: the gateway keeps its place: leave out --from, --to, --cursor-file, --snapshot, --fail-on-gap',
    );
  }
  if (snapshot === true && (from ?? to) !== undefined) faults.push('--snapshot is of now: leave out --from and --to');
  if (snapshot === true && failOnGap === true) faults.push('--snapshot heals a gap: leave out --fail-on-gap');
  if (to !== undefined && (from ?? cursorFile) === undefined) faults.push('--to needs --from or --cursor-file');
  if (count !== undefined && !/^[1-9]\d{0,8}$/.test(count)) faults.push('--count: a whole number from 1');
  if (events !== undefined && !/^ *[^,\s]+ *(, *[^,\s]+ *)*$/.test(events)) faults.push('--events: names with commas');
  if (faults.length > 0) throw new CommandFault('usage', faults.join('\n'));
  return count === undefined ? Number.POSITIVE_INFINITY : Number(count);
}

function open(firehose: Firehose, flags: TailFlags, signal: AbortSignal): AsyncIterable<StreamItem | Delivery> {
  const { group, from, to, cursorFile, failOnGap, snapshot } = flags;
  if (group !== undefined) return firehose.group(group, { signal });
  return firehose.stream({
    signal,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(cursorFile !== undefined && { cursorStore: fileCursor(cursorFile) }),
    ...(failOnGap === true && { onGap: 'fail' }),
    ...(snapshot === true && { snapshot }),
  });
}

function formOf({ json, pretty }: TailFlags, { output }: Terminal, environment: Environment): Form {
  const isTerminal = output.isTTY === true;
  if (json === true || (pretty !== true && !isTerminal)) return JSON_FORM;
  return prettyForm(createPaint(hasColours(isTerminal, environment)));
}

const JSON_FORM: Form = {
  event: (item) => `${JSON.stringify({ ...item.event, [META_KEY]: metaOf(item) })}\n`,
  snapshot: ({ cursor, reason, calls }) =>
    [{ type: 'snapshot', reason, cursor, calls: calls.length }, ...calls.map((call) => ({ type: 'call', call }))]
      .map((frame) => `${JSON.stringify({ [META_KEY]: frame })}\n`)
      .join(''),
};

function metaOf(item: EventItem | Delivery): object {
  const common = { id: item.id, account_id: item.account, ingested_at: item.ingestedAt };
  return item.type === 'delivery' ? { ...common, attempt: item.attempt } : { ...common, cursor: item.cursor };
}

function prettyForm(paint: Paint): Form {
  return {
    event: (item) => `${eventRow(item, paint)}\n`,
    snapshot: ({ calls }) =>
      boardLines({ calls, isCurrent: true, now: Date.now(), rows: null }, paint).join('\n') + '\n',
  };
}

function gapText({ reason, missed }: GapItem): string {
  return `gap: events were lost (${printable(reason)}${missed === null ? '' : `, at most ${missed}`})`;
}

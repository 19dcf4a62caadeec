import type { Ratio, Verdict } from './ratios.ts';
import { cpuPerDelivery, GENERATOR_LIMIT, isDisturbed, receiverShare, type Sample } from './sample.ts';

const VERDICTS: Readonly<Record<Verdict, string>> = {
  told: '-',
  goal: 'goal met',
  floor: 'above the floor',
  missed: 'FLOOR MISSED',
  unmeasured: 'NOT MEASURED',
};

/** Columns as wide as their widest cell; the first is text, the others are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}

const SAMPLE_HEAD = [
  'server',
  'conns',
  'filters',
  'offered',
  'delivered',
  'a second',
  'us/delivery',
  'user',
  'system',
  'server CPU',
  'core lost',
  'generator',
  'RSS MiB',
  'p50 ms',
  'p99 ms',
  'max ms',
];

/** The figures of one sample. Latencies are omitted if the load was not paced: those of a queue are meaningless. */
export function sampleRow(sample: Sample, paced: boolean): string[] {
  const { connections, filters, offered, end, deliveries, elapsedUs, serverCpu } = sample;
  const share = receiverShare(sample);
  const ms = (us: number) => (paced ? (us / 1000).toFixed(1) : '-');
  const each = (us: number) => (us / deliveries).toFixed(3);
  return [
    sample.name,
    String(connections),
    String(filters),
    offered === null ? '-' : whole(offered),
    whole(end.frames),
    whole((deliveries * 1e6) / elapsedUs),
    cpuPerDelivery(sample).toFixed(3),
    each(serverCpu.userUs),
    each(serverCpu.systemUs),
    percent((serverCpu.userUs + serverCpu.systemUs) / elapsedUs),
    `${percent(sample.waitedUs / elapsedUs)}${isDisturbed(sample) ? ' (!)' : ''}`,
    `${percent(share)}${share > GENERATOR_LIMIT ? ' (!)' : ''}`,
    (sample.residentBytes / 1024 / 1024).toFixed(0),
    ms(end.p50Us),
    ms(end.p99Us),
    ms(end.maxUs),
  ];
}

export function sampleTable(rows: readonly (readonly string[])[]): string {
  return table(SAMPLE_HEAD, rows);
}

export function ratioTable(ratios: readonly Ratio[]): string {
  const rows = ratios.map(({ target, value, least, most, verdict, counted, rounds, floor, goal, yardstick }) => {
    const figure = (number: number) => (Number.isFinite(number) ? `${precise(number)}${target.unit}` : 'none');
    const bound = (limit: number | null) =>
      limit === null
        ? '-'
        : `${target.better === 'higher' ? '>=' : '<='} ${Number(limit.toPrecision(3))}${target.unit}`;
    const range = `${figure(least)} to ${figure(most)}`;
    return [
      `${target.id.padEnd(4)}${target.what}`,
      figure(value),
      range,
      `${counted} of ${rounds}`,
      yardstick === null ? '-' : figure(yardstick),
      bound(floor),
      bound(goal),
      VERDICTS[verdict],
    ];
  });
  return table(['ratio', 'median', 'range', 'rounds', 'C floor', 'floor', 'goal', 'verdict'], rows);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function precise(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

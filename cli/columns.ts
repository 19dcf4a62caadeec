import { printable } from './terminal.ts';

/** Lines with aligned columns under a heading, two blanks between them. Control characters show as `?`. Pure. */
export function columns<Name extends string>(
  names: readonly Name[],
  rows: readonly Readonly<Record<Name, unknown>>[],
): string {
  const cells = [names, ...rows.map((row) => names.map((name) => printable(String(row[name]))))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const last = names.length - 1;
  const text = (line: readonly string[]) =>
    line.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0))).join('  ');
  return cells.map((line) => `${text(line)}\n`).join('');
}

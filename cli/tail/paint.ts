/** Colours of a terminal (ECMA-48 SGR), by their meaning. */
const CODES = { plain: '', dim: '2', good: '32', busy: '33', bad: '31', fresh: '36', bold: '1' } as const;
export type Colour = keyof typeof CODES;
export type Paint = (colour: Colour, text: string) => string;

/** Returns texts unchanged where `isOn` is false. Pure. */
export function createPaint(isOn: boolean): Paint {
  return (colour, text) => (isOn && colour !== 'plain' ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text);
}

/**
 * Whether to use colours: at a terminal that supports them, unless NO_COLOR is set and not empty (no-color.org). Pure.
 */
export function hasColours(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): boolean {
  return isTerminal && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
}

/** A text in a column of this width, cut with an ellipsis when it is longer. Pure. */
export function cell(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

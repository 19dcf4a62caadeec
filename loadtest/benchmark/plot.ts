/** One line of a plot, drawn through its points in the order of x. */
interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Plot {
  readonly title: string;
  /** Logarithmic axis. */
  readonly x: string;
  /** Linear axis from 0. */
  readonly y: string;
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [640, 360];
const AREA = { left: 64, right: 24, top: 40, bottom: 48 } as const;
/** The lines can be distinguished without colours: each has its name at its end. */
const COLOURS = ['#0b6e99', '#b3541e', '#4d7c0f', '#7e3ff2'] as const;

/** A plot as an SVG document, which needs nothing else to be shown. */
export function drawPlot({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  const [least, most] = [Math.min(...points.map((point) => point.x)), Math.max(...points.map((point) => point.x))];
  const decades = { from: Math.floor(Math.log10(least)), to: Math.ceil(Math.log10(most)) };
  if (decades.from === decades.to) decades.to += 1;
  const step = niceStep(Math.max(...points.map((point) => point.y)));
  const top = step * Math.ceil((Math.max(...points.map((point) => point.y)) || 1) / step);
  const across = (value: number) =>
    AREA.left + ((Math.log10(value) - decades.from) / (decades.to - decades.from)) * (WIDTH - AREA.left - AREA.right);
  const up = (value: number) => HEIGHT - AREA.bottom - (value / top) * (HEIGHT - AREA.top - AREA.bottom);

  const grid = [
    ...steps(0, top, step).map((value) => {
      const line = rule(AREA.left, up(value), WIDTH - AREA.right, up(value));
      return `${line}${text(AREA.left - 8, up(value) + 4, short(value), 'end')}`;
    }),
    ...steps(decades.from, decades.to, 1).map((power) => {
      const at = across(10 ** power);
      return `${rule(at, AREA.top, at, HEIGHT - AREA.bottom)}${text(at, HEIGHT - AREA.bottom + 18, short(10 ** power), 'middle')}`;
    }),
  ];
  const drawn = lines.map((line, at) => drawLine(line, COLOURS[at % COLOURS.length] ?? '#000', { across, up }));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(AREA.left, 22, title, 'start', 'font-size="14" font-weight="bold"'),
    ...grid,
    text((WIDTH + AREA.left) / 2, HEIGHT - 10, x, 'middle'),
    text(AREA.left, AREA.top - 6, y, 'start', 'fill="#555"'),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function drawLine(
  { name, points }: Line,
  colour: string,
  place: { across: (value: number) => number; up: (value: number) => number },
): string {
  const sorted = points
    .toSorted((a, b) => a.x - b.x)
    .map((point) => ({ x: place.across(point.x), y: place.up(point.y) }));
  const path = sorted.map((point) => `${round(point.x)},${round(point.y)}`).join(' ');
  const dots = sorted.map((point) => `<circle cx="${round(point.x)}" cy="${round(point.y)}" r="3" fill="${colour}"/>`);
  const end = sorted.at(-1) ?? { x: 0, y: 0 };
  const label = text(end.x - 4, end.y - 8, name, 'end', `fill="${colour}"`);
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${label}`;
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#ddd"/>`;
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', more = ''): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${more}>${escaped}</text>`;
}

function steps(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, at) => from + at * step);
}

/** 1, 2 or 5 times a power of ten, about five of which reach the top. */
function niceStep(top: number): number {
  const rough = (top || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
}

function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  if (value >= 1e4) return `${value / 1e3}k`;
  return String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

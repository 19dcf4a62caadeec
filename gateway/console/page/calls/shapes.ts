import { clock, gap, shortened } from '../base/format.ts';
import type { EventTone } from '../live/event-row.ts';
import type { Ladder, Phase, Step } from './ladder.ts';

/** What a ladder is drawn of, for the page and for a file alike. */
export type Shape =
  | {
      readonly kind: 'line';
      readonly x1: number;
      readonly y1: number;
      readonly x2: number;
      readonly y2: number;
      readonly tone: Tone;
      readonly isDashed?: boolean;
    }
  | {
      readonly kind: 'arrow';
      readonly x: number;
      readonly y: number;
      readonly points: 'left' | 'right';
      readonly tone: Tone;
    }
  | {
      readonly kind: 'bar';
      readonly x: number;
      readonly y: number;
      readonly height: number;
      readonly tone: Tone;
      readonly about: string;
    }
  | {
      readonly kind: 'text';
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly tone: Tone;
      readonly anchor: 'start' | 'middle' | 'end';
      readonly isStrong?: boolean;
    };
export type Tone = EventTone | 'faint';

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
  /** Where the rows of the steps begin, and how high each is. */
  readonly top: number;
  readonly row: number;
}

const GUTTER = 176;
const LANE = 190;
const TOP = 64;
const ROW = 34;
const MARGIN = 24;

/** Pure. */
export function drawingOf({ legs, steps }: Ladder): Drawing {
  const height = TOP + steps.length * ROW + MARGIN;
  const x = (lane: number) => GUTTER + lane * LANE;
  const width = x(legs.length) + LANE / 2 + MARGIN;
  const lanes: Shape[] = [
    ...heading(x(0), 'switch', ''),
    { kind: 'line', x1: x(0), y1: TOP - 12, x2: x(0), y2: height - 8, tone: 'faint' },
    ...legs.flatMap(({ lane, party, isInbound, callId }): Shape[] => [
      ...heading(x(lane), party, `${isInbound ? 'calls' : 'is called'} · ${shortened(callId, 13)}`),
      { kind: 'line', x1: x(lane), y1: TOP - 12, x2: x(lane), y2: height - 8, tone: 'faint' },
    ]),
  ];
  const bars = legs.flatMap(({ lane, phases }) => phases.map((phase) => bar(x(lane), phase, height)));
  return {
    width,
    height,
    top: TOP,
    row: ROW,
    shapes: [...lanes, ...bars, ...steps.flatMap((step, i) => stepShapes(step, middle(i), x))],
  };
}

const middle = (index: number) => TOP + index * ROW + ROW / 2;

function heading(x: number, title: string, below: string): Shape[] {
  return [
    { kind: 'text', x, y: 22, text: shortened(title, 24), tone: 'plain', anchor: 'middle', isStrong: true },
    { kind: 'text', x, y: 39, text: below, tone: 'dim', anchor: 'middle' },
  ];
}

const BAR_TONES = { ringing: 'fresh', answered: 'good', held: 'busy', parked: 'busy' } as const;

function bar(x: number, { state, firstStep, lastStep, from, to }: Phase, height: number): Shape {
  const y = middle(firstStep);
  const end = lastStep === null ? height - 8 : middle(lastStep);
  const about = `${state}${to === null ? '' : ` for ${gap(to - from)}`}`;
  return { kind: 'bar', x, y, height: Math.max(2, end - y), tone: BAR_TONES[state], about };
}

function stepShapes(step: Step, y: number, x: (lane: number) => number): Shape[] {
  const { row, lane, otherLane, direction, tone, sinceMs } = step;
  const [from, to] =
    otherLane !== null ? [x(lane), x(otherLane)] : direction === 'to_switch' ? [x(lane), x(0)] : [x(0), x(lane)];
  const points = to > from ? 'right' : 'left';
  const inset = points === 'right' ? -5 : 5;
  const label = [row.name, row.state === null ? '' : shortened(row.state, 18)].filter((part) => part !== '').join('  ');
  return [
    { kind: 'text', x: 8, y: y + 4, text: clock(row.at), tone: 'dim', anchor: 'start' },
    {
      kind: 'text',
      x: GUTTER - 30,
      y: y + 4,
      text: sinceMs === null ? '' : `+${gap(sinceMs)}`,
      tone: sinceMs !== null && sinceMs >= 1_000 ? 'plain' : 'dim',
      anchor: 'end',
    },
    { kind: 'line', x1: from, y1: y, x2: to + inset, y2: y, tone, isDashed: otherLane !== null },
    { kind: 'arrow', x: to + inset, y, points, tone },
    { kind: 'text', x: labelAt(x, Math.max(lane, otherLane ?? 0)), y: y - 5, text: label, tone, anchor: 'middle' },
  ];
}

/** Beside the lane of the leg, where no other lane's label is. */
const labelAt = (x: (lane: number) => number, lane: number) => x(lane) - LANE / 2;

import { z } from 'zod';
import type { Position } from '../../protocol/position.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import type { Problem } from '../http/problem.ts';

const text = z.string().min(1).max(1_024);
/** The common part of both kinds of a question. */
export const eventKeys = {
  event: text,
  call_id: text.optional(),
  cursor: z.string().min(1).max(4_096).optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  group: text.optional(),
};

export interface AskedEvent {
  readonly event: string;
  readonly call_id?: string | undefined;
  readonly cursor?: string | undefined;
  readonly at?: string | undefined;
  readonly group?: string | undefined;
}

export interface QuestionPlace {
  readonly cursors: Pick<Cursors, 'open'>;
  readonly partitions: number;
  /** The declared groups. */
  readonly groups: readonly ConsumerGroup[];
}

export interface ReadEvent {
  readonly event: string;
  readonly callId: string | null;
  readonly cursor: Position | null;
  readonly at: number | null;
  readonly group: ConsumerGroup | null;
}

/** An invalid cursor is a fault; one of another log names no event. Pure. */
export function readEvent(asked: AskedEvent, place: QuestionPlace): ReadEvent | { readonly problem: Problem } {
  const { event, call_id: callId = null, cursor, at, group: name } = asked;
  const opened = cursor === undefined ? null : place.cursors.open(cursor, place.partitions);
  if (opened?.kind === 'invalid') {
    return {
      problem: { status: 400, code: 'invalid_cursor', detail: 'The cursor is not one of this log.', field: 'cursor' },
    };
  }
  const group = name === undefined ? null : place.groups.find((one) => one.name === name);
  if (group === undefined) {
    const names = place.groups.map((one) => one.name).join(', ');
    return {
      problem: {
        status: 400,
        code: 'unknown_group',
        detail: `The groups of this resource are: ${names}.`,
        field: 'group',
      },
    };
  }
  const position = opened?.kind === 'position' ? opened.position : null;
  return { event, callId, cursor: position, at: at === undefined ? null : Date.parse(at), group };
}

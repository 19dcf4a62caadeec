import { list, object, text, type Json } from '../base/read.ts';

/** A live leg as the table of calls shows it. */
export interface LiveCall {
  readonly id: string;
  readonly account: string;
  readonly state: string;
  readonly direction: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly createdAt: string | null;
  readonly stateSince: string | null;
  readonly isRecorded: boolean;
  readonly parkingSlot: string | null;
}

/** Reads an answer with live calls. Pure. */
export function callsOf(answer: Json): readonly LiveCall[] {
  return list(answer['calls']).map((value) => callOf(object(value)));
}

/** The answer as lines of frames, which has any number of calls, as the document of few. Pure. */
export function answerOfLines(lines: string): Json {
  const frames = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => object(object(JSON.parse(line))['_firehose']));
  const begin = frames.find(({ type }) => type === 'snapshot_begin');
  return { as_of: begin?.['as_of'], calls: frames.filter(({ type }) => type === 'call').map(({ call }) => call) };
}

function callOf(call: Json): LiveCall {
  return {
    id: text(call['call_id']) ?? '',
    account: text(call['account_id']) ?? '',
    state: text(call['state']) ?? '',
    direction: text(call['direction']),
    from: text(call['caller_number']) ?? text(call['from']),
    to: text(call['callee_number']) ?? text(call['dialled_number']) ?? text(call['to']),
    createdAt: text(call['created_at']),
    stateSince: text(call['state_since']),
    isRecorded: call['recording'] === true,
    parkingSlot: text(call['parking_slot']),
  };
}

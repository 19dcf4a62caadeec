import { callOf, type Call, type CallRecord } from '../../protocol/call.ts';

/**
 * Data of a call besides its start, answer and end, with the events that carry it. A client that does not get all of
 * these events sees none of the data: a part would show what a grant hides, and would remain on a board that never
 * receives its end.
 */
const SAID_BY = {
  held: ['CHANNEL_HOLD', 'CHANNEL_UNHOLD'],
  parked: ['PARK_PARKED', 'PARK_RETRIEVED'],
  uncertain: ['CHANNEL_DISCONNECTED', 'CHANNEL_CONNECTED'],
  recording: ['RECORD_START', 'RECORD_STOP'],
  other: ['CHANNEL_BRIDGE', 'CHANNEL_UNBRIDGE'],
} as const satisfies Record<string, readonly string[]>;

type Said = keyof typeof SAID_BY;

/** How a client that gets only the events of these names sees a call. Pure. */
export function shownTo(gets: (event: string) => boolean): (record: CallRecord) => Call {
  const hidden = new Set((Object.keys(SAID_BY) as Said[]).filter((said) => !SAID_BY[said].every(gets)));
  if (hidden.size === 0) return callOf;
  const hides = (state: string) => hidden.has(state as Said);
  return (record) => {
    const call = callOf(record);
    const isUncertain = call.state === 'uncertain' && hidden.has('uncertain');
    const state = isUncertain ? (record.state_before ?? 'answered') : call.state;
    const isHidden = hides(state);
    return {
      ...call,
      state: isHidden ? (call.answered_at === null ? 'ringing' : 'answered') : state,
      state_since: isUncertain || isHidden ? (call.answered_at ?? call.created_at) : call.state_since,
      parking_slot: hidden.has('parked') ? null : call.parking_slot,
      recording: call.recording && !hidden.has('recording'),
      other_call_id: hidden.has('other') ? null : call.other_call_id,
    };
  };
}

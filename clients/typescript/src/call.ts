/** State of a live leg. `uncertain`: its switch was lost. */
export type CallState = 'ringing' | 'answered' | 'held' | 'parked' | 'uncertain';

/**
 * A live leg. Every key is always present, and null while unknown. Times are RFC 3339. Further keys of a newer gateway
 * are kept.
 */
export interface Call {
  readonly call_id: string;
  readonly account_id: string;
  readonly state: CallState;
  readonly direction: 'inbound' | 'outbound' | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly caller_number: string | null;
  readonly caller_name: string | null;
  readonly callee_number: string | null;
  readonly callee_name: string | null;
  readonly dialled_number: string | null;
  readonly owner_id: string | null;
  readonly device_id: string | null;
  readonly interaction_id: string | null;
  /** The leg that this one is connected to. */
  readonly other_call_id: string | null;
  readonly parking_slot: string | null;
  readonly recording: boolean;
  readonly created_at: string;
  readonly answered_at: string | null;
  /** Since when it is in this state. */
  readonly state_since: string;
  readonly switch: string | null;
  /** The event that last changed the leg. */
  readonly last_event_id: string;
}

/** A leg that was added by an event of this id. */
export function emptyCall(id: { callId: string; account: string; eventId: string }, at: string): Call {
  return {
    call_id: id.callId,
    account_id: id.account,
    state: 'ringing',
    direction: null,
    from: null,
    to: null,
    caller_number: null,
    caller_name: null,
    callee_number: null,
    callee_name: null,
    dialled_number: null,
    owner_id: null,
    device_id: null,
    interaction_id: null,
    other_call_id: null,
    parking_slot: null,
    recording: false,
    created_at: at,
    answered_at: null,
    state_since: at,
    switch: null,
    last_event_id: id.eventId,
  };
}

import type { Call } from '../../protocol/call.ts';
import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import type { Hiding } from './hide.ts';

/**
 * The fields of events from which the keys of a live call come (`protocol/call-state.ts`): the key follows their rules.
 */
const FIELDS_OF = {
  direction: ['Call-Direction'],
  from: ['From'],
  to: ['To'],
  caller_number: ['Caller-ID-Number'],
  caller_name: ['Caller-ID-Name'],
  callee_number: ['Callee-ID-Number'],
  callee_name: ['Callee-ID-Name'],
  dialled_number: ['Caller-Destination-Number', 'Request'],
  owner_id: ['Owner-ID'],
  device_id: ['Authorizing-ID'],
  interaction_id: ['Call-Interaction-ID'],
  other_call_id: ['Bridge-B-Unique-ID', 'Other-Leg-Call-ID', 'Replaced-By', 'Intercepted-By'],
  parking_slot: ['Parking-Slot'],
  switch: ['Node'],
} as const;
type Ruled = keyof typeof FIELDS_OF;
const RULED = Object.keys(FIELDS_OF) as readonly Ruled[];

/**
 * A live call as a profile shows it: hidden values are null, as unknown ones are. `at`: the time of the snapshot by the
 * log, Unix milliseconds. Pure.
 */
export function redactCall(profile: PrivacyProfile, hiding: Hiding): (call: Call, at: number) => Call {
  const rules = new Map(profile.fields.map(({ name, action }) => [name.toLowerCase(), action]));
  const isRuled = (action: 'Keep' | 'Drop') => (field: string) => rules.get(field.toLowerCase()) === action;
  const dropped = RULED.filter((key) => FIELDS_OF[key].some(isRuled('Drop')));
  const kept = RULED.filter((key) => FIELDS_OF[key].every(isRuled('Keep')));
  const allowed = new Set(profile.variables.allow.map((name) => name.toLowerCase()));
  const isShown = (key: Ruled) =>
    profile.variables.policy === 'Keep' || FIELDS_OF[key].every((field) => allowed.has(field.toLowerCase()));
  const byClass = (call: Call, at: number): Call => {
    const show = (text: string | null, how: Hiding['number']) => (text === null ? null : how(text, at));
    return {
      ...call,
      from: show(call.from, hiding.address),
      to: show(call.to, hiding.address),
      caller_number: show(call.caller_number, hiding.address),
      callee_number: show(call.callee_number, hiding.address),
      dialled_number: show(call.dialled_number, hiding.address),
      caller_name: show(call.caller_name, hiding.name),
      callee_name: show(call.callee_name, hiding.name),
      switch: profile.network === 'Keep' ? call.switch : null,
      owner_id: isShown('owner_id') ? call.owner_id : null,
      device_id: isShown('device_id') ? call.device_id : null,
      interaction_id: isShown('interaction_id') ? call.interaction_id : null,
    };
  };
  if (rules.size === 0) return byClass;
  return (call, at) => ({
    ...byClass(call, at),
    ...Object.fromEntries([
      ...kept.map((key) => [key, call[key]] as const),
      ...dropped.map((key) => [key, null] as const),
    ]),
  });
}

import type { Call } from '../../protocol/call.ts';
import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import type { Hiding } from './hide.ts';

/** The variables of the channel from which the keys of a live call come. */
const VARIABLE_OF = {
  owner_id: 'owner-id',
  device_id: 'authorizing-id',
  interaction_id: 'call-interaction-id',
} as const;

/** A live call as a profile shows it: what it hides is null, as what is unknown. Pure. */
export function redactCall(profile: PrivacyProfile, hiding: Hiding): (call: Call) => Call {
  const allowed = new Set(profile.variables.allow.map((name) => name.toLowerCase()));
  const isKept = (key: keyof typeof VARIABLE_OF) =>
    profile.variables.policy === 'Keep' || allowed.has(VARIABLE_OF[key]);
  const show = (text: string | null, how: (text: string) => string | null) => (text === null ? null : how(text));
  return (call) => ({
    ...call,
    from: show(call.from, hiding.address),
    to: show(call.to, hiding.address),
    caller_number: show(call.caller_number, hiding.address),
    callee_number: show(call.callee_number, hiding.address),
    dialled_number: show(call.dialled_number, hiding.address),
    caller_name: show(call.caller_name, hiding.name),
    callee_name: show(call.callee_name, hiding.name),
    switch: profile.network === 'Keep' ? call.switch : null,
    owner_id: isKept('owner_id') ? call.owner_id : null,
    device_id: isKept('device_id') ? call.device_id : null,
    interaction_id: isKept('interaction_id') ? call.interaction_id : null,
  });
}

import { sliceMembers, trimJson } from '../../event-log/intake/json-slice.ts';
import { SYNTHETIC_FIELD, syntheticReason, type SyntheticReason } from '../../protocol/synthetic.ts';

/** A text of an event, which is JSON; null when it has none of that name, or an empty one. One search where it has none. */
export function textField(event: Buffer, name: string): string | null {
  if (!event.includes(name)) return null;
  const member = sliceMembers(trimJson(event)).find(({ key }) => key === name);
  const value: unknown = member === undefined ? null : JSON.parse(member.value.toString());
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Why an event is not the switch's own, as its text says; null for all others. */
export function syntheticOf(event: Buffer): SyntheticReason | null {
  return syntheticReason(textField(event, SYNTHETIC_FIELD));
}

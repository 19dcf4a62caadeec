import type { Call } from '../../protocol/call.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import { hidingOf, type Pseudonym } from './hide.ts';
import { redactCall } from './redact-call.ts';
import { redactEvent } from './redact-event.ts';

/** Shows events and live calls as one profile says. */
export interface Redactor {
  /** Of the profile. */
  readonly name: string;
  readonly event: (event: Buffer) => Buffer;
  readonly call: (call: Call) => Call;
}

/** The redactor of a resource; null where its clients see everything. */
export function redactorOf(
  { profiles, default: name }: Subscription['spec']['privacy'],
  pseudonym: Pseudonym,
): Redactor | null {
  const profile = profiles.find((one) => one.name === name);
  if (profile === undefined) return null;
  const hiding = hidingOf(profile, pseudonym);
  return { name, event: redactEvent(profile, hiding), call: redactCall(profile, hiding) };
}

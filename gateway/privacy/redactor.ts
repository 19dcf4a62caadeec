import { createHash } from 'node:crypto';
import type { Call } from '../../protocol/call.ts';
import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import { hidingOf, type Pseudonym } from './hide.ts';
import { redactCall } from './redact-call.ts';
import { redactEvent } from './redact-event.ts';

/** Shows events and live calls according to one profile. `at`: the time by the log, Unix milliseconds. */
export interface Redactor {
  /** Name of the profile; names of combined profiles are joined by `+`. */
  readonly name: string;
  /** Changes with each content of a profile. */
  readonly version: string;
  readonly event: (event: Buffer, at: number) => Buffer;
  readonly call: (call: Call, at: number) => Call;
}

const VERSION_CHARS = 8;

export function redactorOf(profile: PrivacyProfile, pseudonym: Pseudonym): Redactor {
  const hiding = hidingOf(profile, pseudonym);
  return {
    name: profile.name,
    version: createHash('sha256').update(JSON.stringify(profile)).digest('base64url').slice(0, VERSION_CHARS),
    event: redactEvent(profile, hiding),
    call: redactCall(profile, hiding),
  };
}

/** Whether two connections get the same bytes. */
export function isSameRedactor(one: Redactor | null, other: Redactor | null): boolean {
  return one === other || (one !== null && one.name === other?.name && one.version === other.version);
}

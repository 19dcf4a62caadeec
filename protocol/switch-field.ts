/**
 * The field by which events of a FirehoseSource say of which switch they are: a pseudonym (`event-log/switch-pseudonym.ts`).
 * `Node`, by which other events do, shows the host.
 */
export const SWITCH_FIELD = 'Firehose-Switch';

/** No `Node` looks like it: that is `<program>@<host>`. */
const PSEUDONYM = /^sw-[A-Za-z0-9_-]{16}$/;

export function isSwitchPseudonym(name: string | null): boolean {
  return name !== null && PSEUDONYM.test(name);
}

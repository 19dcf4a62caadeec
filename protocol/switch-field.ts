/**
 * The field with the switch in events of a FirehoseSource: a pseudonym (`event-log/switch-pseudonym.ts`). Other events
 * have `Node`, which reveals the host.
 */
export const SWITCH_FIELD = 'Firehose-Switch';

/** No `Node` has this form: that is `<program>@<host>`. */
const PSEUDONYM = /^sw-[A-Za-z0-9_-]{16}$/;

export function isSwitchPseudonym(name: string | null): boolean {
  return name !== null && PSEUDONYM.test(name);
}

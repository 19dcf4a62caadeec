/**
 * Fields that are hidden from a tenant unless the platform keeps them by name: internal addresses, credentials, SDP,
 * keyed digits, the reseller's billing. A name that ends with `*` is a prefix. Applies to the top level of an event and
 * to its Custom-Channel-Vars.
 */
const HIDDEN = [
  'Local-SDP',
  'Remote-SDP',
  'Custom-SIP-Headers',
  'Media-Server',
  'Switch-*',
  'Node',
  'Caller-Network-Addr',
  'Server-ID',
  'Application-Node',
  'Ecallmgr-Node',
  'Control-Queue',
  'DTMF-Digit',
  'Call-Debug',
  'Account-Billing',
  'Account-Trunk-Usage',
  'Reseller-*',
  'Base-Cost',
  'Pvt-Cost',
  'Rate*',
  'Surcharge',
  'Fetch-ID',
  'Record-File-Path',
  'Recording-Path',
  'speech_body',
] as const;

/** Fields that must remain: without them an event is invalid. */
const NEEDED: ReadonlySet<string> = new Set([
  'Event-Category',
  'Event-Name',
  'Call-ID',
  'Msg-ID',
  'Custom-Channel-Vars',
]);

export interface HiddenFieldOptions {
  /** Names that are hidden by default and shall be visible; a prefix ends with `*`. */
  readonly keep: readonly string[];
  /** More names to hide. */
  readonly remove: readonly string[];
  /** Additional names that this kind of switch hides by default. */
  readonly also?: readonly string[];
}

/** Whether a field of this name is hidden. Caches its results: names repeat in every event. */
export type HiddenFields = (name: string) => boolean;

const MAX_REMEMBERED = 4_096;

export function createHiddenFields({ keep, remove, also = [] }: HiddenFieldOptions): HiddenFields {
  const kept = createNameMatcher(keep);
  const removed = createNameMatcher(remove);
  const hidden = createNameMatcher([...HIDDEN, ...also]);
  const verdicts = new Map<string, boolean>();
  return (name) => {
    const known = verdicts.get(name);
    if (known !== undefined) return known;
    const verdict = !NEEDED.has(name) && (removed(name) || (hidden(name) && !kept(name)));
    if (verdicts.size < MAX_REMEMBERED) verdicts.set(name, verdict);
    return verdict;
  };
}

/** Whether a name matches one of these; a pattern that ends with `*` is a prefix. */
export function createNameMatcher(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return (name) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

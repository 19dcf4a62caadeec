import { z } from 'zod';

export const SWITCH_STATES = ['Waiting', 'Connecting', 'Listing', 'Live'] as const;

/**
 * A source replica's report on one endpoint: written every two seconds, read by the other replicas (to compare
 * listening times), the operator (status) and the doctor. Times are Unix milliseconds. Keys of a newer version are
 * ignored.
 */
const sourceReportSchema = z.object({
  state: z.enum(SWITCH_STATES),
  /** Since when it is in that state. */
  since: z.int().min(0),
  /** Why it is not Live, or what it lacks: a word in CamelCase; empty when nothing is wrong. */
  reason: z.string().max(64),
  /** The life of the switch; empty while unknown. */
  instance: z.string().max(128),
  /** Start and end of the last time in which this replica listened without a break; null before the first. */
  heard: z.object({ from: z.int().min(0), to: z.int().min(0) }).nullable(),
  /** Whether this replica publishes the endpoint's events. */
  leading: z.boolean(),
  /** Kazoo: whether all bindings exist; null for other sources. */
  bound: z.boolean().nullable(),
  /** When this was written. */
  at: z.int().min(0),
});
export type SourceReport = z.output<typeof sourceReportSchema>;

export function encodeSourceReport(report: SourceReport): string {
  return JSON.stringify(report);
}

/** Null when unreadable. */
export function decodeSourceReport(text: string): SourceReport | null {
  try {
    return sourceReportSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Field of the reports' hash. Neither part contains a slash. */
export function reportField(replica: string, endpoint: string): string {
  return `${replica}/${endpoint}`;
}

/** Null when the field does not have that form. */
export function parseReportField(field: string): { readonly replica: string; readonly endpoint: string } | null {
  const [replica = '', endpoint = '', ...rest] = field.split('/');
  return replica === '' || endpoint === '' || rest.length > 0 ? null : { replica, endpoint };
}

/** A source's report on itself, by which its name can be found. */
const sourceEntrySchema = z.object({
  /** One of the kinds of a FirehoseSource, or a kind of a newer version. */
  kind: z.string().min(1).max(64),
  /** Last write of a replica, Unix milliseconds. */
  at: z.int().min(0),
});
export type SourceEntry = z.output<typeof sourceEntrySchema>;

export function encodeSourceEntry(entry: SourceEntry): string {
  return JSON.stringify(entry);
}

/** Null when unreadable. */
export function decodeSourceEntry(text: string): SourceEntry | null {
  try {
    return sourceEntrySchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

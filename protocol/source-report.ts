import { z } from 'zod';

export const SWITCH_STATES = ['Waiting', 'Connecting', 'Listing', 'Live'] as const;

/**
 * What a replica of a source reports about one endpoint: written every two seconds, read by the other replicas (who
 * listened when), the operator (status) and the doctor. Times are Unix milliseconds. Keys of a newer version are ignored.
 */
const sourceReportSchema = z.object({
  state: z.enum(SWITCH_STATES),
  /** Since when it is in that state. */
  since: z.int().min(0),
  /** Why it is not Live, or what it lacks: a word in CamelCase; empty when nothing is wrong. */
  reason: z.string().max(64),
  /** The life of the switch; empty while it is unknown. */
  instance: z.string().max(128),
  /** Begin and end of the last time in which this replica listened without a break; null before the first. */
  heard: z.object({ from: z.int().min(0), to: z.int().min(0) }).nullable(),
  /** Whether this replica publishes the endpoint's events. */
  leading: z.boolean(),
  /** Kazoo: whether all bindings stand; null for other sources. */
  bound: z.boolean().nullable(),
  /** When this was written. */
  at: z.int().min(0),
});
export type SourceReport = z.output<typeof sourceReportSchema>;

export function encodeSourceReport(report: SourceReport): string {
  return JSON.stringify(report);
}

/** Null when it is not readable. */
export function decodeSourceReport(text: string): SourceReport | null {
  try {
    return sourceReportSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Field of the reports' hash. Neither part holds a slash. */
export function reportField(replica: string, endpoint: string): string {
  return `${replica}/${endpoint}`;
}

/** Null when the field is not of that form. */
export function parseReportField(field: string): { readonly replica: string; readonly endpoint: string } | null {
  const [replica = '', endpoint = '', ...rest] = field.split('/');
  return replica === '' || endpoint === '' || rest.length > 0 ? null : { replica, endpoint };
}

/** What a source says of itself, so that it is found by its name. */
const sourceEntrySchema = z.object({
  /** One of the kinds of a FirehoseSource; another one of a newer version. */
  kind: z.string().min(1).max(64),
  /** When a replica wrote it last, Unix milliseconds. */
  at: z.int().min(0),
});
export type SourceEntry = z.output<typeof sourceEntrySchema>;

export function encodeSourceEntry(entry: SourceEntry): string {
  return JSON.stringify(entry);
}

/** Null when it is not readable. */
export function decodeSourceEntry(text: string): SourceEntry | null {
  try {
    return sourceEntrySchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

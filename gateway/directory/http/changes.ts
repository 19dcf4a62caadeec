/**
 * Changes in place of a whole snapshot (RFC 3229, delta encoding in HTTP): a gateway that has `"v17"` asks with
 * `If-None-Match: "v17"` and `A-IM: firehose-changes`. A server that knows what has changed since answers 226 with
 * `IM: firehose-changes`, the ETag of the present content and one change a line; any other answers 200 with all of it.
 */
export const CHANGES = 'firehose-changes';

/** Most lines of an answer. A server with more changes answers with the whole directory. */
export const MOST_CHANGES = 1_000;

/** What a line names that removes an entry. */
export type Removed = { readonly id: string } | { readonly username: string; readonly account: string };

/** A removed entry. An added or changed entry is a line as in a snapshot. */
export function removalLine(removed: Removed): string {
  return `${JSON.stringify({ removed })}\n`;
}

/** Whether a request takes changes: `A-IM` is a list of names, each perhaps with parameters. */
export function takesChanges(aIm: string | string[] | undefined): boolean {
  const names = (Array.isArray(aIm) ? aIm.join(',') : (aIm ?? '')).split(',');
  return names.some((name) => name.split(';', 1)[0]?.trim().toLowerCase() === CHANGES);
}

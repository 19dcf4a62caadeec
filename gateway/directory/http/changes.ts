/**
 * Changes in place of a whole snapshot (RFC 3229, delta encoding in HTTP): a gateway that has `"v17"` asks with
 * `If-None-Match: "v17"` and `A-IM: firehose-changes`. A server that knows what has changed since answers 226 with
 * `IM: firehose-changes`, the ETag of the present content and one change a line; any other answers 200 with all of it.
 */
export const CHANGES = 'firehose-changes';

/** Lines of an answer. A server that has more to tell answers with all of it. */
export const MOST_CHANGES = 1_000;

/** What a line of a change names when it takes something away. */
export type Removed = { readonly id: string } | { readonly username: string; readonly account: string };

/** An entry that is new or another is a line as in a snapshot; this is one that is gone. */
export function removalLine(removed: Removed): string {
  return `${JSON.stringify({ removed })}\n`;
}

/** Whether a request takes changes: `A-IM` is a list of names, each perhaps with parameters. */
export function takesChanges(aIm: string | string[] | undefined): boolean {
  const names = (Array.isArray(aIm) ? aIm.join(',') : (aIm ?? '')).split(',');
  return names.some((name) => name.split(';', 1)[0]?.trim().toLowerCase() === CHANGES);
}

import http from 'k6/http';
import { DEAD_LETTERS_PATH } from '../../protocol/paths.ts';
import { describe } from './login.ts';

interface Page {
  readonly dead_letters: readonly { readonly eventId: string; readonly reason: string }[];
  readonly next: string | null;
}

/** The reason of each dead letter of a group, by event id; only ids with this prefix. */
export function deadLettersOf(
  innerUrl: string,
  token: string,
  { group, prefix }: { group: string; prefix: string },
): Map<string, string> {
  const reasons = new Map<string, string>();
  let after: string | null = null;
  do {
    const query: string = after === null ? '' : `&after=${encodeURIComponent(after)}`;
    const answer = http.get(`${innerUrl}${DEAD_LETTERS_PATH}/${group}?limit=1000${query}`, {
      headers: { Authorization: `Bearer ${token}` },
      tags: { name: 'dead_letters' },
    });
    if (answer.status !== 200) throw new Error(`dead letters: ${describe(answer)}`);
    const page = answer.json() as unknown as Page;
    for (const { eventId, reason } of page.dead_letters) if (eventId.startsWith(prefix)) reasons.set(eventId, reason);
    after = page.next;
  } while (after !== null);
  return reasons;
}

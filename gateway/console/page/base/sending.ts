import { text, type Json } from './read.ts';

/** How a webhook or a sink is, in words for people. */
export interface Standing {
  readonly tone: 'good' | 'busy' | 'bad';
  readonly words: string;
  /** Why, where that does not go without saying. */
  readonly why: string | null;
}

/** By the codes of the gateway for what is off or held back. */
const WHY: Readonly<Record<string, string>> = {
  gone: 'Its receiver answered 410: it wants nothing more.',
  asked: 'Its receiver asked to stop.',
  failing: 'Nothing got through for too long.',
  owner: 'A login of the account switched it off.',
  switched_off: 'A login of the account switched it off.',
  operator: 'An administrator switched it off.',
  revoked: 'The token of the login that vouches for it was revoked.',
  no_secret: 'No secret of it can be used: see the log of the gateway.',
  refused: 'Its account or user may have nothing now.',
  unknown: 'Its state was not read from Redis yet.',
};

/** What an answer meant, by the verdict of an attempt. */
const VERDICTS: Readonly<Record<string, readonly [tone: Standing['tone'], words: string]>> = {
  acknowledged: ['good', 'taken'],
  event: ['busy', 'refused: tried again'],
  endpoint: ['busy', 'not reached: all events wait'],
  dead_letter: ['bad', 'given up: a dead letter'],
  disable: ['bad', 'switched off'],
};

/** `off` and `heldBack` are codes, null while it is neither. Pure. */
export function standingOf(state: string, off: string | null, heldBack: string | null): Standing {
  if (off !== null) return { tone: 'bad', words: `off: ${off}`, why: WHY[off] ?? null };
  if (heldBack !== null) return { tone: 'bad', words: heldBack.replaceAll('_', ' '), why: WHY[heldBack] ?? null };
  if (state === 'sending') return { tone: 'good', words: 'sending', why: null };
  if (state === 'paused')
    return { tone: 'busy', words: 'retrying', why: 'Paused after a failure: one event is tried next.' };
  return { tone: 'busy', words: state, why: null };
}

/** Pure. */
export function verdictOf(attempt: Json): { readonly tone: Standing['tone']; readonly words: string } {
  const code = text(attempt['verdict']) ?? '';
  const [tone, words] = VERDICTS[code] ?? ['busy', code];
  return { tone, words };
}

/** `Test event: HTTP 204 after 12 ms`. Pure. */
export function testText(answer: Json): string {
  return `Test event: ${text(answer['outcome']) ?? 'no outcome'} after ${text(answer['ms']) ?? '–'} ms`;
}

import type { OwnWebhookAttempt, ShownOwnWebhook } from '../../protocol/own-webhook.ts';
import type { ShownSender } from '../sender/show.ts';
import type { OwnWebhook } from './record.ts';

/** A webhook as logins of its account see it; `running`: as this replica has it, null while it starts. Pure. */
export function showOwn({ id, record }: OwnWebhook, running: ShownSender | null, now: number): ShownOwnWebhook {
  const { url, description, format, accounts, events, off, previous, createdAt, changedAt, by } = record;
  const isPrevious = previous !== null && previous.until > now;
  return {
    id,
    url,
    description,
    format,
    accounts,
    events,
    enabled: off === null,
    ...stateOf(off, running),
    failing_since: running?.failing_since ?? null,
    succeeded_at: running?.succeeded_at ?? null,
    lost: running?.lost ?? 0,
    created_at: timeOf(createdAt),
    changed_at: timeOf(changedAt),
    changed_by: by.username,
    previous_secret_until: isPrevious ? timeOf(previous.until) : null,
  };
}

function stateOf(
  off: OwnWebhook['record']['off'],
  running: ShownSender | null,
): Pick<ShownOwnWebhook, 'state' | 'reason'> {
  if (off !== null) return { state: 'off', reason: off };
  if (running === null) return { state: 'starting', reason: null };
  const { state, held_back: heldBack } = running;
  if (heldBack === null) return { state, reason: null };
  if (heldBack === 'off' || heldBack === 'switched_off')
    return { state: 'off', reason: running.off?.reason ?? 'owner' };
  return { state: 'held_back', reason: heldBack };
}

/** Its last requests. Pure. */
export function showAttempts({ attempts }: Pick<ShownSender, 'attempts'>): readonly OwnWebhookAttempt[] {
  return attempts.map(({ eventId, code, at, attempt, status, ms, answer, verdict }) => ({
    at,
    event_id: eventId,
    attempt,
    status,
    code: code === null ? null : withoutNames(code),
    ms,
    answer,
    verdict,
  }));
}

/**
 * Whether a name has no address or a refused one is one answer: a login must not learn the names of the platform's
 * network. Pure.
 */
export function withoutNames(text: string): string {
  return text.replace(/\b(ADDRESS_REFUSED|ENOTFOUND|ENODATA|EAI_[A-Z]+)\b/, 'NO_PUBLIC_ADDRESS');
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

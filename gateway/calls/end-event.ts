import { createHash } from 'node:crypto';
import { legKey, type CallRecord } from '../../protocol/call.ts';
import { isSwitchPseudonym, SWITCH_FIELD } from '../../protocol/switch-field.ts';
import { SYNTHETIC_FIELD, type SyntheticReason } from '../../protocol/synthetic.ts';
import type { NewEvent } from '../../event-log/event-log.ts';
import { VERSION } from '../../runtime/version.ts';

/**
 * Why a leg is ended although its switch sent no end. `switch_lost`: it was
 * `uncertain` for too long; `switch_restarted`, `reconciled`: a list of its switch lacks it; `silent`: no event of it
 * arrived.
 */
export const END_REASONS = [
  'switch_lost',
  'switch_restarted',
  'reconciled',
  'silent',
] as const satisfies readonly SyntheticReason[];
export type EndReason = (typeof END_REASONS)[number];

/** Seconds between the years 0 and 1970. */
const GREGORIAN_SECONDS = 62_167_219_200;

/**
 * The synthetic end of a leg, with its known data and its times up to its last event. Pure; `now` in Unix milliseconds.
 */
export function endEvent(record: CallRecord, reason: EndReason, now: number): NewEvent {
  const { account_id: account, call_id: callId } = record;
  const body = {
    'Event-Category': 'call_event',
    'Event-Name': 'CHANNEL_DESTROY',
    'App-Name': 'firehose',
    'App-Version': VERSION,
    'Msg-ID': String(now * 1_000),
    Timestamp: Math.floor(now / 1_000) + GREGORIAN_SECONDS,
    [isSwitchPseudonym(record.switch) ? SWITCH_FIELD : 'Node']: record.switch,
    'Call-ID': callId,
    'Call-Direction': record.direction,
    'Caller-ID-Number': record.caller_number,
    'Caller-ID-Name': record.caller_name,
    'Callee-ID-Number': record.callee_number,
    'Callee-ID-Name': record.callee_name,
    From: record.from,
    To: record.to,
    'Caller-Destination-Number': record.dialled_number,
    'Other-Leg-Call-ID': record.other_call_id,
    'Channel-Call-State': 'HANGUP',
    'Channel-Answer-State': 'hangup',
    'Hangup-Cause': reason === 'silent' ? 'ALLOTTED_TIMEOUT' : 'CRASH',
    'Duration-Seconds': secondsSince(record.created_at, record.last_ms),
    'Billing-Seconds': record.answered_at === null ? 0 : secondsSince(record.answered_at, record.last_ms),
    [SYNTHETIC_FIELD]: reason,
    'Custom-Channel-Vars': known({
      'Account-ID': account,
      'Owner-ID': record.owner_id,
      'Authorizing-ID': record.device_id,
      'Authorizing-Type': record.device_id === null ? null : 'device',
      'Call-Interaction-ID': record.interaction_id,
    }),
  };
  const data = Buffer.from(JSON.stringify(known(body)));
  return { name: 'CHANNEL_DESTROY', account, callId, eventId: endId(record), traceparent: '', data };
}

const BEGINNING = /\.CREATE$/;

/**
 * The id of the leg's real end, where its source gives fixed ids to CREATE and DESTROY: the log then accepts only one
 * of both ends. Otherwise an id from the leg and its first known event.
 */
function endId(record: CallRecord): string {
  const { began_id: began } = record;
  if (BEGINNING.test(began)) return began.replace(BEGINNING, '.DESTROY');
  const leg = legKey({ account: record.account_id, callId: record.call_id });
  return `end.${createHash('sha256').update(`${leg}\t${began}`).digest('base64url').slice(0, 22)}`;
}

function secondsSince(from: string, untilMs: number): number {
  return Math.max(0, Math.ceil((untilMs - Date.parse(from)) / 1_000));
}

/** Omits unknown values. */
function known(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

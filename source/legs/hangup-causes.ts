/** Names of Q.850 causes, from FreeSWITCH's table (`switch_types.h`, `switch_channel.c`). */
const NAMES: Readonly<Record<number, string>> = {
  1: 'UNALLOCATED_NUMBER',
  2: 'NO_ROUTE_TRANSIT_NET',
  3: 'NO_ROUTE_DESTINATION',
  6: 'CHANNEL_UNACCEPTABLE',
  7: 'CALL_AWARDED_DELIVERED',
  16: 'NORMAL_CLEARING',
  17: 'USER_BUSY',
  18: 'NO_USER_RESPONSE',
  19: 'NO_ANSWER',
  20: 'SUBSCRIBER_ABSENT',
  21: 'CALL_REJECTED',
  22: 'NUMBER_CHANGED',
  23: 'REDIRECTION_TO_NEW_DESTINATION',
  25: 'EXCHANGE_ROUTING_ERROR',
  26: 'LOSE_RACE',
  27: 'DESTINATION_OUT_OF_ORDER',
  28: 'INVALID_NUMBER_FORMAT',
  29: 'FACILITY_REJECTED',
  30: 'RESPONSE_TO_STATUS_ENQUIRY',
  31: 'NORMAL_UNSPECIFIED',
  34: 'NORMAL_CIRCUIT_CONGESTION',
  38: 'NETWORK_OUT_OF_ORDER',
  41: 'NORMAL_TEMPORARY_FAILURE',
  42: 'SWITCH_CONGESTION',
  43: 'ACCESS_INFO_DISCARDED',
  44: 'REQUESTED_CHAN_UNAVAIL',
  45: 'PRE_EMPTED',
  47: 'RESOURCE_UNAVAILABLE',
  50: 'FACILITY_NOT_SUBSCRIBED',
  52: 'OUTGOING_CALL_BARRED',
  54: 'INCOMING_CALL_BARRED',
  57: 'BEARERCAPABILITY_NOTAUTH',
  58: 'BEARERCAPABILITY_NOTAVAIL',
  63: 'SERVICE_UNAVAILABLE',
  65: 'BEARERCAPABILITY_NOTIMPL',
  66: 'CHAN_NOT_IMPLEMENTED',
  69: 'FACILITY_NOT_IMPLEMENTED',
  79: 'SERVICE_NOT_IMPLEMENTED',
  81: 'INVALID_CALL_REFERENCE',
  88: 'INCOMPATIBLE_DESTINATION',
  95: 'INVALID_MSG_UNSPECIFIED',
  96: 'MANDATORY_IE_MISSING',
  97: 'MESSAGE_TYPE_NONEXIST',
  98: 'WRONG_MESSAGE',
  99: 'IE_NONEXIST',
  100: 'INVALID_IE_CONTENTS',
  101: 'WRONG_CALL_STATE',
  102: 'RECOVERY_ON_TIMER_EXPIRE',
  103: 'MANDATORY_IE_LENGTH_ERROR',
  111: 'PROTOCOL_ERROR',
  127: 'INTERWORKING',
};

const ANSWERED_ELSEWHERE = 26;
const REJECTED = 21;

const BY_DIAL_STATUS: Readonly<Record<string, string>> = {
  BUSY: 'USER_BUSY',
  NOANSWER: 'NO_ANSWER',
  CANCEL: 'ORIGINATOR_CANCEL',
};

/** How Asterisk ended a leg. */
export interface AsteriskEnd {
  /** Q.850; 0 when Asterisk has none. */
  readonly cause: number;
  readonly answered: boolean;
  /** DialStatus of the last dial with this leg, as caller or as called side; empty when there was none. */
  readonly dialStatus: string;
}

/**
 * The Hangup-Cause of a leg of Asterisk. DialStatus has the outcome of an unanswered call: its cause is 0 or 16, that
 * of a cancelled one 127, and a rejected call has DialStatus NOANSWER.
 */
export function asteriskHangupCause({ cause, answered, dialStatus }: AsteriskEnd): string {
  if (answered) return cause === 0 ? 'NORMAL_CLEARING' : q850Name(cause);
  if (cause === ANSWERED_ELSEWHERE || cause === REJECTED) return q850Name(cause);
  return BY_DIAL_STATUS[dialStatus] ?? (cause === 0 ? 'NORMAL_UNSPECIFIED' : q850Name(cause));
}

function q850Name(cause: number): string {
  return NAMES[cause] ?? `Q850_${cause}`;
}

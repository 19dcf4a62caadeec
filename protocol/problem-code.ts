/** Whether the same request may succeed later: at once, after a wait (`Retry-After`), after a login, or not at all. */
export type Again = 'wait' | 'login' | 'no';

export interface ProblemMeaning {
  /** Every HTTP status with which it occurs. */
  readonly status: readonly number[];
  readonly again: Again;
  readonly cause: string;
  readonly remedy: string;
}

const means = (status: number | readonly number[], again: Again, cause: string, remedy: string): ProblemMeaning => ({
  status: typeof status === 'number' ? [status] : status,
  again,
  cause,
  remedy,
});

/** The `code` of every problem document (RFC 9457) of a gateway, by its origin. */
export const PROBLEMS = {
  'any request': {
    malformed_request: means(
      400,
      'no',
      'The request is not HTTP/1.1, or its body cannot be read',
      'send a well-formed request',
    ),
    invalid_host: means(
      400,
      'no',
      'The header Host is missing, given twice or not a host',
      'send Host once, as host or host:port',
    ),
    invalid_url: means(400, 'no', 'The request target is not a URL', 'send a path'),
    tls_required: means(400, 'no', 'The port speaks HTTPS and WSS', 'use https:// or wss://'),
    not_found: means(404, 'no', 'Nothing is at this path', 'see the paths of this page'),
    method_not_allowed: means(405, 'no', 'The path takes other methods', 'see the header Allow'),
    request_timeout: means(408, 'wait', 'The request did not arrive in time', 'send it at once'),
    body_too_large: means(413, 'no', 'The body is larger than the path accepts', 'send less, or several requests'),
    unsupported_encoding: means(415, 'no', 'The body has a Content-Encoding', 'send it without'),
    expectation_failed: means(
      417,
      'no',
      'The header Expect asks for something other than 100-continue',
      'leave it out',
    ),
    too_many_requests: means(
      429,
      'wait',
      'Too many requests came from this address',
      'send fewer; wait as Retry-After says',
    ),
    too_many_headers: means(431, 'no', 'Too many header fields', 'send fewer'),
    headers_too_large: means(431, 'no', 'The header fields are too long', 'send shorter ones'),
    internal: means(500, 'wait', 'An unexpected error happened', 'try again; the operator finds it in the log'),
  },
  login: {
    invalid_json: means(400, 'no', 'The body is not a JSON object in UTF-8, or nests too deep', 'send JSON'),
    missing_field: means(400, 'no', 'username, password or domain is missing', 'give the named field'),
    two_credentials: means(
      400,
      'no',
      'Both access_token and a user name, password or domain are given',
      'give one or the other',
    ),
    wrong_type: means(400, 'no', 'A field has another type', 'see the named field'),
    too_long: means(400, 'no', 'A field or list is too long', 'see the named field'),
    too_many_accounts: means(400, 'no', 'The list of accounts is too long', 'leave it out for all, or name fewer'),
    too_many_events: means(
      [400, 413],
      'no',
      'The list of events, or a batch, is too long',
      'name fewer, or send several batches',
    ),
    invalid_account_id: means(400, 'no', 'An account id has other characters', 'give ids as the platform has them'),
    unknown_event: means(400, 'no', 'No event has this name', 'take a name of known_events'),
    unknown_key: means(400, 'no', 'A key is nearly accounts, events or privacy', 'write it as did_you_mean says'),
    wrong_credentials: means(401, 'no', 'User name, password or domain is wrong', 'correct the login'),
    multi_factor_required: means(
      401,
      'no',
      'The account asks for a second factor',
      'log in as a user without one, for programs',
    ),
    foreign_account: means(403, 'no', 'An account is not within the account of the login', 'ask for its own accounts'),
    account_not_offered: means(
      403,
      'no',
      'The resource offers no events of these accounts',
      'ask for other accounts, or change the resource',
    ),
    event_not_offered: means(
      403,
      'no',
      'The resource offers none of these events',
      'ask for other events, or change the resource',
    ),
    privacy_unknown: means(
      403,
      'no',
      'The resource has no privacy profile of this name',
      'ask for one of may_ask, or for none',
    ),
    privacy_wider: means(
      403,
      'no',
      'The privacy profile shows more than the user may see',
      'ask for one of may_ask, or for none',
    ),
    privacy_missing: means(
      403,
      'no',
      'The directory gives the user a privacy profile that the resource lacks',
      'the operator adds it to spec.privacy.profiles, or corrects the user',
    ),
    too_many_tries: means(
      429,
      'wait',
      'Wrong passwords were tried for this user or from this address',
      'wait until retry_at',
    ),
    too_many_logins: means(429, 'wait', 'This user logs in too often', 'keep the token while it lives'),
    too_many_grants: means(
      429,
      'wait',
      'This user has too many tokens with long lists of accounts',
      'use the tokens there are',
    ),
    login_unavailable: means(503, 'wait', 'A server that judges logins is away', 'try again as Retry-After says'),
    login_busy: means(503, 'wait', 'Too many logins wait', 'try again with jitter'),
    grant_store_unavailable: means(
      503,
      'wait',
      'A token with a long list of accounts cannot be stored now',
      'try again',
    ),
  },
  'the handshake of the stream': {
    unsupported_version: means(400, 'no', 'The parameter v has another value than 1', 'send v=1, or leave it out'),
    unknown_parameter: means(400, 'no', 'The control contract has no such parameter', 'leave it out'),
    repeated_parameter: means(400, 'no', 'A parameter is given twice', 'give it once'),
    invalid_meta: means(400, 'no', 'The parameter meta has another value than 1 or 0', 'send meta=1'),
    invalid_format: means(
      400,
      'no',
      'The parameter format has another value than cloudevents, or comes with meta or a group',
      'send format=cloudevents alone',
    ),
    not_acceptable: means(406, 'no', 'The header Accept excludes text/event-stream', 'send Accept: text/event-stream'),
    invalid_refusals: means(400, 'no', 'The parameter refusals has another value than close', 'send refusals=close'),
    invalid_regroup: means(400, 'no', 'The parameter regroup is not true or false, or there is no group', 'give both'),
    invalid_on_gap: means(400, 'no', 'The parameter on_gap has another value', 'send fail, clamp or snapshot'),
    invalid_cursor: means(400, 'no', 'The cursor is malformed or was changed', 'begin without it, and re-synchronise'),
    cursor_from_future: means(
      400,
      'no',
      'The cursor lies beyond the newest event',
      'begin without it, and re-synchronise',
    ),
    cursor_and_from: means(400, 'no', 'A cursor and a time were given', 'give one of them'),
    invalid_from: means(400, 'no', 'The parameter from is not a time', 'send RFC 3339, or -15m'),
    from_in_future: means(400, 'no', 'The parameter from lies in the future', 'leave it out'),
    from_after_to: means(400, 'no', 'The parameter from is later than to', 'exchange them'),
    to_without_start: means(400, 'no', 'The parameter to needs a cursor or from', 'give one'),
    invalid_to: means(400, 'no', 'The parameter to is not a time', 'send RFC 3339, or -0s'),
    to_in_future: means(400, 'no', 'The parameter to lies in the future', 'leave it out'),
    invalid_snapshot: means(400, 'no', 'The parameter snapshot has another value', 'send calls'),
    snapshot_needs_v1: means(400, 'no', 'The plain contract requested a snapshot', 'add v=1'),
    snapshot_in_group: means(
      400,
      'no',
      'A group was requested together with a snapshot',
      'connect without a group for the live calls',
    ),
    snapshot_and_replay: means(400, 'no', 'A snapshot was requested together with from or to', 'leave these out'),
    group_keeps_position: means(400, 'no', 'A group was requested together with cursor, from or to', 'leave these out'),
    unknown_group: means(
      [400, 404],
      'no',
      'The resource declares no such group for this account',
      'take one that the detail names',
    ),
    two_tokens: means(400, 'no', 'The query and the header have different tokens', 'send one'),
    http_version: means(400, 'no', 'The handshake is not HTTP/1.1', 'use HTTP/1.1'),
    websocket_key: means(400, 'no', 'Sec-WebSocket-Key is missing or wrong', 'use a WebSocket client'),
    websocket_protocol: means(
      400,
      'no',
      'Sec-WebSocket-Protocol is not a list of different names',
      'send firehose.v1 or none',
    ),
    invalid_token: means(401, 'login', 'The token is missing, expired, revoked or of another gateway', 'log in again'),
    origin_not_allowed: means(
      403,
      'no',
      'The origin of the page is not on the allowed list',
      'add it to spec.gateway.allowedOrigins',
    ),
    group_keeps_nothing: means(
      403,
      'no',
      'The group keeps none of the events and accounts of this login',
      'use another group',
    ),
    group_grant_differs: means(
      409,
      'wait',
      'The group has another grant',
      'log in with the same filters, or send regroup=true',
    ),
    group_is_a_webhook: means(409, 'no', 'The events of the group are sent to its webhook', 'use another group'),
    group_is_a_sink: means(409, 'no', 'The events of the group are sent to NATS', 'use another group'),
    cursor_too_old: means(
      410,
      'no',
      'Events after the cursor are no longer kept',
      're-synchronise; on_gap=clamp continues from oldest',
    ),
    epoch_lost: means(
      410,
      'no',
      'The log was lost and refilled since the cursor',
      're-synchronise; on_gap=clamp continues from oldest',
    ),
    from_before_oldest: means(
      410,
      'no',
      'Events of that time are no longer kept',
      'begin later; on_gap=clamp continues from oldest',
    ),
    upgrade_required: means(426, 'no', 'The path is a WebSocket endpoint', 'connect with a WebSocket client'),
    websocket_version: means(426, 'no', 'Only WebSocket version 13 is supported', 'use version 13'),
    account_quota: means(429, 'wait', 'The account has as many connections as it may have', 'close one, or try again'),
    user_quota: means(429, 'wait', 'The user has as many connections as it may have', 'close one, or try again'),
    too_many_connections: means(429, 'wait', 'The replica has no room', 'try again: another replica may have'),
    too_many_groups: means(
      429,
      'wait',
      'As many accounts as allowed have a group of this name',
      'raise consumerGroups.maxAccounts',
    ),
    groups_need_redis: means(501, 'no', 'The gateway runs without Redis', 'start it with REDIS_URL'),
    draining: means(503, 'wait', 'The replica is shutting down', 'connect again'),
    log_unavailable: means(503, 'wait', 'The event log is out of reach', 'connect again'),
    replica_behind: means(503, 'wait', 'The replica has not read so far as the cursor', 'connect again'),
    grant_unavailable: means(503, 'wait', 'The grant of the token cannot be read now', 'connect again'),
    revocations_unavailable: means(503, 'wait', 'Revocations cannot be read or written now', 'try again'),
    groups_unavailable: means(503, 'wait', 'Consumer groups cannot be served now', 'connect again'),
    group_migrating: means(503, 'wait', 'The group is being moved to its account', 'connect again'),
  },
  'live calls': {
    calls_disabled: means([400, 404], 'no', 'The resource keeps no table of live calls', 'set spec.calls.enabled'),
    snapshot_needs_events: means(
      403,
      'no',
      'The login or the resource leaves out CHANNEL_CREATE, CHANNEL_ANSWER or CHANNEL_DESTROY',
      'log in without a filter of events, or with these in it',
    ),
    too_many_calls: means(
      413,
      'no',
      'More than 1,000 calls are live',
      'ask for one account, or with Accept: application/x-ndjson',
    ),
    too_many_reads: means(
      429,
      'wait',
      'The account has as many answers with live calls under way as it may have',
      'read these first, or join with snapshot=calls',
    ),
    calls_unavailable: means(
      503,
      'wait',
      'The table of live calls is being made, or is more than 30 s behind the events',
      'try again; the operator sees firehose_calls_behind_seconds',
    ),
  },
  explanations: {
    invalid_question: means(400, 'no', 'The query has other parameters or values', 'see the detail'),
    too_many_explanations: means(
      429,
      'wait',
      'The user asks more than ten times a minute, or the replica is busy with others',
      'ask later',
    ),
    journal_unavailable: means(503, 'wait', 'Redis is unavailable', 'try again'),
  },
  'self-service webhooks': {
    invalid_webhook: means(400, 'no', 'A member of the body is missing, unknown or wrong', 'see the detail'),
    webhook_address: means(
      400,
      'no',
      'The URL has a port or an address to which no webhook of a login goes',
      'give a receiver on the public internet, on an allowed port',
    ),
    webhook_beyond_grant: means(
      403,
      'no',
      'The webhook gets more than the token grants, or is asked to',
      'log in with a wider grant, or name accounts and events of this token',
    ),
    webhook_stopped_by_operator: means(
      403,
      'no',
      'An administrator has switched the webhook off',
      'ask the operator, who can enable it',
    ),
    webhooks_disabled: means(
      404,
      'no',
      'The resource has no self-service webhooks',
      'the operator sets spec.webhooks.selfService.enabled',
    ),
    unknown_webhook: means(404, 'no', 'The account has no webhook of this id', 'list them'),
    too_many_webhooks: means(
      409,
      'no',
      'The account, or the resource, has as many webhooks as it may have',
      'delete one, or raise spec.webhooks.selfService',
    ),
    too_many_webhook_requests: means(429, 'wait', 'The account asks too often', 'wait as Retry-After says'),
  },
  ingest: {
    not_json: means(400, 'no', 'The body is not JSON', 'send JSON, or one event a line'),
    invalid_utf8: means(400, 'no', 'The body is not UTF-8', 'send UTF-8'),
    empty_body: means(400, 'no', 'The body holds no event', 'send at least one'),
    headers_for_one_event: means(
      400,
      'no',
      'Firehose-Account or Firehose-Event-Id with several events',
      'use the wrapped form',
    ),
    ingest_busy: means(503, 'wait', 'Too many batches are under way', 'send it again'),
  },
  administration: {
    invalid_request: means(400, 'no', 'The body has other fields', 'see the detail'),
    invalid_query: means(400, 'no', 'The query has other parameters or values', 'see the detail'),
    token_not_valid: means(
      400,
      'no',
      'The token to revoke is not valid here, or has expired',
      'nothing: it opens nothing',
    ),
    unauthorized: means(
      401,
      'no',
      'The token of the endpoint is missing or wrong',
      'present the token that the detail names',
    ),
    not_in_directory: means(404, 'no', 'The directory has no such account or user', 'see the named field'),
    no_such_lockout: means(404, 'no', 'No lock-out matches', 'nothing: it has ended'),
    no_such_dead_letter: means(404, 'no', 'The group has no such dead letter', 'list them'),
    no_such_webhook: means(404, 'no', 'The group has no webhook', 'list them'),
    webhook_is_declared: means(
      409,
      'no',
      'The resource declares the webhook',
      'change consumerGroups[].webhook of the resource',
    ),
    no_such_sink: means(404, 'no', 'The group has no sink', 'list them'),
    replay_running: means(
      409,
      'wait',
      'A replay of the group is under way on this replica',
      'wait for its end, or stop it',
    ),
    lockouts_unavailable: means(503, 'wait', 'Redis is unavailable', 'try again'),
    dead_letters_unavailable: means(503, 'wait', 'Redis is unavailable', 'try again'),
    sources_unavailable: means(503, 'wait', 'Redis is unavailable', 'try again'),
    webhooks_unavailable: means(503, 'wait', 'Redis is unavailable', 'try again'),
    sinks_unavailable: means(503, 'wait', 'Redis is unavailable', 'try again'),
    too_many_revocations: means(507, 'no', 'The list of revocations is full', 'revoke or disable an account above'),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, ProblemMeaning>>>>;

type KeysOf<T> = T extends unknown ? keyof T : never;
export type ProblemCode = KeysOf<(typeof PROBLEMS)[keyof typeof PROBLEMS]>;

/** The meaning of a code; undefined for one that is not in the table. */
export function problemMeaning(code: string): ProblemMeaning | undefined {
  for (const section of Object.values<Readonly<Record<string, ProblemMeaning>>>(PROBLEMS)) {
    if (Object.hasOwn(section, code)) return section[code];
  }
  return undefined;
}

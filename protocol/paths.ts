/** Paths of the outer contract. They never change. */
export const LOGIN_PATH = '/ws/v1/firehose/login';
export const STREAM_PATH = '/ws/v1/firehose/callEvents';
/** The stream as Server-Sent Events. On the inner listener producers post to the same path. */
export const EVENTS_PATH = '/ws/v1/firehose/events';
/** The live calls, see docs/live-calls.md. */
export const CALLS_PATH = '/ws/v1/firehose/calls';
/** Why a consumer's own sessions got an event or not, see docs/explain.md. */
export const EXPLAIN_PATH = '/ws/v1/firehose/explain';
/** Webhooks that a login creates for its account, see docs/webhooks.md. */
export const OWN_WEBHOOKS_PATH = '/ws/v1/firehose/webhooks';
/** On the inner listener. */
export const INGEST_PATH = '/ws/v1/firehose/events';
export const RECONCILE_PATH = '/ws/v1/firehose/calls/reconcile';
export const DIRECTORY_REFRESH_PATH = '/ws/v1/firehose/directory/refresh';
export const ADMINISTRATION_PATH = '/ws/v1/firehose/admin';
export const REVOCATIONS_PATH = `${ADMINISTRATION_PATH}/revocations`;
export const CONNECTIONS_PATH = `${ADMINISTRATION_PATH}/connections`;
export const LOCKOUTS_PATH = `${ADMINISTRATION_PATH}/lockouts`;
export const GROUPS_PATH = `${ADMINISTRATION_PATH}/groups`;
export const DIRECTORY_PATH = `${ADMINISTRATION_PATH}/directory`;
export const SOURCES_PATH = `${ADMINISTRATION_PATH}/sources`;
export const HEALTH_PATH = `${ADMINISTRATION_PATH}/health`;
export const ADMINISTRATION_REFERENCE_PATH = `${ADMINISTRATION_PATH}/openapi.json`;
export const EXPLAIN_EVENT_PATH = `${ADMINISTRATION_PATH}/explain`;
export const WEBHOOKS_PATH = `${ADMINISTRATION_PATH}/webhooks`;
export const SINKS_PATH = `${ADMINISTRATION_PATH}/sinks`;
export const DEAD_LETTERS_PATH = `${ADMINISTRATION_PATH}/dead-letters`;
/** The console, on both listeners. */
export const CONSOLE_PATH = '/console/';
/** Documents of the contract, on the public listener. */
export const REFERENCE_PATH = {
  openApi: '/ws/v1/firehose/openapi.json',
  asyncApi: '/ws/v1/firehose/asyncapi.json',
  /** A folder: `<name>.json`, and `index.json` with all names. */
  schemas: '/ws/v1/firehose/schemas',
  page: '/docs/',
} as const;

/** Paths of the outer contract. They never change. */
export const LOGIN_PATH = '/ws/v1/firehose/login';
export const STREAM_PATH = '/ws/v1/firehose/callEvents';
/** On the inner listener. */
export const INGEST_PATH = '/ws/v1/firehose/events';

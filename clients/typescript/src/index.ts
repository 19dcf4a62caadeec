export type { Call, CallState } from './call.ts';
export type { CallChange, LiveCalls } from './calls.ts';
export type { CursorStore } from './cursor-store.ts';
export { FirehoseError, type ClientErrorCode } from './errors.ts';
export { Firehose } from './firehose.ts';
export type { Delivery, GroupStream } from './group.ts';
export type { CallEvent, EventItem, GapItem, SnapshotItem, StreamItem } from './items.ts';
export type { CallsOptions, FirehoseOptions, GroupOptions, Login, StreamOptions } from './options.ts';
export type { EventStream } from './stream.ts';

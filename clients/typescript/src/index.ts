export type { CursorStore } from './cursor-store.ts';
export { FirehoseError, type ClientErrorCode } from './errors.ts';
export { Firehose } from './firehose.ts';
export type { Delivery, GroupStream } from './group.ts';
export type { CallEvent, EventItem, GapItem, StreamItem } from './items.ts';
export type { FirehoseOptions, GroupOptions, Login, StreamOptions } from './options.ts';
export type { EventStream } from './stream.ts';

import type { IncomingMessage } from 'node:http';
import { ApiError, ApiUnavailable } from './exchange.ts';
import type { KubeObject } from './objects.ts';

export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubeObject;
};

/** A line may contain the largest object of etcd, and a little more. */
const MAX_LINE = 4 * 1024 * 1024;

/**
 * The events of an open watch, until the server ends it. Throws an ApiError for an event of type ERROR (410 among
 * them), and ApiUnavailable for a stream that is cut off, is not JSON, or is silent for `silenceMs`: bookmarks come
 * every minute.
 */
export async function* watchEvents(response: IncomingMessage, silenceMs: number): AsyncGenerator<WatchEvent> {
  const timer = setTimeout(() => response.destroy(new ApiUnavailable('the watch went silent')), silenceMs);
  let rest = '';
  try {
    response.setEncoding('utf8');
    for await (const chunk of response as AsyncIterable<string>) {
      timer.refresh();
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) throw new ApiUnavailable('a line of the watch has no end');
      for (const line of lines) yield parse(line);
    }
    if (rest !== '') throw new ApiUnavailable('the watch was cut off within a line');
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}

function parse(line: string): WatchEvent {
  let event: { type?: string; object?: KubeObject };
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    throw new ApiUnavailable('a line of the watch is not JSON');
  }
  if (event.type === 'ERROR') {
    const status = event.object as unknown as { code?: number; message?: string; reason?: string };
    throw new ApiError(status.code ?? 500, status, null);
  }
  if (event.type === undefined || event.object?.metadata === undefined) throw new ApiUnavailable('no watch event');
  return event as WatchEvent;
}

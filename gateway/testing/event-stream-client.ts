import { readFile } from 'node:fs/promises';
import { request as plainRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { EVENTS_PATH } from '../../protocol/paths.ts';
import { until } from '../../testing/until.ts';
import type { Documented } from './documented.ts';
import type { RunningGateway } from './running-gateway.ts';

/** Headers that browsers send with an EventSource. */
export const EVENT_SOURCE = { Accept: 'text/event-stream', 'Sec-Fetch-Mode': 'cors' };

/** An independent client of Server-Sent Events, with a third-party parser. */
export class EventStreamClient implements Disposable {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Every message that is not a call event, parsed. */
  readonly frames: Record<string, unknown>[] = [];
  readonly events: EventSourceMessage[] = [];
  readonly retries: number[] = [];
  readonly comments: string[] = [];
  /** Bytes as received. */
  body = '';
  /** As a browser keeps it. */
  lastEventId = '';
  isEnded = false;
  readonly #response: IncomingMessage;
  readonly #documented: Documented;

  constructor(response: IncomingMessage, documented: Documented) {
    this.#response = response;
    this.#documented = documented;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    const parser = createParser({
      onEvent: (message) => this.#take(message),
      onRetry: (milliseconds) => this.retries.push(milliseconds),
      onComment: (comment) => this.comments.push(comment),
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      this.body += text;
      parser.feed(text);
    });
    response.on('error', () => undefined);
    response.on('end', () => {
      const body: unknown = this.status < 400 ? null : JSON.parse(this.body);
      documented.answer('GET', EVENTS_PATH, { status: this.status, body });
    });
    response.on('close', () => (this.isEnded = true));
  }

  #take(message: EventSourceMessage): void {
    if (message.id !== undefined) this.lastEventId = message.id;
    if (message.event === undefined) {
      this.events.push(message);
      return;
    }
    const frame = JSON.parse(message.data) as Record<string, unknown>;
    this.#documented.streamFrame(frame);
    this.frames.push(frame);
  }

  frame(type: string): Record<string, unknown> | undefined {
    return this.frames.find((frame) => frame['type'] === type);
  }

  /** The data of the events, once there are this many. */
  async received(count: number): Promise<string[]> {
    await until(`${count} events`, () => this.events.length >= count);
    return this.events.map(({ data }) => data);
  }

  async announced(type: string): Promise<Record<string, unknown>> {
    await until(`the frame ${type}`, () => this.frame(type) !== undefined);
    return this.frame(type) ?? {};
  }

  async ended(): Promise<void> {
    await until('the end of the stream', () => this.isEnded);
  }

  /** The problem of a refusal. */
  get problem(): { readonly code: string; readonly detail: string } {
    return JSON.parse(this.body) as { code: string; detail: string };
  }

  pause(): void {
    this.#response.pause();
  }

  [Symbol.dispose](): void {
    this.#response.destroy();
  }
}

/** Requests the stream, and returns the answer once its head has arrived. */
export async function openEvents(
  running: RunningGateway,
  query: string,
  headers: Readonly<Record<string, string>> = EVENT_SOURCE,
): Promise<EventStreamClient> {
  const ca = await readFile(join(running.stateFolder, 'ca.crt'), 'utf8').catch(() => null);
  const target = {
    port: running.gateway.port,
    host: '127.0.0.1',
    path: `${EVENTS_PATH}${query}`,
    headers,
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const asked = ca === null ? plainRequest(target) : request({ ...target, ca });
    asked.once('response', (response) => resolve(new EventStreamClient(response, running.documented)));
    asked.once('error', reject);
    asked.end();
  });
}

import { serverFrameSchema, type ServerFrame } from '../../protocol/server-frame.ts';
import type { Client } from './running-gateway.ts';

/** An event of the tests, as a client with meta gets it. */
export interface Numbered {
  readonly n: number;
  readonly _firehose: { readonly cursor: string; readonly id: string };
}

function isFrame(text: string): boolean {
  return Object.keys(JSON.parse(text) as object).join() === '_firehose';
}

/** The frames among a client's messages, each checked by its schema. */
export function frames(client: Client): ServerFrame[] {
  return client.messages
    .filter(isFrame)
    .map((text) => serverFrameSchema.parse((JSON.parse(text) as { _firehose: unknown })._firehose));
}

export function events(client: Client): Numbered[] {
  return client.messages.filter((text) => !isFrame(text)).map((text) => JSON.parse(text) as Numbered);
}

export async function untilFrame<T extends ServerFrame['type']>(client: Client, type: T) {
  for (;;) {
    const found = frames(client).find((frame) => frame.type === type);
    if (found !== undefined) return found as Extract<ServerFrame, { type: T }>;
    await client.received(client.messages.length + 1);
  }
}

export async function untilEvents(client: Client, count: number): Promise<Numbered[]> {
  while (events(client).length < count) await client.received(client.messages.length + 1);
  return events(client);
}

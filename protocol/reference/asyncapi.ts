import { META_KEY } from '../event-meta.ts';
import { STREAM_PATH } from '../paths.ts';
import type { ReferenceOptions } from './openapi.ts';
import { allSchemas, clientFrames, serverFrames, type JsonSchema } from './schemas.ts';
import { NAMED_EVENTS } from '../catalogue.ts';
import { STREAM_PARAMETERS } from './stream-parameters.ts';

/** The messages of the stream, as AsyncAPI 3.0. Pure. */
export function asyncApi({ version, additionalEvents }: ReferenceOptions) {
  const schemas = allSchemas(additionalEvents);
  const events = [...NAMED_EVENTS, ...additionalEvents].map((name) => message(name, schemas.get(name) ?? {}));
  const frames = Object.entries(serverFrames()).map(([type, schema]) =>
    message(`frame-${type}`, { type: 'object', required: [META_KEY], properties: { [META_KEY]: schema } }),
  );
  const received = Object.entries(clientFrames()).map(([kind, schema]) => message(`client-${kind}`, schema));
  const all = [...events, ...frames, ...received];
  const refer = (messages: typeof all) =>
    messages.map(({ name }) => ({ $ref: `#/channels/callEvents/messages/${name}` }));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Firehose call events',
      version,
      description:
        'Without parameters every message is one event. With v=1 it has _firehose, and frames come beside events.',
    },
    defaultContentType: 'application/json',
    channels: {
      callEvents: {
        address: STREAM_PATH,
        messages: Object.fromEntries(all.map((one) => [one.name, one])),
        bindings: {
          ws: {
            method: 'GET',
            query: {
              type: 'object',
              properties: Object.fromEntries(
                Object.entries(STREAM_PARAMETERS).map(([name, description]) => [name, { type: 'string', description }]),
              ),
            },
          },
        },
      },
    },
    operations: {
      receiveEvents: {
        action: 'send',
        channel: { $ref: '#/channels/callEvents' },
        messages: refer([...events, ...frames]),
      },
      sendFrames: { action: 'receive', channel: { $ref: '#/channels/callEvents' }, messages: refer(received) },
    },
  };
}

function message(name: string, payload: JsonSchema) {
  return { name, payload: { schemaFormat: 'application/schema+json;version=draft-2020-12', schema: payload } };
}

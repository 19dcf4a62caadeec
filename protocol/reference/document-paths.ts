import { REFERENCE_PATH } from '../paths.ts';
import { refusals } from './refusals.ts';

const KNOWN = { '304': { description: 'The same as the caller has (If-None-Match)' } };

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly type: string;
  /** Without it no answer is 304. */
  readonly hasTag?: boolean;
  readonly parameters?: readonly object[];
}

/** A document that everybody may read. */
function document({ operationId, summary, type, hasTag = false, parameters = [] }: Described) {
  return {
    get: {
      operationId,
      summary,
      security: [],
      ...(parameters.length > 0 && { parameters }),
      responses: {
        '200': { description: 'The document', content: { [type]: {} } },
        ...(hasTag && KNOWN),
        ...refusals([]),
      },
    },
  };
}

const NAME = { name: 'name', in: 'path', required: true, schema: { type: 'string' } };

/** What a gateway publishes besides events: its keys, and its contract. */
export const DOCUMENT_PATHS = {
  '/.well-known/jwks.json': document({
    operationId: 'jwks',
    summary: 'Public keys that verify tokens (RFC 7517)',
    type: 'application/json',
  }),
  [REFERENCE_PATH.openApi]: document({
    operationId: 'openApi',
    summary: 'This document',
    type: 'application/json',
    hasTag: true,
  }),
  [REFERENCE_PATH.asyncApi]: document({
    operationId: 'asyncApi',
    summary: 'The messages of the stream as AsyncAPI 3.0',
    type: 'application/json',
    hasTag: true,
  }),
  [`${REFERENCE_PATH.schemas}/{name}.json`]: document({
    operationId: 'schema',
    summary: 'A JSON Schema; index lists the names',
    type: 'application/schema+json',
    hasTag: true,
    parameters: [NAME],
  }),
  [REFERENCE_PATH.page]: document({
    operationId: 'page',
    summary: 'The reference as a page',
    type: 'text/html',
    hasTag: true,
  }),
  '/': document({ operationId: 'welcome', summary: 'What this is, for a browser', type: 'text/html' }),
};

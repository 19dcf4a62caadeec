import { createHash } from 'node:crypto';
import express, { type RequestHandler, type Router } from 'express';
import { asyncApi } from '../../protocol/reference/asyncapi.ts';
import { openApi, type ReferenceOptions } from '../../protocol/reference/openapi.ts';
import { allSchemas } from '../../protocol/reference/schemas.ts';
import { REFERENCE_PATH } from '../../protocol/paths.ts';
import { cors } from './cors.ts';
import { referencePage } from './reference-page.ts';
import { onlyMethods, sendProblem } from './respond.ts';

const CACHE = 'public, max-age=300';
/** The page loads nothing: no script, no image, no font. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

interface Document {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

/**
 * The contract as documents: OpenAPI, AsyncAPI, JSON Schemas, and a page. Public, without a token. They are made at the
 * first request, and the same bytes are served until the resource's events change.
 */
export function referenceRouter(options: () => ReferenceOptions): Router {
  const documents = rememberedBy(options);
  const router = express.Router({ strict: true });
  router.use([REFERENCE_PATH.schemas, REFERENCE_PATH.openApi, REFERENCE_PATH.asyncApi], cors(['*'], 'GET'));
  router.get(REFERENCE_PATH.openApi, serve(documents, 'openapi'));
  router.get(REFERENCE_PATH.asyncApi, serve(documents, 'asyncapi'));
  router.get(`${REFERENCE_PATH.schemas}/:name.json`, (request, response, next) => {
    serve(documents, `schema ${request.params.name}`)(request, response, next);
  });
  router.get(REFERENCE_PATH.page, serve(documents, 'page'));
  router.all([REFERENCE_PATH.openApi, REFERENCE_PATH.asyncApi, REFERENCE_PATH.page], onlyMethods('GET', 'HEAD'));
  router.all(`${REFERENCE_PATH.schemas}/:name.json`, onlyMethods('GET', 'HEAD'));
  return router;
}

function rememberedBy(options: () => ReferenceOptions): () => ReadonlyMap<string, Document> {
  let made: ReadonlyMap<string, Document> = new Map();
  let madeOf = '';
  return () => {
    const current = options();
    const key = JSON.stringify(current);
    if (key !== madeOf) {
      made = documentsOf(current);
      madeOf = key;
    }
    return made;
  };
}

function documentsOf(options: ReferenceOptions): ReadonlyMap<string, Document> {
  const schemas = allSchemas(options.additionalEvents);
  const index = Object.fromEntries([...schemas.keys()].map((name) => [name, `${REFERENCE_PATH.schemas}/${name}.json`]));
  return new Map([
    ['openapi', json(openApi(options))],
    ['asyncapi', json(asyncApi(options))],
    ['schema index', json({ schemas: index })],
    ...[...schemas].map(([name, schema]): [string, Document] => [
      `schema ${name}`,
      json(schema, 'application/schema+json'),
    ]),
    ['page', document('text/html; charset=utf-8', referencePage(options))],
  ]);
}

const json = (value: object, type = 'application/json') => document(type, JSON.stringify(value, null, 1));

function document(type: string, text: string): Document {
  const body = Buffer.from(text);
  return { type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

function serve(documents: () => ReadonlyMap<string, Document>, name: string): RequestHandler {
  return (request, response) => {
    const found = documents().get(name);
    if (found === undefined) {
      const detail = `There is no such schema: ${REFERENCE_PATH.schemas}/index.json lists them.`;
      return sendProblem(response, { status: 404, code: 'not_found', detail });
    }
    response.set({ 'Content-Type': found.type, 'Cache-Control': CACHE, ETag: found.etag });
    if (name === 'page') response.set('Content-Security-Policy', POLICY);
    if (request.headers['if-none-match'] === found.etag) response.status(304).end();
    else response.send(found.body);
  };
}

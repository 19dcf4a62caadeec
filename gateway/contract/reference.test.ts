import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { KNOWN_EVENTS } from '../../protocol/catalogue.ts';
import { LOGIN_PATH, REFERENCE_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { Refused, startGateway, type RunningGateway } from '../testing/running-gateway.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { responses: Record<string, { description: string }> }>>>
  >;
}

/** What a gateway says about its contract, compared with its behaviour. */
describe('the reference', () => {
  let gateway: RunningGateway;
  let ca: string;
  before(async () => {
    gateway = await startGateway({});
    ca = await readFile(join(gateway.stateFolder, 'ca.crt'), 'utf8');
  });
  after(() => gateway[Symbol.asyncDispose]());

  function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const place = {
        host: '127.0.0.1',
        servername: 'localhost',
        port: gateway.gateway.port,
        path,
        method,
        ca,
        headers,
      };
      request(place, (answer) => {
        let body = '';
        answer.on('data', (part) => (body += String(part)));
        answer.on('end', () => {
          const { statusCode: status = 0, headers: given } = answer;
          if (method === 'GET')
            gateway.documented.answer(method, path, { status, body: status < 400 ? null : JSON.parse(body) });
          resolve({ status, headers: given, body });
        });
      })
        .on('error', reject)
        .end();
    });
  }

  test('documents are public, may be cached, and are not sent again when they are known', async () => {
    for (const path of [REFERENCE_PATH.openApi, REFERENCE_PATH.asyncApi, `${REFERENCE_PATH.schemas}/index.json`]) {
      const { status, headers, body } = await ask(path);
      assert.equal(status, 200, path);
      assert.match(String(headers['cache-control']), /^public, max-age=/);
      assert.equal(headers['access-control-allow-origin'], undefined, 'without an Origin');
      assert.ok(JSON.parse(body));
      const again = await ask(path, { 'If-None-Match': String(headers['etag']), Origin: 'https://tools.example.com' });
      assert.deepEqual([again.status, again.body, again.headers['access-control-allow-origin']], [304, '', '*']);
    }
  });

  test('every name of the index is a schema, and another name is 404', async () => {
    const { schemas } = JSON.parse((await ask(`${REFERENCE_PATH.schemas}/index.json`)).body) as {
      schemas: Record<string, string>;
    };
    for (const name of KNOWN_EVENTS) assert.ok(Object.hasOwn(schemas, name), name);
    for (const path of Object.values(schemas)) assert.equal((await ask(path)).status, 200, path);
    for (const name of ['NOTHING', '..%2f..%2fpackage', '__proto__', 'constructor']) {
      const { status, body } = await ask(`${REFERENCE_PATH.schemas}/${name}.json`);
      assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [404, 'not_found'], name);
    }
    assert.equal((await ask(REFERENCE_PATH.openApi, {}, 'POST')).status, 405);
  });

  test('R5: the page asks for nothing from elsewhere, and needs no script', async () => {
    const { status, headers, body } = await ask(REFERENCE_PATH.page);
    assert.equal(status, 200);
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; style-src 'unsafe-inline'/);
    assert.doesNotMatch(body, /<script|<img|<link|<iframe|@import|url\(|(src|href)="(https?:)?\/\//);
    for (const [, path = ''] of body.matchAll(/href="([^"]+)"/g)) assert.equal((await ask(path)).status, 200, path);
  });

  test('R1: what a gateway refuses is in the document, under its status and by its code', async () => {
    const { paths } = JSON.parse((await ask(REFERENCE_PATH.openApi)).body) as OpenApi;
    const token = await gateway.token();
    const logins: unknown[] = [
      {},
      1,
      { username: 'a', password: 'b', domain: 'c' },
      { username: 1, password: 'b', domain: 'c' },
    ];
    for (const body of logins) {
      const { status, body: answer } = await gateway.login(body);
      assert.match(
        paths[LOGIN_PATH]?.['post']?.responses[status]?.description ?? '',
        new RegExp(`\`${String(answer['code'])}\``),
      );
    }
    const queries = [
      'token=x',
      `token=${token}&v=2`,
      `token=${token}&v=1&x=1`,
      `token=${token}&cursor=AAAA`,
      `token=${token}&group=none`,
    ];
    queries.push(
      `token=${token}&from=never`,
      `token=${token}&to=-1s`,
      `token=${token}&v=1&meta=0`,
      `token=${token}&on_gap=x`,
    );
    for (const query of queries) {
      const refused = await gateway.connect(`?${query}`).catch((error: unknown) => error);
      assert.ok(refused instanceof Refused, query);
      const { responses } = paths[STREAM_PATH]?.['get'] ?? { responses: {} };
      assert.match(
        responses[refused.status]?.description ?? '',
        new RegExp(`\`${refused.code}\``),
        `${query}: ${refused.status}`,
      );
    }
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { hash as bcrypt } from 'bcrypt';
import { silentLogger, type Logger } from '../../../../runtime/logging/logger.ts';
import { startMariadb, startPostgres, type DatabaseServer } from '../../../../testing/database-server.ts';
import { recordedLogger } from '../../../../testing/recorded-logger.ts';
import { freePort } from '../../../../testing/free-port.ts';
import { until } from '../../../../testing/until.ts';
import { hashPassword } from '../../../auth/password.ts';
import { startGateway, type RunningGateway } from '../../../testing/running-gateway.ts';
import { DIRECTORY_REFRESH_PATH } from '../../../../protocol/paths.ts';
import { startSqlDirectory } from './main.ts';

const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
const LIMIT = { timeout: 120_000 };
/** Names of columns are the platform's own. */
const SCHEMA = `
CREATE TABLE customer (customer_id varchar(64) PRIMARY KEY, title varchar(100), sip_realm varchar(100), reseller varchar(64), active boolean);
CREATE TABLE login (login_name varchar(100), customer varchar(64), hash varchar(200), blocked boolean);`;
/** The queries of the documentation. */
const PAGE = await readFile(new URL('../../../../docs/directory.md', import.meta.url), 'utf8');
const QUERIES = /sql\.database\.test\.ts -->\n\n```yaml\n(.*?)```/s.exec(PAGE)?.[1] ?? '';

async function serve(database: DatabaseServer, queries: string, push = '', logger: Logger = silentLogger) {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-sql-'));
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const tokenFile = await file('token', 'shared-token\n');
  const server = await startSqlDirectory(
    {
      FIREHOSE_DATABASE_URL_FILE: await file('url', `${database.url}\n`),
      FIREHOSE_DIRECTORY_QUERIES: await file('queries.yaml', queries),
      FIREHOSE_DIRECTORY_TOKEN_FILE: tokenFile,
      FIREHOSE_DIRECTORY_INTERVAL: '1',
      FIREHOSE_DIRECTORY_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      ...(push !== '' && { FIREHOSE_DIRECTORY_PUSH: push }),
    },
    logger,
  );
  return {
    url: `http://127.0.0.1:${server.port}/`,
    ready: async () => (await fetch(`http://127.0.0.1:${server.innerPort}/readyz`)).status,
    tokenFile,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

for (const [name, start] of [
  ['PostgreSQL', startPostgres],
  ['MariaDB', startMariadb],
] as const) {
  describe(`a directory from ${name}`, () => {
    test('logs users in by argon2id and bcrypt, and pushes what changes', LIMIT, async () => {
      await using database = await start();
      await database.sql(SCHEMA);
      await database.sql(
        `INSERT INTO customer VALUES ('${ROOT}', 'admin', 'admin.sip.example.com', NULL, true), ('acme', 'Acme', 'acme.example.com', '${ROOT}', true);
         INSERT INTO login VALUES ('Admin', '${ROOT}', '${await hashPassword('argon')}', false),
           ('old', 'acme', '${await bcrypt('bcrypt', 4)}', false), ('md5', 'acme', 'd41d8cd98f00b204e9800998ecf8427e', false)`,
      );
      const innerPort = await freePort();
      await using server = await serve(database, QUERIES, `http://127.0.0.1:${innerPort}${DIRECTORY_REFRESH_PATH}`);
      await until('a directory that is served', async () => (await server.ready()) === 200);
      await using running = await startGateway({
        directoryServer: server,
        auth: { login: ['Directory', 'Check'] },
        environment: { FIREHOSE_DIRECTORY_TOKEN_FILE: server.tokenFile, FIREHOSE_INNER_PORT: String(innerPort) },
      });
      const status = (username: string, password: string, domain: string) =>
        statusOf(running, { username, password, domain });
      assert.equal(await status('ADMIN', 'argon', 'admin'), 200);
      assert.equal(await status('old', 'bcrypt', 'acme.example.com'), 200);
      assert.equal(await status('old', 'wrong', 'acme'), 401);
      assert.equal(await status('md5', '', 'acme'), 400);
      assert.equal(await status('md5', 'x', 'acme'), 401);
      assert.equal(await status('nobody', 'x', 'acme'), 401);
      await database.sql(`INSERT INTO customer VALUES ('7', 'Seven', 'seven.example.com', 'acme', true)`);
      await until('the new account', async () => {
        const answer = await running.login({ username: 'admin', password: 'argon', domain: 'admin', accounts: ['7'] });
        return answer.status === 200;
      });
      await database.sql(`UPDATE login SET blocked = true WHERE login_name = 'Admin'`);
      await until('the blocked user', async () => (await status('admin', 'argon', 'admin')) === 401);
      await database.stop();
      assert.equal(await status('old', 'wrong again', 'acme'), 401);
      await database.restart();
      await database.sql(`UPDATE login SET blocked = false WHERE login_name = 'Admin'`);
      await until('the user again', async () => (await status('admin', 'argon', 'admin')) === 200);
    });

    test(
      'serves an ETag and nothing to a stranger; a query that writes or lacks a column serves nothing',
      LIMIT,
      async () => {
        await using database = await start();
        await database.sql(SCHEMA);
        await database.sql(`INSERT INTO customer VALUES ('a', 'A', 'a.example.com', NULL, true)`);
        await using server = await serve(database, QUERIES);
        const headers = { authorization: 'Bearer shared-token' };
        await until('a directory that is served', async () => (await fetch(server.url, { headers })).status === 200);
        const first = await fetch(server.url, { headers });
        assert.deepEqual(JSON.parse(await first.text()), {
          id: 'a',
          name: 'A',
          realm: 'a.example.com',
          parent: null,
          enabled: true,
        });
        const again = await fetch(server.url, {
          headers: { ...headers, 'if-none-match': first.headers.get('etag') ?? '' },
        });
        assert.equal(again.status, 304);
        assert.equal((await fetch(server.url)).status, 401);
        assert.equal((await fetch(`${server.url}check`, { method: 'POST', headers, body: '{}' })).status, 400);
        assert.equal((await fetch(server.url, { method: 'DELETE', headers })).status, 405);
        for (const accounts of [
          "INSERT INTO customer VALUES ('b', 'B', 'b', NULL, true)",
          'SELECT 1 AS id',
          'nonsense',
        ]) {
          const { lines, logger } = recordedLogger();
          await using wrong = await serve(database, JSON.stringify({ accounts }), '', logger);
          await until('a reading that failed', () =>
            lines.some((line) => line.includes('the directory stays as it was')),
          );
          assert.equal(await wrong.ready(), 503, accounts);
        }
        const { status } = await fetch(server.url, { headers });
        assert.equal(status, 200);
      },
    );
  });
}

async function statusOf(running: RunningGateway, body: object): Promise<number> {
  return (await running.login(body)).status;
}

test('settings that are wrong are all told at once, and none of their content', async () => {
  const environment = { FIREHOSE_DIRECTORY_QUERIES: '/nowhere/queries', FIREHOSE_DIRECTORY_INTERVAL: '0' };
  await assert.rejects(startSqlDirectory(environment, silentLogger), (error: { faults: string[] }) => {
    assert.equal(error.faults.length, 3);
    return true;
  });
});

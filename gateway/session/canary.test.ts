import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { pino } from 'pino';
import { INGEST_PATH, LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { ask, clientFrame, closeCode, exchange, upgradeRequest } from '../testing/raw-client.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

const WRONG_PASSWORD = 'canary-wrong-Kea9Wren';
const FILED_PASSWORD = 'canary-filed-Tui7Finch';

test('no token and no password is in a log line, a metric or the body of an error', { timeout: 60_000 }, async () => {
  let logged = '';
  // Runs without redaction: a secret that never reaches the log cannot leak through it.
  const logger = pino({ level: 'trace' }, { write: (line: string) => (logged += line) });
  await using running = await startGateway({ plain: true, logger });
  const token = await running.token();
  const mutated = `${token.slice(0, -12)}canaryOwl123`;
  const answers = await misuse(running, token, mutated);
  for (const frame of [clientFrame(1, token), clientFrame(3, token), clientFrame(8, `\x0f\xa0${token.slice(-60)}`)]) {
    const sent = Buffer.concat([Buffer.from(upgradeRequest(token)), frame, clientFrame(8, Buffer.from([3, 232]))]);
    const received = await exchange(running.gateway.port, sent, { isEnough: (bytes) => closeCode(bytes) !== null });
    answers.push(received.toString('latin1'));
  }
  // A password in the place of its hash is a mistake that people make.
  const directory = await readFile(running.directoryFile, 'utf8');
  const withPassword = directory.replace(/\$argon2id\$[^']+/, FILED_PASSWORD);
  assert.notEqual(withPassword, directory);
  await writeFile(running.directoryFile, withPassword);
  await until('the refused directory in the log', () => logged.includes('the directory file is invalid'));
  const metrics = await (await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`)).text();
  assert.match(metrics, /firehose_/);
  await running.gateway[Symbol.asyncDispose]();

  // The last part of a token is its signature: the secret part.
  const secrets = [
    ...[token, mutated].map((text) => text.slice(-24)),
    token.slice(40, 80),
    ADMIN.password,
    WRONG_PASSWORD,
    FILED_PASSWORD,
  ];
  for (const secret of secrets) {
    assert.ok(!logged.includes(secret), 'a secret was logged');
    assert.ok(!metrics.includes(secret), 'a secret is in a metric');
    for (const answer of answers) assert.ok(!answer.includes(secret), answer.slice(0, 120));
  }
});

/** The gateway's answers to secrets in every place where a client could put one. */
async function misuse(running: RunningGateway, token: string, mutated: string): Promise<string[]> {
  const { port, innerPort } = running.gateway;
  const upgrade = upgradeRequest(token);
  const login = (body: string, header = '') =>
    `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: a\r\n${header}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const requests = [
    upgradeRequest(mutated),
    upgradeRequest(token, `&token=${mutated}`),
    upgradeRequest(token, `&cursor=${token}`),
    upgradeRequest(token, `&meta=${token}`),
    upgrade.replace('Host:', `Origin: https://${token}\r\nHost:`),
    upgrade.replace('Host:', `Authorization: Bearer ${mutated}\r\nHost:`),
    upgrade.replace(/Key: \S+/, `Key: ${token}`),
    upgrade.replace('Version: 13', `Version: ${token}`),
    upgrade.replace('HTTP/1.1', 'HTTP/9.9'),
    upgrade.replace('Host: localhost', `Host localhost ${token}`),
    upgrade.replace('Upgrade: websocket', 'X: y'),
    `GET ${STREAM_PATH}/${token} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET /%zz${token} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `${token} / HTTP/1.1\r\nHost: a\r\n\r\n`,
    login(JSON.stringify({ ...ADMIN, password: WRONG_PASSWORD })),
    login(JSON.stringify({ ...ADMIN, username: WRONG_PASSWORD })),
    login(JSON.stringify({ ...ADMIN, domain: WRONG_PASSWORD })),
    login(JSON.stringify({ ...ADMIN, password: [WRONG_PASSWORD] })),
    // A message names only the wrong accounts and events themselves, and nothing near them.
    login(JSON.stringify({ ...ADMIN, accounts: ['nowhere'] })),
    login(JSON.stringify({ ...ADMIN, events: ['NOTHING'] })),
    login(JSON.stringify({ ...ADMIN, [token]: 1 })),
    login(`{"password":"${WRONG_PASSWORD}`),
    login(ADMIN.password),
    login(JSON.stringify(ADMIN), 'Content-Encoding: gzip\r\n'),
    login(JSON.stringify({ ...ADMIN, pad: WRONG_PASSWORD.repeat(4_000) })),
    login(JSON.stringify(ADMIN)).replace('Host', 'Ho st'),
  ];
  const answers: string[] = [];
  for (const request of requests) {
    const answer = await ask(port, request);
    // A correct login with an unknown field succeeds, and the answer contains its token.
    if (answer.status !== 200) answers.push(answer.body);
  }
  assert.ok(answers.length > requests.length - 3);
  const ingest = await fetch(`http://127.0.0.1:${innerPort}${INGEST_PATH}`, {
    method: 'POST',
    body: WRONG_PASSWORD,
    headers: { Authorization: `Bearer ${mutated}` },
  });
  assert.equal(ingest.status, 401);
  answers.push(await ingest.text());
  return answers;
}

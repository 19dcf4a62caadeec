import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { serve, type Served } from './testing/served.ts';
import { snippet } from './testing/snippets.ts';

const LIMIT = { timeout: 90_000 };

/** Every command of the documentation that needs no Redis, unchanged. */
describe('the commands of the documentation', () => {
  let served: Served;
  before(async () => {
    served = await serve('start');
  });
  after(() => served[Symbol.asyncDispose]());

  const prints = (script: string, expected: RegExp) => served.workplace.prints(script, expected, served.client);

  test('npm start prints two lines to paste, and they print events', LIMIT, async () => {
    await using other = await serve('start');
    const { output } = await other.workplace.prints('npm start', /callEvents\?token=\$TOKEN"\n/, {
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
    });
    // The address of the console is the third.
    const lines = output.split('\n').filter((line) => /^ {2}(?!https?:)/.test(line));
    assert.equal(lines.length, 2);
    const pasted = lines.join('\n').replaceAll(/localhost:\d+/g, other.client['FIREHOSE'] ?? '');
    await other.workplace.prints(pasted, /"Event-Name":"CHANNEL_CREATE"/);
  });

  test('connections are listed, and tokens revoked by command and by curl', LIMIT, async () => {
    const login = snippet('shell').split('NODE_EXTRA')[0] ?? '';
    const { match } = await prints(`${login}\necho "token $TOKEN"`, /token (eyJ\S+)/);
    const script = `TOKEN=${match[1]}\n${snippet('administration')}`;
    await prints(script, /^session  .*\n(.*\n)*revoked user admin .*\nrevoked account account_id_1 .*\nrevoked token /);
    await prints(
      snippet('revocations'),
      /\{"revoked":\{"user":\{.*"username":"admin"\}\},"at":".*","until":".*","closed":0\}/,
    );
  });

  test('directory, sources and health are shown', LIMIT, async () => {
    await prints(
      snippet('survey'),
      /admin\.sip\.example\.com[^]*\nsource +kind [^]*\nok +ready\.log +reached\n[^]* 0 fail\n/,
    );
  });

  test('an event is explained to an operator and to its consumer', LIMIT, async () => {
    const login = snippet('shell').split('NODE_EXTRA')[0] ?? '';
    const { match } = await prints(`${login}\necho "token $TOKEN"`, /token (eyJ\S+)/);
    await prints(`EVENT=never\n${snippet('explain')}`, /no event\n[^]*not_written: No such event[^]*no +in_log/);
    const own = `TOKEN=${match[1]}\nEVENT=never\n${served.on(snippet('explain-own'))}`;
    await prints(own, /"verdict":"unknown","reason":"unknown_event"/);
  });

  test('lock-outs are listed and lifted', LIMIT, async () => {
    const wrong = snippet('shell').split('NODE_EXTRA')[0]?.replace('adminpassword', 'wrong') ?? '';
    await prints(`for try in 1 2 3 4 5 6 7 8 9 10 11; do ${wrong.trim()}; done; echo tried`, /tried/);
    await prints(snippet('lockouts'), /admin[\s\S]*lifted/);
  });

  test('doctor looks at the gateway that runs', LIMIT, async () => {
    await prints(`${snippet('doctor')}|| true`, /ok .*\n/);
  });

  test('a recording of a switch is mapped', LIMIT, async () => {
    await prints(snippet('source-map'), /"Event-Name":"CHANNEL_DESTROY".*"Hangup-Cause":"USER_BUSY"/);
  });

  test('a recording is mapped by the rules of the documentation', LIMIT, async () => {
    await served.workplace.write('rules.yaml', snippet('source-map-config'));
    const mapped = `${snippet('source-map').trim()} --config rules.yaml`;
    await prints(mapped, /"Event-Name":"CHANNEL_CREATE"[\s\S]*"Event-Name":"CHANNEL_DESTROY"/);
  });

  test('the example batch is accepted by the ingest endpoint', LIMIT, async () => {
    const accepted = /"accepted".*"accepted".*"accepted"/s;
    await prints(served.on(snippet('ingest')), accepted);
  });
});

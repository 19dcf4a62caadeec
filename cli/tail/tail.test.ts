import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ADMIN, startGateway, type RunningGateway } from '../../gateway/testing/running-gateway.ts';
import { startTcpProxy, type TcpProxy } from '../../testing/tcp-proxy.ts';
import { until } from '../../testing/until.ts';
import { linesOf, start, type } from './testing/typed.ts';

const LIMIT = { timeout: 90_000 };
const TERMINAL = { isTTY: true };

/** The executable against a gateway over TLS, behind a proxy that cuts connections. */
describe('firehose tail', () => {
  let gateway: RunningGateway;
  let proxy: TcpProxy;
  let folder: string;
  let environment: Readonly<Record<string, string>>;
  before(async () => {
    gateway = await startGateway({ calls: { enabled: true } });
    proxy = await startTcpProxy(gateway.gateway.port);
    folder = await mkdtemp(join(tmpdir(), 'firehose-tail-'));
    environment = {
      FIREHOSE_URL: `https://localhost:${proxy.port}`,
      FIREHOSE_CA: join(gateway.stateFolder, 'ca.crt'),
      FIREHOSE_USERNAME: ADMIN.username,
      FIREHOSE_DOMAIN: ADMIN.domain,
      FIREHOSE_PASSWORD: ADMIN.password,
    };
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const produce = async (from: number, to: number, name = 'DTMF', account = 'account_id_1') => {
    const lines = Array.from({ length: to - from }, (_, at) =>
      JSON.stringify({
        'Event-Name': name,
        // Events of one call are in order.
        'Call-ID': account === 'account_id_3' ? 'call' : `call-${from + at}`,
        n: from + at,
        'Custom-Channel-Vars': { 'Account-ID': account },
      }),
    );
    assert.equal((await gateway.ingest(lines.join('\n'))).body['accepted'], to - from);
  };
  const numbers = (output: string) => linesOf(output).map(({ n }) => Number(n));

  test('one JSON object a line into a pipe, filtered, and a replay that ends', LIMIT, async () => {
    await produce(0, 5);
    await produce(5, 8, 'CHANNEL_HOLD');
    await produce(8, 9, 'DTMF', 'account_id_2');
    const args = ['tail', '--from', '-1h', '--to', '-0s', '--events', 'DTMF', '--accounts', 'account_id_1'];
    const { code, output, errors } = await type(args, environment).ended;
    assert.deepEqual([code, errors], [0, '']);
    assert.deepEqual(
      numbers(output).toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4],
    );
    const meta = linesOf(output)[0]?.['_firehose'] as Record<string, unknown>;
    assert.deepEqual(Object.keys(meta), ['id', 'account_id', 'ingested_at', 'cursor']);
  });

  test('a file keeps the place: what follows continues behind what was printed, over cuts', LIMIT, async () => {
    const args = ['tail', '--accounts', 'account_id_3', '--from', '-1h', '--cursor-file', join(folder, 'cursor')];
    await produce(1_000, 1_040, 'DTMF', 'account_id_3');
    const first = await type([...args, '--count', '10'], environment).ended;
    assert.deepEqual([first.code, first.errors], [0, '']);
    const rest = type([...args, '--count', '50'], environment);
    await until('events', () => numbers(rest.output()).length > 5);
    proxy.cutAll();
    await produce(1_040, 1_060, 'DTMF', 'account_id_3');
    const { code, errors, output } = await rest.ended;
    assert.equal(code, 0);
    assert.match(errors, /^closed with 1006: connecting again\n/);
    const all = [...numbers(first.output), ...numbers(output)];
    assert.deepEqual(
      all,
      Array.from({ length: 60 }, (_, at) => 1_000 + at),
    );
    assert.match(await readFile(join(folder, 'cursor'), 'utf8'), /^[\w-]+$/);
  });

  test('a reader that is gone ends it without an error', LIMIT, async () => {
    await produce(6_000, 6_003);
    const tailing = start(['tail', '--from', '-1h'], environment);
    await until('a line', () => tailing.output() !== '');
    tailing.child.stdout.destroy();
    for (let n = 6_003; tailing.child.exitCode === null; n += 1) {
      await produce(n, n + 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { code, errors } = await tailing.ended;
    assert.deepEqual([code, errors], [0, '']);
  });

  test('the password comes from the environment, the standard input or a prompt without an echo', LIMIT, async () => {
    const { FIREHOSE_PASSWORD: password = '', ...rest } = environment;
    const ends = ['--from', '-1h', '--count', '1'];
    const piped = type(['tail', ...ends, '--password-stdin'], rest);
    piped.input.end(`${password}\n`);
    assert.equal((await piped.ended).code, 0);
    const token = type(['tail', ...ends, '--token-stdin'], rest);
    token.input.end(`${await gateway.token()}\n`);
    assert.equal((await token.ended).code, 0);
    const asked = type(['tail', ...ends], rest, TERMINAL);
    await until('the prompt', () => asked.errors() !== '');
    asked.input.write(`${password}\n`);
    assert.equal((await asked.ended).code, 0, asked.errors());
    assert.equal(asked.errors(), 'Password of admin: \n');
    const none = await type(['tail', ...ends], rest).ended;
    assert.equal(none.code, 2);
    assert.match(none.errors, /^error: no password: set FIREHOSE_PASSWORD, or pipe it in with --password-stdin\n$/);
  });

  test('people get columns, in colours unless NO_COLOR is set', LIMIT, async () => {
    await produce(7_000, 7_001, 'CHANNEL_ANSWER');
    const args = ['tail', '--from', '-1h', '--events', 'CHANNEL_ANSWER', '--count', '1'];
    const row = String.raw`\d\d:\d\d:\d\d\.\d{3} .*CHANNEL_ANSWER .*account_id_1 .*call-7000`;
    const plain = type(args, { ...environment, NO_COLOR: '1' }, TERMINAL);
    assert.equal((await plain.ended).code, 0, plain.errors());
    assert.match(plain.output(), new RegExp(`^${row}\n$`));
    assert.ok(!plain.output().includes('\x1b'));
    const coloured = type(args, environment, TERMINAL);
    assert.equal((await coloured.ended).code, 0);
    assert.ok(coloured.output().includes('\x1b[32mCHANNEL_ANSWER'));
    const piped = await type([...args, '--pretty'], environment).ended;
    assert.match(piped.output, new RegExp(`^${row}\n$`));
    const json = type([...args, '--json'], environment, TERMINAL);
    await json.ended;
    assert.equal(linesOf(json.output())[0]?.['n'], 7_000);
  });

  test('it begins with the live calls where that is asked for', LIMIT, async () => {
    await produce(8_000, 8_001, 'CHANNEL_CREATE');
    const tailing = start(['tail', '--snapshot'], environment);
    await until('the calls', () => tailing.output().includes('"call_id":"call-8000"'));
    await produce(8_001, 8_002, 'CHANNEL_CREATE');
    await until('an event after them', () => tailing.output().includes('"n":8001'));
    tailing.child.kill('SIGTERM');
    const { code, output } = await tailing.ended;
    assert.equal(code, 0);
    assert.equal((linesOf(output)[0]?.['_firehose'] as { type: string } | undefined)?.type, 'snapshot');
  });

  test('a refusal is 1, with what to do', LIMIT, async () => {
    const wrong = await type(['tail'], { ...environment, FIREHOSE_PASSWORD: 'wrong' }).ended;
    assert.deepEqual([wrong.code, wrong.output], [1, '']);
    assert.match(wrong.errors, /User name, password or domain is wrong: correct the login\n$/);
    const event = await type(['tail', '--events', 'CHANNEL_ANSWERED'], environment).ended;
    assert.equal(event.code, 1);
    assert.match(event.errors, /No event has this name: take a name of known_events\n$/);
    const cursor = join(folder, 'foreign');
    await writeFile(cursor, 'AAAA');
    const foreign = await type(['tail', '--cursor-file', cursor], environment).ended;
    assert.equal(foreign.code, 1);
  });

  test(
    'a stricter privacy profile hides what the login may see, and one that is not there is refused',
    LIMIT,
    async () => {
      await using other = await startGateway({ privacy: { profiles: [{ name: 'strict' }] } });
      const place = {
        ...environment,
        FIREHOSE_URL: `https://localhost:${other.gateway.port}`,
        FIREHOSE_CA: join(other.stateFolder, 'ca.crt'),
      };
      const vars = { 'Account-ID': 'account_id_1' };
      const event = { 'Event-Name': 'DTMF', 'Call-ID': 'a', 'DTMF-Digit': '7', 'Custom-Channel-Vars': vars };
      await other.ingest(JSON.stringify(event));
      const args = ['tail', '--from', '-1h', '--count', '1'];
      const [whole, hidden] = [type(args, place), type([...args, '--privacy', 'strict'], place)];
      const digitOf = async ({ ended }: typeof whole) => linesOf((await ended).output)[0]?.['DTMF-Digit'];
      assert.deepEqual([await digitOf(whole), (await hidden.ended).errors], ['7', '']);
      assert.notEqual(await digitOf(hidden), '7');
      const none = await type([...args, '--privacy', 'loose'], place).ended;
      assert.deepEqual([none.code, none.output], [1, '']);
      assert.match(none.errors, /The resource has no privacy profile of this name/);
      const token = type([...args, '--privacy', 'strict', '--token-stdin'], place);
      assert.equal((await token.ended).code, 2);
      assert.match(token.errors(), /a token has accounts, events and a profile of its own: leave out .*--privacy/);
    },
  );

  test('contradictions are a wrong use, all at once', LIMIT, async () => {
    const args = ['--group', 'default', '--from', '-1m', '--snapshot', '--to', '-0s', '--count', '0', '--events', ','];
    const { code, errors } = await type(['tail', ...args], environment).ended;
    assert.equal(code, 2);
    for (const flag of ['--group', '--snapshot is of now', '--count', '--events'])
      assert.ok(errors.includes(flag), errors);
    const none = await type(['tail', '--json', '--pretty'], {}).ended;
    assert.match(
      none.errors,
      /--json, --pretty: give one.*\n.*name who logs in by --user and --domain.*\n.*no password/,
    );
  });
});

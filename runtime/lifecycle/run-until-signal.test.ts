import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const MODULE = new URL('run-until-signal.ts', import.meta.url).href;
const FAULT = new URL('configuration-fault.ts', import.meta.url).href;
const KINDS = new URL('../settings/kinds.ts', import.meta.url).href;
const LOG = new URL('../logging/logger.ts', import.meta.url).href;

/**
 * A process of its own, because signals and exit codes belong to a process. One of `signals` is sent for each line that
 * it prints.
 */
async function run(body: string, ...signals: NodeJS.Signals[]): Promise<{ code: number | null; text: string }> {
  const child = start(body);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const signal = signals.shift();
    if (signal !== undefined) child.kill(signal);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

function start(body: string) {
  const program = `
    import { runUntilSignal } from '${MODULE}';
    import { ConfigurationFault } from '${FAULT}';
    import { host, port } from '${KINDS}';
    import { createLogger } from '${LOG}';
    const aborted = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));
    const ofKind = (kind) => ({ kind, fallback: null, required: null });
    const say = (text) => process.stdout.write(text + '\\n');
    const stay = setInterval(() => {}, 1_000);
    process.exit(await runUntilSignal({
      settings: { TEST_PORT: ofKind(port), TEST_HOST: ofKind(host), TEST_INNER_HOST: ofKind(host) },
      environment: { TEST_HOST: '127.0.0.1', TEST_INNER_HOST: '192.0.2.1' },
      logger: createLogger({ level: 'info', pretty: false }),
      run: async ({ drain, now }) => { ${body} },
    }));`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('the first signal asks to drain and the second to leave, and both end cleanly', async () => {
  const body = `
    const drained = aborted(drain);
    const left = aborted(now);
    say('ready');
    say('draining ' + await drained);
    say('leaving ' + await left);`;
  const { code, text } = await run(body, 'SIGTERM', 'SIGINT');
  assert.equal(code, 0);
  assert.match(text, /ready\ndraining SIGTERM\nleaving SIGINT\n/);
});

test('a configuration fault is exit code 2, with a line for each fault and no stack', async () => {
  const { code, text } = await run(`throw new ConfigurationFault(['a: is missing', 'b: is no port']);`);
  assert.equal(code, 2);
  // One line each; two fatal lines may be written in either order.
  for (const fault of ['a: is missing', 'b: is no port']) assert.ok(text.includes(`"msg":"${fault}"`), text);
  assert.doesNotMatch(text, /stack/);
});

test('a taken port is exit code 3 and says which, and the setting of this process', async () => {
  const body = `
    const { createServer } = await import('node:net');
    const first = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => first.once('listening', resolve));
    const second = createServer().listen(first.address().port, '127.0.0.1');
    await new Promise((_, reject) => second.once('error', reject));`;
  const { code, text } = await run(body);
  assert.equal(code, 3);
  assert.match(text, /127\.0\.0\.1:\d+ is taken: set TEST_PORT"/);
});

test('anything else is exit code 1 and logged: thrown, rejected without a handler, or thrown in a callback', async () => {
  const forever = 'await new Promise(() => {});';
  const ways = [
    `throw new Error('odd');`,
    `Promise.reject(new Error('odd')); ${forever}`,
    `setImmediate(() => { throw new Error('odd'); }); ${forever}`,
  ];
  for (const way of ways) {
    const { code, text } = await run(way);
    assert.equal(code, 1, way);
    assert.match(text, /"level":60.*odd/, way);
  }
});

test('an address of another machine is exit code 2, and names the one setting that has it', async () => {
  const body = `
    const { createServer } = await import('node:net');
    const server = createServer().listen(0, '192.0.2.1');
    await new Promise((_, reject) => server.once('error', reject));`;
  const { code, text } = await run(body);
  assert.equal(code, 2);
  assert.match(text, /192\.0\.2\.1 is not an address of this machine: set TEST_INNER_HOST"/);
});

test('an output that nobody reads any more ends it, as behind `| head`', { timeout: 30_000 }, async () => {
  const child = start(`setInterval(() => say('more'), 10); await new Promise(() => {});`);
  try {
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0);
  } finally {
    child.kill('SIGKILL');
  }
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('start.ts', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));
/** Prints every module that is loaded. */
const TELL = `data:text/javascript,import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });`;

function loaded(environment: Readonly<Record<string, string>>): string {
  // A configuration that is refused at once: everything is loaded by then.
  const args = ['--import', TELL, '--import', START, COMMAND, 'gateway', '--port', '70000'];
  const { stdout, status } = spawnSync(process.execPath, args, {
    env: { PATH: process.env['PATH'], ...environment },
    encoding: 'utf8',
  });
  assert.equal(status, 2, stdout.slice(-500));
  return stdout;
}

test('without an endpoint nothing of the SDK but the metrics is loaded, and no hook is registered', () => {
  const modules = loaded({});
  assert.match(modules, /sdk-metrics/);
  assert.doesNotMatch(modules, /sdk-node|sdk-trace|otlp|instrumentation/);
  assert.match(loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }), /sdk-node/);
});

test('a setting that cannot be read is said in the log, also where nothing is exported for it', () => {
  const said = loaded({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_TRACES_EXPORTER: 'canary',
    OTEL_METRICS_EXPORTER: 'none',
  });
  assert.match(said, /OTEL_TRACES_EXPORTER: otlp or none; no traces are exported/);
  assert.doesNotMatch(said, /canary|sdk-node/);
});

test('a collector at a refused address is not exported to by gRPC, and the log says so', () => {
  const said = loaded({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://169.254.169.254:4317',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    FIREHOSE_ADDRESS_GUARD: 'strict',
  });
  assert.match(said, /FIREHOSE_ADDRESS_GUARD refuses this address; nothing is exported/);
  assert.doesNotMatch(said, /169\.254|sdk-node/);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { describe, it } from 'node:test';
import { startGateway } from '../../gateway/testing/running-gateway.ts';
import { diagnose } from './doctor.ts';
import { freePort } from '../../testing/free-port.ts';
import type { Finding } from '../../protocol/finding.ts';
import { settings } from './testing.ts';

const LIMIT = { timeout: 60_000 };

async function listening(server: Server): Promise<{ port: number } & AsyncDisposable> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

const http = (handler: RequestListener) => listening(createHttpServer(handler));

/** Findings of the checks of a name, as `status check: seen`. */
async function look(of: RegExp, environment: Record<string, string>, more: { spec?: object; now?: () => number } = {}) {
  await using given = await settings(more.spec, environment);
  const findings = await diagnose(given.environment, more.now);
  assert.doesNotMatch(JSON.stringify(findings), /canary/);
  return findings.filter(({ check }) => of.test(check)).map(told);
}

function told({ status, check, seen }: Finding): string {
  return `${status} ${check}: ${seen}`;
}

describe('the listeners', () => {
  it('of a running gateway are ready, and show the certificate of its folder', LIMIT, async () => {
    await using running = await startGateway({});
    const environment = {
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: String(running.gateway.port),
      FIREHOSE_INNER_PORT: String(running.gateway.innerPort),
      FIREHOSE_STATE: running.stateFolder,
    };
    const [inner = '', clock = '', shown = ''] = await look(/^gateway/, environment);
    assert.equal(inner, 'ok gateway.inner: ready');
    assert.match(clock, /^ok gateway.clock: /);
    assert.match(shown, /^ok gateway.public: answers, with a certificate until /);
    await using other = await startGateway({});
    const stranger = await look(/^gateway.public/, { ...environment, FIREHOSE_STATE: other.stateFolder });
    assert.deepEqual(stranger, ['warn gateway.public: shows another certificate than that of the file']);
    const late = await look(/^gateway.clock/, environment, { now: () => Date.now() - 60_000 });
    assert.match(late[0] ?? '', /^fail gateway.clock: the clock is \d+\.\d s ahead/);
  });

  it('behind the PROXY protocol are asked with a header, or cannot be judged from here', LIMIT, async () => {
    for (const plain of [true, false]) {
      for (const [trustedProxies, expected] of [
        [['127.0.0.0/8'], plain ? /^ok .*: accepts connections$/ : /^ok .*: answers, with a certificate until /],
        [['10.0.0.0/8'], /^warn gateway.public: cannot be judged from here: /],
      ] as const) {
        const gateway = { proxyProtocol: true, trustedProxies, tls: { disabled: plain } };
        await using running = await startGateway({ plain: true, gateway });
        const environment = {
          FIREHOSE_HOST: '127.0.0.1',
          FIREHOSE_PORT: String(running.gateway.port),
          FIREHOSE_STATE: running.stateFolder,
        };
        const [found = ''] = await look(/^gateway.public/, environment, { spec: { gateway } });
        assert.match(found, expected);
      }
    }
  });

  it('of a gateway whose Redis is away says why it is not ready', LIMIT, async () => {
    await using running = await startGateway({ redisUrl: 'redis://:canary@127.0.0.1:1' });
    const found = await look(/^gateway.inner/, { FIREHOSE_INNER_PORT: String(running.gateway.innerPort) });
    assert.match(found[0] ?? '', /^fail gateway.inner: is not ready: .*log out of reach/);
  });

  it('that do not listen are a warning, any free port is not looked for', LIMIT, async () => {
    assert.deepEqual(await look(/^gateway/, {}), [
      'warn gateway.inner: nothing listens there',
      'warn gateway.public: nothing listens there',
    ]);
    const any = await look(/^gateway/, { FIREHOSE_PORT: '0', FIREHOSE_INNER_PORT: '0' });
    assert.ok(any.every((line) => line.endsWith('is any free port: not looked at')));
  });

  it('whose port another process has, or that accept and are silent', LIMIT, async () => {
    await using other = await http((_request, response) => response.end('hello'));
    await using silent = await listening(createServer((socket) => void socket.on('error', () => socket.destroy())));
    const found = await look(/^gateway/, {
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: String(other.port),
      FIREHOSE_INNER_PORT: String(silent.port),
    });
    assert.equal(found[0], 'fail gateway.inner: no answer within 5 s');
    assert.match(found[1] ?? '', /^fail gateway.public: something else than a gateway answers \(/);
    const inner = await look(/^gateway.inner/, { FIREHOSE_INNER_PORT: String(other.port) });
    assert.deepEqual(inner, ['fail gateway.inner: something else than a gateway answers']);
    const spec = { gateway: { tls: { disabled: true } } };
    const plain = await look(
      /^gateway.public/,
      { FIREHOSE_HOST: '127.0.0.1', FIREHOSE_PORT: String(other.port) },
      { spec },
    );
    assert.deepEqual(plain, ['ok gateway.public: accepts connections']);
  });
});

describe('the collector', () => {
  const collector = (environment: Record<string, string>) => look(/^collector/, environment);

  it('that is not configured is not looked for', LIMIT, async () => {
    assert.deepEqual(await collector({}), []);
    assert.deepEqual(await collector({ OTEL_EXPORTER_OTLP_ENDPOINT: 'x', OTEL_SDK_DISABLED: 'true' }), []);
    const misspelt = { OTEL_EXPORTER_OTLP_ENDPOINT: 'x', OTEL_TRACES_EXPORTER: 'oltp', OTEL_METRICS_EXPORTER: 'none' };
    assert.deepEqual(await look(/^telemetry/, misspelt), [
      'warn telemetry: OTEL_TRACES_EXPORTER: otlp or none; no traces are exported',
    ]);
  });

  it('takes an empty export by HTTP, with the headers that were given', LIMIT, async () => {
    const asked: string[] = [];
    await using server = await http((request, response) => {
      const { authorization = '', 'content-type': type = '' } = request.headers;
      asked.push(`${request.method} ${request.url} ${type} ${authorization}`);
      response.writeHead(authorization === 'Bearer canary' ? 200 : 401).end();
    });
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.port}/otlp/` };
    const allowed = await collector({ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'x=1,Authorization=Bearer%20canary' });
    assert.deepEqual(allowed, Array(2).fill('ok collector: takes what it is sent'));
    assert.deepEqual(
      asked.toSorted(),
      ['metrics', 'traces'].map((signal) => `POST /otlp/v1/${signal} application/x-protobuf Bearer canary`),
    );
    assert.deepEqual(await collector(endpoint), Array(2).fill('warn collector: refuses: HTTP 401'));
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${server.port}/here` };
    assert.equal((await collector(own)).length, 1);
    assert.match(asked.at(-1) ?? '', /^POST \/here /);
    await collector({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://user:canary@127.0.0.1:${server.port}/` });
    assert.match(asked.at(-1) ?? '', / Basic dXNlcjpjYW5hcnk=$/);
  });

  it('speaks HTTP/2 where gRPC is wanted', LIMIT, async () => {
    await using server = await listening(createHttp2Server());
    await using plain = await http((_request, response) => response.end());
    const endpoint = (port: number) => ({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    });
    assert.deepEqual(await collector(endpoint(server.port)), ['ok collector: takes what it is sent']);
    assert.match((await collector(endpoint(plain.port)))[0] ?? '', /^warn collector: cannot be reached \(/);
  });

  it('is away, or is no URL', LIMIT, async () => {
    const away = await collector({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:canary@127.0.0.1:${await freePort()}` });
    assert.deepEqual(away, Array(2).fill('warn collector: cannot be reached (ECONNREFUSED)'));
    const wrong = await collector({ OTEL_EXPORTER_OTLP_ENDPOINT: 'canary:4317' });
    assert.deepEqual(wrong, Array(2).fill('fail collector: its endpoint is no http or https URL'));
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startGateway, type RunningGateway } from '../../gateway/testing/running-gateway.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { pythonProgram } from '../conformance/programs.ts';
import { startService, type Service } from './service.ts';

const CLIENTS = 1_000;
const DRAIN_S = 30;
/** 1,000 TLS handshakes of clients and gateway in one process and a small one. */
const HANDSHAKES_MS = 60_000;
/** Share of the clients, in the busiest second. */
const MOST = 0.06;
const EVENT = '{"Event-Name":"DTMF","Call-ID":"one","Custom-Channel-Vars":{"Account-ID":"account_id_1"}}';
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

interface Fleet extends AsyncDisposable {
  readonly language: string;
  readonly service: Service;
  /** Tokens that the clients requested: for a client with a password, each is a login. */
  readonly tokens: () => number;
  /** Events that the clients received. */
  readonly events: () => number;
}

interface Program {
  readonly language: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

async function startFleet(
  { language, command, environment }: Program,
  { gateway, stateFolder }: RunningGateway,
  token: string,
): Promise<Fleet> {
  const service = await startService(gateway.port);
  const ca = join(stateFolder, 'ca.crt');
  const [program = '', ...args] = command;
  const child = spawn(program, [...args, service.url, String(CLIENTS), token], {
    env: { ...process.env, ...environment, NODE_EXTRA_CA_CERTS: ca, SSL_CERT_FILE: ca },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const printed = { token: 0, event: 0 };
  createInterface({ input: child.stdout }).on('line', (line) => (printed[line as 'token' | 'event'] += 1));
  return {
    language,
    service,
    tokens: () => printed.token,
    events: () => printed.event,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
      await service[Symbol.asyncDispose]();
    },
  };
}

/** The most of these moments within one second, wherever it begins. */
function busiestSecond(moments: readonly number[]): number {
  return Math.max(0, ...moments.map((from, n) => moments.filter((one, m) => m >= n && one < from + 1_000).length));
}

test(
  'K3: 1,000 clients of each language after a roll-out come one after the other, once, and log in again never',
  {
    timeout: 240_000,
  },
  async (t) => {
    await using redis = await startRedis();
    const connections = { drainTimeout: `${DRAIN_S}s` };
    await using former = await startGateway({ redisUrl: redis.url, connections });
    await using next = await former.another();
    const token = await former.token();
    await former.ingest(EVENT);
    const python = await pythonProgram();
    const programs: readonly Program[] = [
      { language: 'TypeScript', command: [process.execPath, at('./fleet.ts')] },
      { language: 'Python', command: [python.command[0], at('./fleet.py')], environment: python.environment },
    ];
    await using stack = new AsyncDisposableStack();
    const fleets: Fleet[] = [];
    for (const program of programs) {
      const fleet = stack.use(await startFleet(program, former, token));
      // The event that existed before: each client is served, and no handshake is pending.
      await until(`the event at all ${program.language} clients`, fleet.events, {
        holds: (events) => events === CLIENTS,
        limitMs: HANDSHAKES_MS,
      });
      assert.equal(fleet.tokens(), CLIENTS);
      fleets.push(fleet);
    }
    const before = fleets.map(({ service }) => service.came.length);
    for (const { service } of fleets) service.sendTo(next.gateway.port);
    await former.gateway.drain('SIGTERM', new AbortController().signal);
    for (const [n, { language, service, tokens }] of fleets.entries()) {
      await until(`all ${language} clients at the new replica`, () => service.open(next.gateway.port), {
        holds: (open) => open === CLIENTS,
      });
      const came = service.came.slice(before[n]);
      const busiest = busiestSecond(came);
      t.diagnostic(
        `${language}: ${came.length} connections, ${busiest} in the busiest second, ${tokens() - CLIENTS} logins`,
      );
      assert.ok(busiest <= CLIENTS * MOST, `${language}: ${busiest} in a second`);
      assert.ok(came.length <= CLIENTS * 1.01, `${language}: ${came.length} connections for ${CLIENTS} clients`);
      assert.equal(tokens(), CLIENTS, 'no client logs in again');
    }
  },
);

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN, startGateway, type RunningGateway } from '../../gateway/testing/running-gateway.ts';
import { makeCertificates, type Certificates } from '../../testing/certificates.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { Adapter, type AdapterProgram } from './adapter.ts';
import { startScriptedProxy, type ScriptedProxy } from './scripted-proxy.ts';

const ROOT = 'conformance';
const QUICKSTART = new URL('../../gateway/quickstart/directory.yaml', import.meta.url);

/** A real gateway with a real Redis, and an account and a login for each case: no case sees the events of another. */
export interface Theatre extends AsyncDisposable {
  readonly gateway: RunningGateway;
  /** The parts of one case; `n` distinguishes the accounts. */
  stage(n: number, program: AdapterProgram): Promise<Stage>;
}

interface Order {
  readonly mode?: 'stream' | 'group' | 'calls';
  readonly events?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly on_gap?: 'clamp' | 'fail';
  readonly cursor_file?: string;
  readonly concurrency?: number;
  readonly progress_ms?: number;
}

/** More than eight members: everything that a case uses. */
export interface Stage extends AsyncDisposable {
  readonly account: string;
  readonly proxy: ScriptedProxy;
  readonly gateway: RunningGateway;
  readonly cursorFile: string;
  /** A started adapter. */
  start(order?: Order): Adapter;
  /** Events with `n` from `from` up to, but without, `to`, of 7 calls. */
  produce(from: number, to: number, more?: object): Promise<void>;
  /** An event of a leg. */
  leg(callId: string, name: string, fields?: object): Promise<void>;
  /** The live calls as the gateway has them. */
  calls(): Promise<Readonly<Record<string, unknown>>[]>;
  readonly adapters: readonly Adapter[];
}

export async function openTheatre(cases: number): Promise<Theatre> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const certificates = stack.use(await makeCertificates());
  const hash = /'(\$argon2id\$[^']+)'/.exec(await readFile(QUICKSTART, 'utf8'))?.[1] ?? '';
  const numbers = Array.from({ length: cases }, (_, n) => n);
  const directory = [
    'accounts:',
    `  - { id: ${ROOT}, name: admin, realm: conformance.example.com }`,
    ...numbers.map((n) => `  - { id: case-${n}, name: case-${n}, realm: case-${n}.example.com, parent: ${ROOT} }`),
    'users:',
    `  - { username: admin, account: ${ROOT}, passwordHash: '${hash}' }`,
    ...numbers.map((n) => `  - { username: admin, account: case-${n}, passwordHash: '${hash}' }`),
  ].join('\n');
  const gateway = stack.use(
    await startGateway({
      redisUrl: redis.url,
      directory,
      accountId: ROOT,
      plain: true,
      calls: { enabled: true },
      groups: [{ name: 'default', ackWait: '5s', startPosition: 'Earliest' }],
    }),
  );
  const owned = stack.move();
  return {
    gateway,
    stage: (n, program) => openStage(n, { gateway, certificates, program }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Parts {
  readonly gateway: RunningGateway;
  readonly certificates: Certificates;
  readonly program: AdapterProgram;
}

async function openStage(n: number, { gateway, certificates, program }: Parts): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const proxy = stack.use(await startScriptedProxy(gateway.gateway.port, certificates));
  const folder = await mkdtemp(join(tmpdir(), 'firehose-conformance-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const adapters = stack.use(new AsyncDisposableStack());
  const started: Adapter[] = [];
  const account = `case-${n}`;
  const login = { ...ADMIN, domain: account };
  const ingest = async (events: readonly object[]) => {
    const vars = { 'Custom-Channel-Vars': { 'Account-ID': account } };
    const lines = events.map((event) => JSON.stringify({ ...event, ...vars }));
    const { body } = await gateway.ingest(lines.join('\n'));
    if (body['accepted'] !== events.length) throw new Error(`ingest: ${JSON.stringify(body)}`);
  };
  const owned = stack.move();
  return {
    account,
    proxy,
    gateway,
    adapters: started,
    cursorFile: join(folder, 'cursor'),
    start(order = {}) {
      const adapter = adapters.use(new Adapter(program));
      started.push(adapter);
      adapter.order({
        do: 'start',
        mode: 'stream',
        url: proxy.url,
        ca: certificates.caFile,
        login,
        group: 'default',
        ...order,
      });
      return adapter;
    },
    produce: (from, to, more = {}) =>
      ingest(
        Array.from({ length: to - from }, (_, at) => {
          const number = from + at;
          return { 'Event-Name': 'DTMF', 'Call-ID': `${account}-${number % 7}`, n: number, ...more };
        }),
      ),
    leg: (callId, name, fields = {}) => ingest([{ 'Event-Name': name, 'Call-ID': callId, ...fields }]),
    async calls() {
      const { body } = await gateway.login(login);
      const answer = await fetch(`http://127.0.0.1:${gateway.gateway.port}/ws/v1/firehose/calls`, {
        headers: { Authorization: `Bearer ${String(body['access_token'])}` },
      });
      return ((await answer.json()) as { calls: Readonly<Record<string, unknown>>[] }).calls;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import {
  ADMINISTRATION_PATH,
  DIRECTORY_REFRESH_PATH,
  LOGIN_PATH,
  INGEST_PATH,
  RECONCILE_PATH,
  STREAM_PATH,
} from '../../protocol/paths.ts';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { silentLogger, type Logger } from '../../runtime/logging/logger.ts';
import { startSimulator } from '../../source/simulator/start-simulator.ts';
import { buildGateway, type Gateway, type StartSource } from '../build.ts';
import { readConfig } from '../config.ts';
import { PROBLEM_TYPE } from '../http/problem.ts';
import { Documented } from './documented.ts';
import { quickstartResource } from './quickstart-resource.ts';

export const ADMIN = { username: 'admin', password: 'adminpassword', domain: 'admin' };
const QUICKSTART = new URL('../quickstart/', import.meta.url);

export interface RunningGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly directoryFile: string;
  readonly stateFolder: string;
  /** Compares what the gateway says with its documents when it stops. */
  readonly documented: Documented;
  login(body: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  token(filters?: object): Promise<string>;
  /** Open, or rejected with the status and body of the refusal. */
  connect(target: string, headers?: Record<string, string>): Promise<Client>;
  ingest(body: string): Promise<{ status: number; body: Record<string, number> }>;
  /** Sends the calls that a switch still has, an array as NDJSON, with the producers' token or another one. */
  reconcile(body: unknown, token?: string): Promise<{ status: number; body: Record<string, unknown> }>;
  /** A request to the administration endpoint with its token: GET, or POST of a body. */
  administer(path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** Requests a new poll of the directory, with the administrators' token. Returns the status. */
  refreshDirectory(): Promise<number>;
  /** One more replica of the same resource, with the same keys and tokens. */
  another(): Promise<RunningGateway>;
}

/** More than eight members: each test sets the few that it needs. */
export interface StartOptions {
  redisUrl?: string;
  /** Fields under `spec.redis` and `spec.stream`. */
  redis?: object;
  stream?: object;
  /** `spec.consumerGroups`. */
  groups?: readonly object[];
  /** `spec.webhooks`. */
  webhooks?: object;
  /** `spec.privacy`. */
  privacy?: object;
  /** `spec.calls`. */
  calls?: object;
  /** Further settings. */
  environment?: Readonly<Record<string, string>>;
  name?: string;
  directory?: string;
  /** A directory server that replaces the file. */
  directoryServer?: { readonly url: string; readonly caFile?: string; readonly interval?: string };
  /** More of `spec.auth`. */
  auth?: object;
  /** `spec.account.id`; default: the quickstart's. */
  accountId?: string;
  /** Plain HTTP, for raw sockets. */
  plain?: boolean;
  slowConsumerPolicy?: 'CatchUp' | 'Latest' | 'Disconnect';
  /** More of `spec.gateway`. */
  gateway?: object;
  /** More of `spec.gateway.connections`: `{ maxPerAccount: 3 }`. */
  connections?: object;
  /** The state folder of another replica, so that both have the same keys. */
  state?: string;
  logger?: Logger;
  /** Started in the gateway when `FIREHOSE_SIMULATOR_RATE` is above 0; default: the simulator. */
  source?: StartSource;
}

/** Writes subscription and directory into a new folder, and returns the file of the directory. */
async function writeConfiguration(folder: string, options: StartOptions): Promise<string> {
  await mkdir(folder);
  const subscription = await quickstartResource();
  const directory = options.directory ?? (await readFile(new URL('directory.yaml', QUICKSTART), 'utf8'));
  const { slowConsumerPolicy = 'CatchUp' } = options;
  const connections = { slowConsumerPolicy, ...options.connections };
  await writeFile(
    join(folder, 'subscription.yaml'),
    subscription
      .replace('name: quickstart', `name: ${options.name ?? 'quickstart'}`)
      .replace(/id: '.*'/, (own) => (options.accountId === undefined ? own : `id: '${options.accountId}'`)) +
      (options.redis === undefined ? '' : `  redis: ${JSON.stringify(options.redis)}\n`) +
      (options.groups === undefined ? '' : `  consumerGroups: ${JSON.stringify(options.groups)}\n`) +
      (options.webhooks === undefined ? '' : `  webhooks: ${JSON.stringify(options.webhooks)}\n`) +
      (options.calls === undefined ? '' : `  calls: ${JSON.stringify(options.calls)}\n`) +
      (options.stream === undefined ? '' : `  stream: ${JSON.stringify(options.stream)}\n`) +
      (options.privacy === undefined ? '' : `  privacy: ${JSON.stringify(options.privacy)}\n`) +
      authLine(options) +
      `  gateway: ${JSON.stringify({ tls: { disabled: options.plain === true }, connections, ...options.gateway })}\n`,
  );
  const directoryFile = join(folder, 'directory.yaml');
  await writeFile(directoryFile, directory);
  return directoryFile;
}

function authLine({ directoryServer, auth = {} }: StartOptions): string {
  const { url, interval = '1h' } = directoryServer ?? {};
  const directory = url === undefined ? {} : { directory: { http: { url, interval } } };
  return `  auth: ${JSON.stringify({ ...directory, ...auth })}\n`;
}

function environmentOf(options: StartOptions, folder: string, state: string): Environment {
  return {
    FIREHOSE_CONFIG: folder,
    FIREHOSE_STATE: state,
    FIREHOSE_HOST: '127.0.0.1',
    FIREHOSE_PORT: '0',
    FIREHOSE_INNER_PORT: '0',
    FIREHOSE_SIMULATOR_RATE: '0',
    ...(options.redisUrl !== undefined && { REDIS_URL: options.redisUrl }),
    ...(options.directoryServer?.caFile !== undefined && {
      FIREHOSE_DIRECTORY_CA_FILE: options.directoryServer.caFile,
    }),
    ...options.environment,
  };
}

const bodyText = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body));

type InnerClient = Pick<RunningGateway, 'ingest' | 'reconcile' | 'administer' | 'refreshDirectory'>;
type Bearer = Readonly<Record<'Authorization', string>>;

/** Requests of producers and administrators to the inner listener. */
function innerClient(
  inner: string,
  { producer, administrator, documented }: { producer: Bearer; administrator: Bearer; documented: Documented },
): InnerClient {
  const read = async <T>(response: Response): Promise<{ status: number; body: Record<string, T> }> => {
    const answer = { status: response.status, body: (await response.json()) as Record<string, T> };
    if (response.headers.get('content-type') === PROBLEM_TYPE) documented.problem(answer);
    return answer;
  };
  return {
    async ingest(body) {
      return read(await fetch(`${inner}${INGEST_PATH}`, { method: 'POST', body, headers: producer }));
    },
    async reconcile(body, token) {
      const bearer = token === undefined ? producer : { Authorization: `Bearer ${token}` };
      const isLines = Array.isArray(body);
      const text = isLines ? body.map((one) => JSON.stringify(one)).join('\n') : bodyText(body);
      const headers = { ...bearer, ...(isLines && { 'Content-Type': 'application/x-ndjson' }) };
      return read(await fetch(`${inner}${RECONCILE_PATH}`, { method: 'POST', body: text, headers }));
    },
    async administer(path, body) {
      const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      return read(await fetch(`${inner}${ADMINISTRATION_PATH}${path}`, { ...request, headers: administrator }));
    },
    async refreshDirectory() {
      const answer = await fetch(`${inner}${DIRECTORY_REFRESH_PATH}`, { method: 'POST', headers: administrator });
      return answer.status;
    },
  };
}

/** A gateway with the quickstart's directory, on free ports, over TLS. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-gateway-'));
  const directoryFile = await writeConfiguration(join(folder, 'config'), options);
  const stateFolder = options.state ?? join(folder, 'state');
  const config = await readConfig(environmentOf(options, join(folder, 'config'), stateFolder));
  const gateway = await buildGateway(config, options.logger ?? silentLogger, options.source ?? startSimulator);
  const ca = options.plain === true ? null : await readFile(join(stateFolder, 'ca.crt'), 'utf8');
  const inner = `http://127.0.0.1:${gateway.innerPort}`;
  const bearer = async (name: string) => ({
    Authorization: `Bearer ${(await readFile(join(stateFolder, name), 'utf8')).trim()}`,
  });
  const [producer, administrator] = [await bearer('ingest-token'), await bearer('admin-token')];
  const documented = new Documented();
  const login = async (body: unknown) => {
    const answer = await post(gateway.port, ca, JSON.stringify(body));
    documented.answer('POST', LOGIN_PATH, answer);
    return answer;
  };
  const scheme = ca === null ? 'ws' : 'wss';
  return {
    gateway,
    directoryFile,
    stateFolder,
    documented,
    login,
    async token(filters = {}) {
      return String((await login({ ...ADMIN, ...filters })).body['access_token']);
    },
    connect: (target, headers = {}) =>
      openClient(
        new WebSocket(`${scheme}://127.0.0.1:${gateway.port}${STREAM_PATH}${target}`, protocols(headers), {
          ...(ca !== null && { ca }),
          headers,
        }),
        documented,
      ),
    ...innerClient(inner, { producer, administrator, documented }),
    another: () => startGateway({ ...options, state: stateFolder }),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
      documented.assertNone();
    },
  };
}

/** An independent client: its received messages, in order. */
export class Client {
  readonly messages: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  #wake: (() => void) | null = null;

  constructor(socket: WebSocket, documented = new Documented()) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      const text = isBinary ? 'binary' : (data as Buffer).toString('utf8');
      documented.message(text, this.messages.push(text));
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        documented.close(code, reason.toString());
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** The messages, once there are `count` of them. */
  async received(count: number): Promise<string[]> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        void this.closed.then(({ code }) => reject(new Error(`closed with ${code} at ${this.messages.length}`)));
      });
    }
    return this.messages;
  }

  /** The negotiated subprotocol. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Reads nothing from the network until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** Subprotocols use the client's own option, because it checks the answer against them. */
function protocols(headers: Record<string, string>): string[] {
  return headers['Sec-WebSocket-Protocol']?.split(', ') ?? [];
}

function openClient(socket: WebSocket, documented: Documented): Promise<Client> {
  const client = new Client(socket, documented);
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(client));
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => {
        const answer = { status: response.statusCode ?? 0, body: JSON.parse(body) as { code: string } };
        documented.answer('GET', STREAM_PATH, answer);
        reject(new Refused(answer.status, answer.body));
      });
    });
  });
}

export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, body: { code: string }) {
    super(`${status} ${body.code}`);
    this.status = status;
    this.code = body.code;
  }
}

/** Posts a login; `ca` is the gateway's certificate authority, null without TLS. */
export function post(
  port: number,
  ca: string | null,
  body: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const target = { port, host: '127.0.0.1', path: LOGIN_PATH, method: 'POST' };
    const call = ca === null ? plainRequest(target) : request({ ...target, ca });
    call.once('response', (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }),
      );
    });
    call.once('error', reject);
    call.end(body);
  });
}

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INGEST_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { WebSocket as TrustingWebSocket } from 'ws';
import { quickstartResource } from './quickstart-resource.ts';
import { ADMIN, post } from './running-gateway.ts';
import { Started } from '../../testing/started.ts';

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const START = ['--import', fileOf('../../runtime/telemetry/start.ts'), fileOf('../../cli/firehose.ts')];
const QUICKSTART = new URL('../quickstart/', import.meta.url);

/** A gateway as a process of its own, started as the image starts it, with the telemetry of its environment. */
export class TracedGateway implements AsyncDisposable {
  readonly process: Started;
  readonly port: number;
  readonly innerPort: number;
  /** The authority of its certificate; null without TLS. */
  readonly #ca: string | null;
  readonly #folder: string;

  private constructor(process: Started, ports: { port: number; innerPort: number }, folder: string, ca: string | null) {
    this.process = process;
    this.port = ports.port;
    this.innerPort = ports.innerPort;
    this.#folder = folder;
    this.#ca = ca;
  }

  /**
   * `spec` is appended to the quickstart's, line by line. `isTls` false: plain HTTP, for clients without the authority.
   */
  static async start(
    environment: Readonly<Record<string, string>>,
    spec: readonly string[] = [],
    isTls = false,
  ): Promise<TracedGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'firehose-traced-'));
    const subscription = await quickstartResource();
    const more = [`gateway: { tls: { disabled: ${!isTls} } }`, ...spec].map((line) => `  ${line}\n`).join('');
    await writeFile(join(folder, 'subscription.yaml'), subscription + more);
    await writeFile(join(folder, 'directory.yaml'), await readFile(new URL('directory.yaml', QUICKSTART)));
    const env = {
      PATH: process.env['PATH'],
      // Exports go through the guard; loopback is allowed for a collector.
      FIREHOSE_ADDRESS_GUARD: 'metadata',
      FIREHOSE_CONFIG: folder,
      FIREHOSE_STATE: join(folder, 'state'),
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      FIREHOSE_SIMULATOR_RATE: '0',
      LOG_LEVEL: 'trace',
      ...environment,
    };
    const child = spawn(process.execPath, [...START, 'gateway'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const started = new Started(child);
    const ports = await started.listening();
    const ca = isTls ? await readFile(join(folder, 'state', 'ca.crt'), 'utf8') : null;
    return new TracedGateway(started, ports, folder, ca);
  }

  async login(password = ADMIN.password): Promise<string> {
    const body = JSON.stringify({ ...ADMIN, password });
    return String((await post(this.port, this.#ca, body)).body['access_token']);
  }

  /** An open socket; the caller reads its messages. */
  async connect(query: string): Promise<WebSocket> {
    const address = `127.0.0.1:${this.port}${STREAM_PATH}?${query}`;
    // The global one takes no certificate authority.
    const socket =
      this.#ca === null
        ? new WebSocket(`ws://${address}`)
        : (new TrustingWebSocket(`wss://${address}`, { ca: this.#ca }) as unknown as WebSocket);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error('the socket did not open'));
    });
    return socket;
  }

  async ingest(event: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const token = (await readFile(join(this.#folder, 'state', 'ingest-token'), 'utf8')).trim();
    return fetch(`http://127.0.0.1:${this.innerPort}${INGEST_PATH}`, {
      method: 'POST',
      body: JSON.stringify(event),
      headers: { Authorization: `Bearer ${token}`, ...headers },
    });
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.innerPort}/metrics`)).text();
  }

  /** Its exit code. */
  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM');
    return this.process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exitCode;
    await rm(this.#folder, { recursive: true });
  }
}

/** Closes a socket, and waits until both ends have closed. */
export function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.onclose = () => resolve();
    socket.close();
  });
}

/** The next message of a socket. */
export function nextMessage(socket: WebSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(String(data));
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
  });
}

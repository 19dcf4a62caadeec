import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { STREAM_PATH } from '../../../protocol/paths.ts';
import type { RunningGateway } from '../../testing/running-gateway.ts';

/** The replica to which one connects. */
export interface LedgerGateway extends Pick<RunningGateway, 'stateFolder'> {
  readonly gateway: Pick<RunningGateway['gateway'], 'port'>;
}

/** An event as a client received it. */
export interface Received {
  readonly id: string;
  readonly cursor: string;
  readonly callId: string;
}

/** A client of the control contract that records the events that it receives, and leaves with a Close or without. */
export class LedgerClient {
  readonly received = new Map<string, Received>();
  /** Null before the greeting. */
  session: string | null = null;
  /** Whether it was cut off: the last written bytes may not have arrived then. */
  isCut = false;
  /** Of the Close; null while it is open. 1006 without one. */
  code: number | null = null;
  cursor: string | null = null;
  readonly gone: Promise<void>;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#take(data.toString('utf8')));
    // A killed gateway resets its connections.
    socket.on('error', () => undefined);
    this.gone = new Promise((resolve) => {
      socket.once('close', (code) => {
        this.code = code;
        resolve();
      });
    });
  }

  /** Rejects when the handshake is refused. */
  static async open(running: LedgerGateway, token: string, query = ''): Promise<LedgerClient> {
    const ca = await readFile(join(running.stateFolder, 'ca.crt'), 'utf8');
    const url = `wss://127.0.0.1:${running.gateway.port}${STREAM_PATH}?token=${token}&v=1${query}`;
    const socket = new WebSocket(url, { ca });
    const client = new LedgerClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve).once('error', reject);
    });
    return client;
  }

  /** The event of this call; of several, the one received last. */
  of(callId: string): Received | undefined {
    return [...this.received.values()].findLast((event) => event.callId === callId);
  }

  /** Reads nothing from the network until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Reads until the gateway has answered the Close. */
  async leave(): Promise<void> {
    this.#socket.close();
    await this.gone;
  }

  async cut(): Promise<void> {
    this.isCut = true;
    this.#socket.terminate();
    await this.gone;
  }

  #take(text: string): void {
    const { _firehose: meta, ...event } = JSON.parse(text) as {
      _firehose: Record<string, string>;
      'Call-ID'?: string;
    };
    if (typeof meta['cursor'] === 'string') this.cursor = meta['cursor'];
    if (meta['type'] === 'hello') this.session = meta['session'] ?? null;
    if (Object.keys(event).length === 0) return;
    const { id = '', cursor = '' } = meta;
    this.received.set(id, { id, cursor, callId: event['Call-ID'] ?? '' });
  }
}

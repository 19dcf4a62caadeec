import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Webhook as Verifier } from 'standardwebhooks';
import { makeCertificates } from '../../testing/certificates.ts';
import type { PublishedEvent } from './group-replica.ts';

/** A request as the receiver got it. */
export interface ReceivedHook {
  /** `<call>/<n>`. */
  readonly key: string;
  readonly call: string;
  readonly n: number;
  readonly attempt: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Keys of all events of the request. */
  readonly batch: readonly string[];
  /** Monotonic. */
  readonly at: number;
}

/** How to answer a request; a function that does not answer leaves it hanging. */
type Behaviour = (hook: ReceivedHook, response: ServerResponse) => void;

/** A receiver over TLS with a ledger of received events: the official library verifies each signature. */
export class WebhookReceiver implements AsyncDisposable {
  /** Verifies what comes in. */
  secret: string;
  readonly caFile: string;
  readonly received: ReceivedHook[] = [];
  /** Events that were answered with 2xx, by key. */
  readonly accepted = new Set<string>();
  /** Signatures that do not verify, and events that arrived before the previous one was accepted. */
  readonly faults: string[] = [];
  readonly #stack: AsyncDisposableStack;
  readonly #port: number;
  readonly #cutAll: () => void;
  /** Connections are cut as soon as they open. */
  isDown = false;
  #behave: Behaviour = (hook, response) => this.accept(hook, response);

  private constructor(
    secret: string,
    caFile: string,
    at: { port: number; cutAll: () => void; stack: AsyncDisposableStack },
  ) {
    this.secret = secret;
    this.caFile = caFile;
    this.#port = at.port;
    this.#cutAll = at.cutAll;
    this.#stack = at.stack;
  }

  /** Its certificate is for `name`. */
  static async start(secret: string, name = 'localhost'): Promise<WebhookReceiver> {
    await using stack = new AsyncDisposableStack();
    const certificates = stack.use(await makeCertificates(name));
    const [cert, key] = [await readFile(certificates.certFile), await readFile(certificates.keyFile)];
    const sockets = new Set<Socket>();
    const server = createServer({ cert, key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => receiver.#take(Buffer.concat(chunks).toString('utf8'), request.headers, response));
      request.on('error', () => undefined);
    });
    server.on('connection', (socket: Socket) => {
      if (receiver.isDown) return void socket.destroy();
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.defer(async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    });
    const { port } = server.address() as AddressInfo;
    const cutAll = () => {
      for (const socket of sockets) socket.destroy();
    };
    const receiver = new WebhookReceiver(secret, certificates.caFile, { port, cutAll, stack: stack.move() });
    return receiver;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `https://localhost:${this.#port}/hooks`;
  }

  /** Cuts every connection, and new ones until it is up again. */
  down(isDown: boolean): void {
    this.isDown = isDown;
    if (isDown) this.#cutAll();
  }

  /** From now on answers like this. */
  behave(behaviour: Behaviour): void {
    this.#behave = behaviour;
  }

  accept(hook: ReceivedHook, response: ServerResponse, status = 204): void {
    for (const key of hook.batch) this.accepted.add(key);
    response.writeHead(status).end();
  }

  /** Published events that were never accepted. */
  missing(published: readonly PublishedEvent[]): string[] {
    return published.map(({ call, n }) => `${call}/${n}`).filter((key) => !this.accepted.has(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #take(body: string, headers: IncomingHttpHeaders, response: ServerResponse): void {
    const hooks = hooksOf(body, headers);
    const [hook] = hooks;
    if (hook === undefined) throw new Error('an empty batch');
    try {
      new Verifier(this.secret).verify(body, headers as Record<string, string>);
    } catch (error) {
      this.faults.push(`${hook.key}: ${String(error)}`);
    }
    for (const { key, call, n } of hooks) {
      if (n > 0 && !this.accepted.has(`${call}/${n - 1}`)) this.faults.push(`${key} came before ${call}/${n - 1}`);
    }
    this.received.push(...hooks);
    this.#behave(hook, response);
  }
}

/** A hook for each event of a request. */
function hooksOf(body: string, headers: IncomingHttpHeaders): readonly ReceivedHook[] {
  const content = JSON.parse(body) as Sent | readonly Sent[];
  const sent = (Array.isArray(content) ? (content as readonly Sent[]) : [content as Sent]).map(({ type, data }) => {
    const { call = type, n = 0 } = data;
    return { key: `${call}/${n}`, call, n };
  });
  const batch = sent.map(({ key }) => key);
  const attempt = Number(headers['firehose-attempt']);
  return sent.map((one) => ({ ...one, attempt, headers, body, batch, at: performance.now() }));
}

interface Sent {
  readonly type: string;
  readonly data: { readonly call?: string; readonly n?: number };
}

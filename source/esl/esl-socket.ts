import type { Socket } from 'node:net';
import { AddressRefused, ADDRESS_REFUSED } from '../../runtime/net/guarded-socket.ts';
import { SwitchFault, type SwitchListener, type SwitchReason } from '../switch.ts';
import { readEslMessage } from './esl-event.ts';
import { createEslParser, type EslMessage } from './esl-parser.ts';

/** The switch's answer to a command. */
export interface EslReply {
  /**
   * Of an `api` command: whether it ran. A failure of the command itself is in the body, as `-ERR No such channel!`.
   */
  readonly ok: boolean;
  /** Output of an `api` command that ran; else empty. */
  readonly body: Buffer;
}

export interface EslSocketOptions {
  readonly listener: SwitchListener;
  /** After this time without a byte, the connection ends as Silent. After half of it, a command is sent. */
  readonly silentMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

interface Pending {
  readonly timer: NodeJS.Timeout;
  readonly reply: PromiseWithResolvers<EslReply>;
}

const KEEP_ALIVE_MS = 15_000;
/** Every command gets an answer, even one that is not permitted. */
const SIGN_OF_LIFE = 'api global_getvar core_uuid';
const NO_BODY = Buffer.alloc(0);

const UNFINISHED =
  'An answer of the switch has no end: esl-allowed-events and esl-allowed-api of the user must have 400 characters together at most';

/** Texts of the faults: they contain nothing from the switch or the configuration (S12). */
const TEXTS: Readonly<Record<SwitchReason, string>> = {
  Unreachable: 'The event socket cannot be reached, or the connection ended',
  Silent: 'The event socket does not answer',
  Credentials: 'The event socket refuses the user or the password',
  AccessRefused: 'The access list of the event socket (apply-inbound-acl) does not have the address of this source',
  TLS: 'The event socket has no TLS',
  Protocol: 'The other end does not speak the protocol of the event socket',
  Replaced: 'Another connection took the place of this one',
  Disconnected: 'The switch ended the connection: it stops, or this listener was too slow',
};

/**
 * A connection to the event socket. The listener gets each message at once, so the socket is read as long as it is open
 * (S7). Commands are answered in order. The connection ends by itself when the switch is silent, leaves a command
 * unanswered, or violates the protocol.
 */
export class EslSocket implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #options: EslSocketOptions;
  readonly #parser = createEslParser();
  readonly #pending: Pending[] = [];
  readonly #greeted = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<SwitchReason>();
  readonly #watch: NodeJS.Timeout;
  #fault: SwitchFault | null = null;
  #heardAt: number;
  #isGreeted = false;

  constructor(socket: Socket, options: EslSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#heardAt = options.now();
    this.#greeted.promise.catch(ignore);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.end('Unreachable'));
    this.#watch = setInterval(() => this.#look(), options.silentMs / 8);
  }

  /** Resolves with the reason of the end; never rejects. */
  get ended(): Promise<SwitchReason> {
    return this.#ended.promise;
  }

  /** Receipt of the last byte, Unix milliseconds. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Resolves when the switch asks for the password. */
  greeting(limitMs: number, signal: AbortSignal): Promise<void> {
    const timer = setTimeout(() => {
      // Other servers send a different greeting, or wait for the client.
      this.end(this.#socket.connecting ? 'Unreachable' : this.#parser.pending() > 0 ? 'Protocol' : 'Silent');
    }, limitMs);
    const greeted = this.#greeted.promise.finally(() => clearTimeout(timer));
    return unlessAborted(greeted, signal);
  }

  /**
   * Sends a command. Without an answer within the limit the connection ends. Rejects with a SwitchFault, or with the
   * signal's reason; a later answer is then ignored.
   */
  command(line: string, limitMs: number, signal: AbortSignal): Promise<EslReply> {
    if (this.#fault !== null) return Promise.reject(this.#fault);
    const reply = Promise.withResolvers<EslReply>();
    reply.promise.catch(ignore);
    this.#pending.push({ timer: setTimeout(() => this.#giveUp(), limitMs), reply });
    this.#socket.write(`${line}\n\n`);
    return unlessAborted(reply.promise, signal);
  }

  /** FreeSWITCH writes the answer to `userauth` into 512 bytes: with longer lists of rights, the answer is cut off. */
  #giveUp(): void {
    if (this.#parser.pending() === 0) return this.end('Silent');
    this.end('Protocol', UNFINISHED);
  }

  /** Ends the connection once: later reasons result from the same end. */
  end(reason: SwitchReason, text = TEXTS[reason]): void {
    if (this.#fault !== null) return;
    this.#fault = new SwitchFault(reason, text);
    clearInterval(this.#watch);
    this.#socket.destroy();
    this.#greeted.reject(this.#fault);
    for (const { timer, reply } of this.#pending.splice(0)) {
      clearTimeout(timer);
      reply.reject(this.#fault);
    }
    this.#ended.resolve(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end('Unreachable');
    await this.ended;
  }

  #read(chunk: Buffer): void {
    this.#heardAt = this.#options.now();
    let messages: EslMessage[];
    try {
      messages = this.#parser.push(chunk);
    } catch {
      // An EslError: the rest of the stream is unreadable.
      return this.end('Protocol');
    }
    for (const message of messages) if (this.#fault === null) this.#take(message);
  }

  #take(message: EslMessage): void {
    const read = readEslMessage(message);
    switch (read.kind) {
      case 'event':
        return this.#options.listener.event(read.event);
      case 'malformed':
        return this.#options.listener.malformed(read.detail);
      case 'auth_request':
        this.#isGreeted = true;
        return this.#greeted.resolve();
      case 'reply':
        return this.#answer({ ok: read.ok, body: NO_BODY });
      case 'api_response':
        return this.#answer({ ok: true, body: read.body });
      case 'ended':
        return this.end(read.reason === 'rude_rejection' ? 'AccessRefused' : 'Disconnected');
      case 'other':
        if (!this.#isGreeted) this.end('Protocol');
        else this.#options.listener.malformed('A message is neither an event nor an answer');
    }
  }

  #answer(answer: EslReply): void {
    const pending = this.#pending.shift();
    if (pending === undefined) return this.#options.listener.malformed('An answer has no command');
    clearTimeout(pending.timer);
    pending.reply.resolve(answer);
  }

  #fail(error: Error): void {
    if (error instanceof AddressRefused) return this.end('AccessRefused', ADDRESS_REFUSED);
    this.end('Unreachable');
  }

  /** HEARTBEAT is a sign of life. A switch that is configured to send it less often gets a command instead. */
  #look(): void {
    const { silentMs, now } = this.#options;
    const silence = now() - this.#heardAt;
    if (silence > silentMs) return this.end('Silent');
    if (silence < silentMs / 2 || this.#pending.length > 0 || this.#socket.connecting) return;
    this.command(SIGN_OF_LIFE, silentMs, NEVER).catch(ignore);
  }
}

const NEVER = new AbortController().signal;

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function ignore(): void {
  // The failure is reported elsewhere.
}

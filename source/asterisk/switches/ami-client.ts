import type { Socket } from 'node:net';
import { guardedSocket } from '../../../runtime/net/guarded-socket.ts';
import { createAmiParser } from '../../ami/ami-parser.ts';
import { text } from '../../legs/event-body.ts';
import type { SwitchEvent } from '../../mapper.ts';
import { SwitchFault, type SwitchListener, type SwitchReason } from '../../switch.ts';
import { createAnswers } from './answers.ts';
import { socketFault, whereOf, type AsteriskEndpoint } from './endpoint.ts';

const KEEP_ALIVE_MS = 10_000;
/** Equals the largest number of legs of a mapper. */
const MAX_ITEMS = 100_000;

interface Reply {
  readonly answer: SwitchEvent;
  readonly items: readonly SwitchEvent[];
}

/** Connects and reads the greeting, without a login. Rejects with a SwitchFault, or with the signal's reason. */
export async function connectAmi(
  endpoint: AsteriskEndpoint,
  listener: SwitchListener,
  limitMs: number,
  signal: AbortSignal,
): Promise<AmiClient> {
  signal.throwIfAborted();
  const client = new AmiClient(endpoint, listener, limitMs);
  const timer = setTimeout(() => client.fail('Silent', `no greeting for ${limitMs} ms`), limitMs);
  const stop = () => client.fail('Unreachable', 'stopped');
  signal.addEventListener('abort', stop, { once: true });
  try {
    await client.greeted;
    return client;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** One connection to a manager interface: actions, their answers, events. The socket is read until it ends (S7). */
export class AmiClient {
  readonly where: string;
  /** Rejects with a SwitchFault when the connection ends first. */
  readonly greeted: Promise<void>;
  /** Resolves once the connection has ended; never rejects. */
  readonly lost: Promise<SwitchReason>;
  readonly #listener: SwitchListener;
  readonly #limitMs: number;
  readonly #socket: Socket;
  readonly #parser = createAmiParser();
  readonly #answers;
  /** Lists that are not complete yet. */
  readonly #lists = new Map<string, SwitchEvent[]>();
  readonly #greeting = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<SwitchReason>();
  #isGreeted = false;

  constructor(endpoint: AsteriskEndpoint, listener: SwitchListener, limitMs: number) {
    this.where = whereOf(endpoint);
    this.greeted = this.#greeting.promise;
    this.lost = this.#end.promise;
    this.#listener = listener;
    this.#limitMs = limitMs;
    this.#answers = createAnswers<Reply>(this.where, endpoint.now);
    this.greeted.catch(() => undefined);
    this.#socket = guardedSocket(endpoint, endpoint.policy);
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#finish(socketFault(endpoint, error)));
    this.#socket.on('close', () => this.fail('Unreachable', 'the connection ended'));
  }

  /** Last receipt, Unix milliseconds. */
  get heardAt(): number {
    return this.#answers.heardAt;
  }

  /** Returns the answer to an action, success or error. Rejects with a SwitchFault, or with the signal's reason. */
  async ask(action: string, fields: Fields = {}, signal?: AbortSignal): Promise<SwitchEvent> {
    return (await this.#request(action, fields, signal)).answer;
  }

  /** Returns the answer to an action and all events of its list. */
  list(action: string, signal?: AbortSignal): Promise<Reply> {
    return this.#request(action, {}, signal);
  }

  fail(reason: SwitchReason, what: string): void {
    this.#finish(new SwitchFault(reason, `${this.where}: ${what}`));
  }

  /** Only the first call has an effect. */
  #finish(fault: SwitchFault): void {
    this.#end.resolve(fault.code);
    this.#greeting.reject(fault);
    this.#answers.end(fault);
    this.#socket.destroy();
  }

  async #request(action: string, fields: Fields, signal?: AbortSignal): Promise<Reply> {
    let mine = '';
    const send = (id: string) => {
      mine = id;
      this.#socket.write(actionText(action, id, fields));
    };
    try {
      return await this.#answers.wait(send, this.#limitMs, signal);
    } finally {
      this.#lists.delete(mine);
    }
  }

  #read(chunk: Buffer): void {
    this.#answers.noteLife();
    let messages: SwitchEvent[];
    try {
      messages = this.#parser.push(chunk);
    } catch {
      return this.fail('Protocol', 'a message does not end');
    }
    for (const message of messages) this.#take(message);
  }

  #take(message: SwitchEvent): void {
    if (!this.#isGreeted) {
      if (message['Banner'] === undefined) return this.fail('Protocol', 'this is no manager interface');
      this.#isGreeted = true;
      return this.#greeting.resolve();
    }
    const id = text(message['ActionID']);
    if (this.#answers.isAwaited(id)) return this.#collect(message, id);
    // An answer to an abandoned action.
    if (this.#answers.isMine(id)) return;
    if (message['Event'] === undefined) return this.#listener.malformed('no event');
    this.#listener.event(message);
  }

  /** A list begins with an answer and ends with an event that marks the end. */
  #collect(message: SwitchEvent, id: string): void {
    if (message['Response'] !== undefined) {
      if (message['EventList'] === 'start') this.#lists.set(id, [message]);
      else this.#answers.give(id, { answer: message, items: [] });
      return;
    }
    const list = this.#lists.get(id);
    if (list === undefined) return;
    if (message['EventList'] === 'Complete') {
      const [answer = message, ...items] = list;
      this.#answers.give(id, { answer, items });
    } else if (list.length <= MAX_ITEMS) list.push(message);
  }
}

type Fields = Readonly<Record<string, string>>;

/** A line feed in a value would start a new header, so it is removed. */
function actionText(action: string, id: string, fields: Fields): string {
  const lines = Object.entries({ Action: action, ActionID: id, ...fields });
  return `${lines.map(([key, value]) => `${key}: ${value.replaceAll(/[\r\n]/g, '')}`).join('\r\n')}\r\n\r\n`;
}

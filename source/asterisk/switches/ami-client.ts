import type { Socket } from 'node:net';
import { guardedSocket } from '../../../runtime/net/guarded-socket.ts';
import { createAmiParser } from '../../ami/ami-parser.ts';
import { text } from '../../legs/event-body.ts';
import type { SwitchEvent } from '../../mapper.ts';
import { SwitchFault, type SwitchListener, type SwitchReason } from '../../switch.ts';
import { createAnswers } from './answers.ts';
import { socketFault, whereOf, type AsteriskEndpoint } from './endpoint.ts';

const KEEP_ALIVE_MS = 10_000;
/** As many legs as are ever mapped at a time. */
const MAX_ITEMS = 100_000;

interface Reply {
  readonly answer: SwitchEvent;
  readonly items: readonly SwitchEvent[];
}

/** Connects and reads the greeting. Nobody has logged in yet. Rejects with a SwitchFault, or with the signal's reason. */
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
  /** Rejects with a SwitchFault when the connection ends before. */
  readonly greeted: Promise<void>;
  /** Resolves once the connection has ended; never rejects. */
  readonly lost: Promise<SwitchReason>;
  readonly #listener: SwitchListener;
  readonly #limitMs: number;
  readonly #socket: Socket;
  readonly #parser = createAmiParser();
  readonly #answers;
  /** Answers of which more is to come. */
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

  /** When something was received. Unix milliseconds. */
  get heardAt(): number {
    return this.#answers.heardAt;
  }

  /** The answer to an action, whatever it says. Rejects with a SwitchFault, or with the signal's reason. */
  async ask(action: string, fields: Fields = {}, signal?: AbortSignal): Promise<SwitchEvent> {
    return (await this.#request(action, fields, signal)).answer;
  }

  /** The answer to an action, and the events that follow it to the last. */
  list(action: string, signal?: AbortSignal): Promise<Reply> {
    return this.#request(action, {}, signal);
  }

  fail(reason: SwitchReason, what: string): void {
    this.#finish(new SwitchFault(reason, `${this.where}: ${what}`));
  }

  /** The first call counts. */
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
    // The answer to an action that was given up.
    if (this.#answers.isMine(id)) return;
    if (message['Event'] === undefined) return this.#listener.malformed('no event');
    this.#listener.event(message);
  }

  /** A list begins with an answer, and ends with an event that says so. */
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

/** A line feed would begin a new header: none of them is in a value. */
function actionText(action: string, id: string, fields: Fields): string {
  const lines = Object.entries({ Action: action, ActionID: id, ...fields });
  return `${lines.map(([key, value]) => `${key}: ${value.replaceAll(/[\r\n]/g, '')}`).join('\r\n')}\r\n\r\n`;
}

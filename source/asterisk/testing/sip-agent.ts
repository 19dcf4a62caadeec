import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { until } from '../../../testing/until.ts';
import { SipCall, type SipLine } from './sip-call.ts';
import { headerOf, methodOf, parseSip, responseTo, sipText, statusOf, type SipMessage } from './sip-message.ts';

/** `port`: port of the server. */
export async function startSipAgent(name: string, port: number): Promise<SipAgent> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return new SipAgent(socket, name, port);
}

/** A phone that registers, calls and is called, by SIP over UDP on the loopback interface. */
export class SipAgent implements AsyncDisposable {
  readonly #line: SipLine;
  readonly #socket: Socket;
  readonly #calls = new Map<string, SipCall>();
  readonly #arrived: SipCall[] = [];
  #sent: Promise<void> = Promise.resolve();
  readonly #registration = { callId: randomBytes(8).toString('hex'), sequence: 0, status: 0 };

  constructor(socket: Socket, name: string, port: number) {
    this.#socket = socket;
    this.#line = {
      name,
      own: `127.0.0.1:${socket.address().port}`,
      server: `127.0.0.1:${port}`,
      send: (text) => {
        this.#sent = new Promise((resolve) => socket.send(text, port, '127.0.0.1', () => resolve()));
      },
    };
    socket.on('message', (bytes) => {
      const message = parseSip(bytes);
      if (message !== null) this.#take(message);
    });
    // No one answers after the server was killed.
    socket.on('error', () => undefined);
  }

  /** Registers this phone's address with the server. */
  async register(): Promise<void> {
    const registration = this.#registration;
    registration.sequence += 1;
    registration.status = 0;
    this.#line.send(registerText(this.#line, registration));
    await until(`${this.#line.name} is registered`, () => registration.status === 200);
  }

  /** Calls a number. The call is not answered yet on return. */
  call(number: string): SipCall {
    const call = new SipCall(this.#line, number, null);
    this.#calls.set(call.callId, call);
    call.invite();
    return call;
  }

  /** The next incoming call that no caller of this method has received; it does not ring yet. */
  called(): Promise<SipCall> {
    return until(`${this.#line.name} is called`, () => this.#arrived.shift() ?? null);
  }

  /** Ends all calls. */
  hangUp(): void {
    for (const call of this.#calls.values()) call.giveUp();
    this.#arrived.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    await this.#sent;
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #take(message: SipMessage): void {
    const callId = headerOf(message, 'call-id');
    const call = this.#calls.get(callId);
    if (callId === this.#registration.callId) this.#registration.status = statusOf(message);
    else if (call !== undefined) call.take(message);
    else if (methodOf(message) === 'INVITE' && statusOf(message) === 0) this.#begin(message, callId);
  }

  #begin(invite: SipMessage, callId: string): void {
    this.#line.send(responseTo(invite, '100 Trying', []));
    const number = /sip:([^@;>]+)@/.exec(headerOf(invite, 'from'))?.[1] ?? '';
    const call = new SipCall(this.#line, number, invite);
    this.#calls.set(callId, call);
    this.#arrived.push(call);
  }
}

function registerText(
  { name, own, server }: SipLine,
  { callId, sequence }: { readonly callId: string; readonly sequence: number },
): string {
  const me = `<sip:${name}@${server}>`;
  const headers: SipMessage['headers'] = [
    ['Via', `SIP/2.0/UDP ${own};branch=z9hG4bK${randomBytes(6).toString('hex')};rport`],
    ['Max-Forwards', '70'],
    ['From', `${me};tag=${randomBytes(6).toString('hex')}`],
    ['To', me],
    ['Call-ID', callId],
    ['CSeq', `${sequence} REGISTER`],
    ['Contact', `<sip:${name}@${own}>`],
    ['Expires', '600'],
  ];
  return sipText(`REGISTER sip:${server} SIP/2.0`, headers);
}

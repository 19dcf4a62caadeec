import { randomBytes } from 'node:crypto';
import { until } from '../../../testing/until.ts';
import { headerOf, methodOf, responseTo, sipText, statusOf, tagOf, uriOf, type SipMessage } from './sip-message.ts';

/** What a call needs from its phone. */
export interface SipLine {
  readonly name: string;
  /** `127.0.0.1:5062`. */
  readonly own: string;
  readonly server: string;
  send(text: string): void;
}

type Direction = 'sendrecv' | 'sendonly';

/** One call of a phone, in a dialog with the server. No media is sent. */
export class SipCall {
  state: 'calling' | 'ringing' | 'up' | 'ended' = 'calling';
  /** The status of the refusal, or 0. */
  status = 0;
  readonly callId: string;
  readonly localTag = randomBytes(6).toString('hex');
  #remoteTag = '';
  #remoteTarget: string;
  #sequence = 0;
  readonly #line: SipLine;
  readonly #number: string;
  /** The received INVITE; null for a call that this phone made. */
  readonly #invite: SipMessage | null;
  /** Parts of the sent INVITE: CANCEL and the ACK of a refusal repeat them. */
  #branch = '';
  /** Final responses by CSeq number. */
  readonly #replies = new Map<number, SipMessage>();

  constructor(line: SipLine, number: string, invite: SipMessage | null) {
    this.#line = line;
    this.#number = number;
    this.#invite = invite;
    this.callId = invite === null ? randomBytes(8).toString('hex') : headerOf(invite, 'call-id');
    this.#remoteTarget = `sip:${number}@${line.server}`;
    if (invite === null) return;
    this.state = 'ringing';
    this.#remoteTag = tagOf(headerOf(invite, 'from'));
    this.#remoteTarget = uriOf(headerOf(invite, 'contact'));
  }

  invite(): void {
    this.#branch = this.#request('INVITE', [], sdp('sendrecv'));
  }

  /** 180 by default. */
  ring(): void {
    this.#answerInvite('180 Ringing');
  }

  answer(): void {
    this.#answerInvite('200 OK', sdp('sendrecv'));
    this.state = 'up';
  }

  /** `486 Busy Here` or `603 Decline`. */
  refuse(status: string): void {
    this.#answerInvite(status);
    this.#end(Number(status.slice(0, 3)));
  }

  cancel(): void {
    this.#request('CANCEL', [], '', { branch: this.#branch, sequence: this.#sequence });
  }

  hangUp(): void {
    if (this.state === 'ended') return;
    this.#request('BYE');
    this.#end(0);
  }

  /** Ends the call in any state. */
  giveUp(): void {
    if (this.state === 'up') this.hangUp();
    else if (this.state === 'ended') return;
    else if (this.#invite === null) this.cancel();
    else this.refuse('480 Temporarily Unavailable');
  }

  async hold(): Promise<void> {
    await this.#reply(this.#ask('INVITE', [], sdp('sendonly')));
  }

  async unhold(): Promise<void> {
    await this.#reply(this.#ask('INVITE', [], sdp('sendrecv')));
  }

  async digit(digit: string): Promise<void> {
    const type = ['Content-Type', 'application/dtmf-relay'] as const;
    await this.#reply(this.#ask('INFO', [type], `Signal=${digit}\r\nDuration=100\r\n`));
  }

  /**
   * Blind transfer: sends the other party to the number. Resolves when the server accepts it; the call ends with the
   * transfer.
   */
  async transfer(number: string): Promise<void> {
    await this.#refer(`<sip:${number}@${this.#line.server}>`);
  }

  /** Attended transfer: joins the other party with that of this phone's other call. */
  async transferTo(other: SipCall): Promise<void> {
    const replaces = `${other.callId};to-tag=${other.#remoteTag};from-tag=${other.localTag}`;
    await this.#refer(`<sip:${other.#number}@${this.#line.server}?Replaces=${encodeURIComponent(replaces)}>`);
  }

  take(message: SipMessage): void {
    const status = statusOf(message);
    if (status > 0) this.#takeResponse(message, status);
    else this.#takeRequest(message);
  }

  #takeResponse(response: SipMessage, status: number): void {
    const sequence = Number.parseInt(headerOf(response, 'cseq'), 10);
    if (status >= 200) this.#replies.set(sequence, response);
    if (methodOf(response) !== 'INVITE') return;
    if (status === 180 || status === 183) this.state = 'ringing';
    if (status >= 200 && status < 300) {
      this.#remoteTag = tagOf(headerOf(response, 'to'));
      this.#remoteTarget = uriOf(headerOf(response, 'contact')) || this.#remoteTarget;
      if (this.state !== 'ended') this.state = 'up';
      this.#request('ACK', [], '', { sequence });
    } else if (status >= 300) {
      this.#remoteTag = tagOf(headerOf(response, 'to'));
      this.#request('ACK', [], '', { branch: this.#branch, sequence });
      this.#end(status);
    }
  }

  #takeRequest(request: SipMessage): void {
    const method = methodOf(request);
    if (method === 'ACK') return;
    this.#line.send(responseTo(request, '200 OK', this.#contact(), method === 'INVITE' ? sdp('sendrecv') : ''));
    // The final status of a transfer.
    if (method === 'NOTIFY' && /SIP\/2\.0 [2-6]/.test(request.body)) this.hangUp();
    if (method === 'CANCEL') this.#answerInvite('487 Request Terminated');
    if (method === 'BYE' || method === 'CANCEL') this.#end(0);
  }

  #answerInvite(status: string, body = ''): void {
    const invite = this.#invite;
    if (invite === null) throw new Error('This phone made the call');
    const to = ['To', `${headerOf(invite, 'to')};tag=${this.localTag}`] as const;
    this.#line.send(responseTo(invite, status, [to, ...this.#contact(), ...bodyType(body)], body));
  }

  async #refer(target: string): Promise<void> {
    const referredBy = ['Referred-By', `<sip:${this.#line.name}@${this.#line.server}>`] as const;
    await this.#reply(this.#ask('REFER', [['Refer-To', target], referredBy]));
  }

  /** Sends a request that gets an answer; returns its CSeq number. */
  #ask(method: string, headers: SipMessage['headers'], body = ''): number {
    this.#request(method, headers, body);
    return this.#sequence;
  }

  async #reply(sequence: number): Promise<void> {
    const reply = await until('the server answers', () => this.#replies.get(sequence));
    if (statusOf(reply) >= 300) throw new Error(`The server refuses: ${reply.start}`);
  }

  /** Returns the branch. */
  #request(
    method: string,
    headers: SipMessage['headers'] = [],
    body = '',
    { branch = `z9hG4bK${randomBytes(6).toString('hex')}`, sequence = (this.#sequence += 1) } = {},
  ): string {
    const { name, own, server } = this.#line;
    const isFirst = (method === 'INVITE' && this.#remoteTag === '') || method === 'CANCEL' || branch === this.#branch;
    const me = `<sip:${name}@${server}>;tag=${this.localTag}`;
    const peer = `<sip:${this.#number}@${server}>`;
    const lines: SipMessage['headers'] = [
      ['Via', `SIP/2.0/UDP ${own};branch=${branch};rport`],
      ['Max-Forwards', '70'],
      ['From', me],
      ['To', this.#remoteTag === '' || method === 'CANCEL' ? peer : `${peer};tag=${this.#remoteTag}`],
      ['Call-ID', this.callId],
      ['CSeq', `${sequence} ${method}`],
      ...this.#contact(),
      ...headers,
      ...(method === 'INVITE' ? bodyType(body) : []),
    ];
    const target = isFirst ? `sip:${this.#number}@${server}` : this.#remoteTarget;
    this.#line.send(sipText(`${method} ${target} SIP/2.0`, lines, body));
    return branch;
  }

  #contact(): SipMessage['headers'] {
    return [['Contact', `<sip:${this.#line.name}@${this.#line.own}>`]];
  }

  #end(status: number): void {
    this.state = 'ended';
    this.status = status;
  }
}

function bodyType(body: string): SipMessage['headers'] {
  return body === '' ? [] : [['Content-Type', 'application/sdp']];
}

/** The discard port: nothing listens for media. */
function sdp(direction: Direction): string {
  const lines = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  return `${[...lines, 'm=audio 9 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', `a=${direction}`].join('\r\n')}\r\n`;
}

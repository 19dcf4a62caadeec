import { CONTROL_FRAME_START, META_KEY } from '../../../../protocol/event-meta.ts';
import { STREAM_PATH } from '../../../../protocol/paths.ts';
import { number, object, parsed, text, type Json } from '../base/read.ts';
import { judgeClose, type CloseVerdict } from './judge-close.ts';

export interface StreamOptions {
  /** The token now in force; null: nobody is logged in. */
  readonly token: () => string | null;
  /** Further parameters, as `from` and `to` of a replay. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The text of an event, as it came. */
  readonly onEvent: (text: string) => void;
  /** A frame of the control contract. */
  readonly onFrame: (frame: Json) => void;
  readonly onState: (state: StreamState) => void;
}

export type StreamState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** The connection is lost; it is tried again at this time. */
  | { readonly kind: 'waiting'; readonly until: number; readonly why: string }
  | { readonly kind: 'ended'; readonly verdict: CloseVerdict };

/** A watermark comes every ten seconds: after this much silence the connection is dead. */
const SILENCE_MS = 25_000;
const LONGEST_WAIT_MS = 15_000;

/**
 * A stream by the control contract that resumes by itself where it was. The token is a subprotocol: it is in no address. Events are not
 * read here: their number has no limit.
 */
export class Stream {
  readonly #options: StreamOptions;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;
  #failures = 0;
  #drainMs: number | null = null;
  /** Where to continue: the last event, or a frame behind it. */
  #last: { readonly event: string } | { readonly cursor: string } | null = null;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  open(): void {
    this.close();
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** False while there is no connection. */
  send(frame: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #connect(): void {
    const token = this.#options.token();
    if (token === null) return;
    this.#options.onState({ kind: 'connecting' });
    const socket = new WebSocket(this.#address(), ['firehose.v1', `firehose.token.${token}`]);
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.onmessage = ({ data }: MessageEvent<string>) => this.#hear(data);
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#lost(code, reason);
    };
    clearInterval(this.#silence);
    this.#silence = setInterval(() => {
      if (Date.now() - this.#heardAt > SILENCE_MS && this.#socket === socket) this.#lost(1006, '');
    }, 1_000);
  }

  #address(): string {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const cursor = this.#cursor();
    const query = new URLSearchParams({
      v: '1',
      refusals: 'close',
      on_gap: 'clamp',
      ...this.#options.parameters,
      ...(cursor !== null && { cursor }),
    });
    if (cursor !== null) query.delete('from');
    return `${scheme}://${location.host}${STREAM_PATH}?${query}`;
  }

  #cursor(): string | null {
    if (this.#last === null || 'cursor' in this.#last) return this.#last?.cursor ?? null;
    return text(object(parsed(this.#last.event)[META_KEY])['cursor']);
  }

  #hear(message: string): void {
    this.#heardAt = Date.now();
    if (!message.startsWith(CONTROL_FRAME_START)) {
      this.#last = { event: message };
      this.#options.onEvent(message);
      return;
    }
    const frame = object(parsed(message)[META_KEY]);
    const cursor = text(frame['cursor']);
    if (frame['type'] === 'hello') {
      this.#failures = 0;
      this.#options.onState({ kind: 'open' });
    }
    if (cursor !== null && (frame['type'] !== 'hello' || this.#last === null)) this.#last = { cursor };
    if (frame['type'] === 'drain') this.#drainMs = number(frame['retry_after_ms']);
    this.#options.onFrame(frame);
  }

  #lost(code: number, reason: string): void {
    clearInterval(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    const verdict = judgeClose(code, reason);
    if (verdict.forgetsCursor) this.#last = null;
    if (verdict.again !== 'wait') return this.#options.onState({ kind: 'ended', verdict });
    const waitMs = this.#drainMs ?? Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#drainMs = null;
    this.#failures += 1;
    this.#options.onState({ kind: 'waiting', until: Date.now() + waitMs, why: verdict.text });
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }
}

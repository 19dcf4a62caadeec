/** An HTTP answer to a login. */
export interface LoginAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** Parsed JSON; null when the body is not JSON. */
  readonly body: unknown;
}

/** Why a socket did not open, where the platform reports it. */
export interface WhyNotOpen {
  /** The certificate was refused. */
  readonly untrusted?: boolean;
  /** The HTTP answer to the handshake. */
  readonly refusal?: { readonly status: number; readonly retryAfter: string | null };
}

export interface SocketEvents {
  open(): void;
  message(text: string): void;
  /** Called once, also when the socket never opened: 1006 then. */
  closed(code: number, reason: string, why?: WhyNotOpen): void;
}

export interface Socket {
  send(text: string): void;
  close(): void;
  /** Stops reading the socket, where the platform can. */
  pause?(): void;
  resume?(): void;
}

/** The parts of a platform: HTTP and WebSocket. */
export interface Transport {
  /** Rejects when there is no answer. `bearer` is the former token, or null. */
  login(url: string, body: string, options: { bearer: string | null; signal: AbortSignal }): Promise<LoginAnswer>;
  open(url: string, token: string, events: SocketEvents): Socket;
}

/** Rejects with a FirehoseError when the platform lacks something. */
export type OpenTransport = () => Promise<Transport>;

const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS/;

/** Whether an error or one of its causes says that the certificate is not trusted. */
export function isUntrusted(error: unknown): boolean {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as { cause?: unknown }).cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string' && UNTRUSTED.test(code)) return true;
  }
  return false;
}

export function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A browser does not show the status of a redirect. */
const REDIRECTED = 302;

/** `fetch` and `WebSocket` of the platform: browsers, Node.js 22, Deno, Bun. */
export const webTransport: Transport = {
  async login(url, body, { bearer, signal }) {
    const headers: Record<string, string> = { 'Content-Type': 'application/json' };
    if (bearer !== null) headers['Authorization'] = `Bearer ${bearer}`;
    // A redirect would send the password to another server.
    const answer = await fetch(url, { method: 'POST', body, headers, signal, redirect: 'manual' });
    return {
      status: answer.type === 'opaqueredirect' ? REDIRECTED : answer.status,
      retryAfter: answer.headers.get('retry-after'),
      body: parsedOrNull(await answer.text()),
    };
  },
  open(url, token, events) {
    // The platform's WebSocket takes no headers.
    const place = new URL(url);
    place.searchParams.set('token', token);
    const socket = new WebSocket(place);
    socket.addEventListener('open', () => events.open());
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') events.message(data);
    });
    socket.addEventListener('close', ({ code, reason }) => events.closed(code, reason));
    return { send: (text) => socket.send(text), close: () => socket.close() };
  },
};

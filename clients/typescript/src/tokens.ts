import { FirehoseError } from './errors.ts';
import type { FirehoseOptions } from './options.ts';
import { isUntrusted, type OpenTransport } from './transport.ts';
import { afterRefusal, type Verdict } from './verdict.ts';

const LOGIN_PATH = '/ws/v1/firehose/login';
const LIMIT_MS = 15_000;

export type TokenOutcome = { readonly kind: 'token'; readonly token: string } | Verdict;

/** Owns the token: logs in, keeps it while it is good, sends the former one with the next login. */
export class Tokens {
  readonly #options: FirehoseOptions;
  readonly #transport: OpenTransport;
  #token: string | null = null;
  #former: string | null = null;
  #refusals = 0;

  constructor(options: FirehoseOptions, transport: OpenTransport) {
    this.#options = options;
    this.#transport = transport;
  }

  /** The gateway refused the token. */
  refused(): void {
    this.#former = this.#token ?? this.#former;
    this.#token = null;
    this.#refusals += 1;
  }

  /** The gateway took the token. */
  taken(): void {
    this.#refusals = 0;
  }

  /** A token to connect with. Throws a FirehoseError when there will be none (L3). */
  async get(signal: AbortSignal): Promise<TokenOutcome> {
    if (this.#refusals >= 2) {
      throw new FirehoseError('login_refused', 'the gateway refused two tokens in a row that it had just given', {
        status: 401,
      });
    }
    if (this.#token !== null) return { kind: 'token', token: this.#token };
    return this.renew(signal);
  }

  /** A new token, also while the present one is good. */
  async renew(signal: AbortSignal): Promise<TokenOutcome> {
    const { login, token } = this.#options;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    if (token !== undefined) {
      this.#token = await token({ signal: limited });
      return { kind: 'token', token: this.#token };
    }
    if (login === undefined) throw new TypeError('judgeOptions asks for a login or a token');
    const { accounts, events } = this.#options;
    const body = JSON.stringify({ ...login, accounts, events });
    const url = new URL(LOGIN_PATH, this.#options.url).href;
    const transport = await this.#transport();
    const answer = await transport
      .login(url, body, { bearer: this.#token ?? this.#former, signal: limited })
      .catch((error: unknown) => {
        if (isUntrusted(error)) throw untrusted(error);
        return null;
      });
    if (answer === null) return { kind: 'again', login: false, afterMs: 0 };
    return this.#judge(answer.status, answer.retryAfter, answer.body);
  }

  #judge(status: number, retryAfter: string | null, body: unknown): TokenOutcome {
    const { access_token: token, code, detail } = (body ?? {}) as Record<string, unknown>;
    if (status === 200 && typeof token === 'string') {
      this.#token = token;
      return { kind: 'token', token };
    }
    const verdict = afterRefusal(status, typeof code === 'string' ? code : null, retryAfter);
    if (verdict.kind === 'again' && verdict.login) {
      this.refused();
      if (this.#refusals < 2) return { ...verdict, afterMs: 1_000 };
      throw new FirehoseError('login_refused', `login: ${textOf(detail)}`, { status, reason: textOf(code) });
    }
    if (verdict.kind !== 'stop') return verdict;
    throw new FirehoseError('refused', `login: ${textOf(detail)}`, { status, reason: textOf(code) });
  }
}

export function untrusted(cause?: unknown): FirehoseError {
  return new FirehoseError(
    'untrusted_certificate',
    'the certificate of the gateway is not trusted: give its authority as ca, or set NODE_EXTRA_CA_CERTS',
    { cause },
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'refused without a reason';
}

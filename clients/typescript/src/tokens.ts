import { FirehoseError } from './errors.ts';
import type { FirehoseOptions } from './options.ts';
import { isUntrusted, type LoginAnswer, type OpenTransport } from './transport.ts';
import { afterRefusal, type Verdict } from './verdict.ts';
import { orAborted } from './waits.ts';

const LOGIN_PATH = '/ws/v1/firehose/login';
const LIMIT_MS = 15_000;

export type TokenOutcome = { readonly kind: 'token'; readonly token: string } | Verdict;

const AGAIN: Verdict = { kind: 'again', login: false, afterMs: 0 };

/** Owns the token: logs in, keeps the token while it is valid, sends the former one with the next login. */
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

  /** The gateway accepted the token. */
  taken(): void {
    this.#refusals = 0;
  }

  /** A token for a connection. Throws a FirehoseError when there will be none (L3). */
  async get(signal: AbortSignal): Promise<TokenOutcome> {
    if (this.#refusals >= 2) {
      throw new FirehoseError('login_refused', 'the gateway refused two tokens in a row that it had just given', {
        status: 401,
      });
    }
    if (this.#token !== null) return { kind: 'token', token: this.#token };
    const answer = await this.#ask(signal);
    return answer === null || typeof answer === 'string' ? this.#take(answer) : this.#judge(answer);
  }

  /**
   * A new token while the present one is valid; null when there is none now. A refusal counts once the present one has
   * expired.
   */
  async renew(signal: AbortSignal): Promise<string | null> {
    const answer = await this.#ask(signal);
    const token = answer === null || typeof answer === 'string' ? answer : tokenOf(answer);
    if (token !== null) this.#token = token;
    return token;
  }

  /**
   * A token of the caller, the answer to a login, or null when neither arrives in time. Rejects when there will be
   * none.
   */
  async #ask(signal: AbortSignal): Promise<string | LoginAnswer | null> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const { login, token, accounts, events } = this.#options;
    try {
      // A function of the caller may ignore the signal.
      if (token !== undefined) return textToken(await orAborted(token({ signal: limited }), limited));
      const transport = await this.#transport();
      const url = new URL(LOGIN_PATH, this.#options.url).href;
      const bearer = this.#token ?? this.#former;
      const body = JSON.stringify({ ...login, accounts, events });
      return await orAborted(transport.login(url, body, { bearer, signal: limited }), limited);
    } catch (error) {
      if (error instanceof FirehoseError) throw error;
      if (isUntrusted(error)) throw untrusted(error);
      return null;
    }
  }

  #take(token: string | null): TokenOutcome {
    if (token === null) return AGAIN;
    this.#token = token;
    return { kind: 'token', token };
  }

  #judge(answer: LoginAnswer): TokenOutcome {
    const { status, retryAfter, body } = answer;
    const token = tokenOf(answer);
    if (token !== null) return this.#take(token);
    const { code, detail } = (body ?? {}) as Record<string, unknown>;
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

function tokenOf({ status, body }: LoginAnswer): string | null {
  const { access_token: token } = (body ?? {}) as Record<string, unknown>;
  return status === 200 && typeof token === 'string' ? token : null;
}

function textToken(token: unknown): string {
  if (typeof token === 'string' && token !== '') return token;
  throw new FirehoseError('invalid_option', 'token: the function must resolve with a text');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'refused without a reason';
}

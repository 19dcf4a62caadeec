import { ask, type Answer } from '../base/gateway.ts';

/** The administration endpoint, asked with the token of administrators. The token is here and nowhere else. */
export class Administration {
  readonly #onRefused: (why: string) => void;
  #token: string | null = null;

  /** `onRefused` is called when the token is no longer taken. */
  constructor(onRefused: (why: string) => void) {
    this.#onRefused = onRefused;
  }

  get isOpen(): boolean {
    return this.#token !== null;
  }

  /** Null when the token is taken, else why not. */
  async open(token: string, path: string): Promise<string | null> {
    const answer = await ask(path, { token });
    if (answer.ok) this.#token = token;
    return answer.ok
      ? null
      : answer.problem.status === 401
        ? 'The gateway does not take this token.'
        : answer.problem.detail;
  }

  close(): void {
    this.#token = null;
  }

  get(path: string, query: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const given = Object.entries(query).filter(([, value]) => value !== '');
    return this.#ask(given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`, undefined);
  }

  post(path: string, body: object = {}): Promise<Answer> {
    return this.#ask(path, body);
  }

  async #ask(path: string, body: object | undefined): Promise<Answer> {
    const answer = await ask(path, { token: this.#token, body });
    if (!answer.ok && answer.problem.status === 401 && this.#token !== null) {
      this.#token = null;
      this.#onRefused('The gateway does not take the admin token any more.');
    }
    return answer;
  }
}

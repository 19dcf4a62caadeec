import { html, nothing, type TemplateResult } from 'lit-html';
import type { Answer, Problem } from './gateway.ts';
import { ago } from './format.ts';
import type { Json } from './read.ts';
import { redrawNow } from './redraw.ts';

/** Asks the same question again and again while a page is open, and keeps the last answer while the gateway gives none. */
export class Poll {
  readonly #ask: () => Promise<Answer>;
  readonly #everyMs: number;
  readonly #onAnswer: (value: Json) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #round = 0;
  #value: Json | null = null;
  #answeredAt: string | null = null;
  #problem: Problem | null = null;

  constructor(everyMs: number, question: () => Promise<Answer>, onAnswer: (value: Json) => void = () => {}) {
    this.#everyMs = everyMs;
    this.#ask = question;
    this.#onAnswer = onAnswer;
  }

  get value(): Json | null {
    return this.#value;
  }

  get problem(): Problem | null {
    return this.#problem;
  }

  start(): void {
    this.stop();
    void this.#run(this.#round);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#round += 1;
  }

  /** Forgets what was answered: it was about something else. */
  clear(): void {
    this.#value = null;
    this.#problem = null;
  }

  async #run(round: number): Promise<void> {
    const answer = await this.#ask();
    if (round !== this.#round) return;
    if (answer.ok) {
      this.#value = answer.value;
      this.#answeredAt = new Date().toISOString();
      this.#problem = null;
      this.#onAnswer(answer.value);
    } else this.#problem = answer.problem;
    redrawNow();
    this.#timer = setTimeout(() => void this.#run(round), this.#everyMs);
  }

  /** Says what is wrong, and how old what is shown is. */
  trouble(): TemplateResult | typeof nothing {
    if (this.#problem === null) return nothing;
    const age = this.#value === null ? '' : ` What is shown is from ${ago(this.#answeredAt, Date.now())}.`;
    return html`<p class="trouble" role="alert">${this.#problem.detail}${age} The page asks again by itself.</p>`;
  }

  /** Shown before the first answer. */
  waiting(): TemplateResult | typeof nothing {
    return this.#value === null && this.#problem === null ? html`<p class="empty">Asking the gateway…</p>` : nothing;
  }
}

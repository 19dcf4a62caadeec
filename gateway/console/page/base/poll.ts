import { html, nothing, type TemplateResult } from 'lit-html';
import type { Answer, Problem } from './gateway.ts';
import { ago } from './format.ts';
import type { Json } from './read.ts';
import { redrawNow } from './redraw.ts';

/** Between two questions while nobody sees the page: another tab is in front, or the window is minimised. */
const HIDDEN_MS = 60_000;

/** Polls that wait for their next question. */
const waiting = new Set<() => void>();
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  for (const askNow of waiting) askNow();
});

/**
 * Asks the same question again and again while a page is open, and keeps the last answer while the gateway gives none. A
 * page that nobody sees asks once a minute, and at once when it is seen again.
 */
export class Poll {
  readonly #ask: () => Promise<Answer>;
  readonly #everyMs: number;
  readonly #onAnswer: (value: Json) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #round = 0;
  #value: Json | null = null;
  #answeredAt: string | null = null;
  #problem: Problem | null = null;
  readonly #askNow = (): void => this.start();

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
    waiting.delete(this.#askNow);
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
    waiting.add(this.#askNow);
    this.#timer = setTimeout(this.#askNow, document.hidden ? HIDDEN_MS : this.#everyMs);
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

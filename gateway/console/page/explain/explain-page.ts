import { html, nothing, type TemplateResult } from 'lit-html';
import { REASONS } from '../../../../protocol/explanation-reason.ts';
import { count, dateAndTime } from '../base/format.ts';
import type { Answer } from '../base/gateway.ts';
import type { Page } from '../base/page.ts';
import { list, number, object, text, type Json } from '../base/read.ts';
import { fragmentOf, type Place } from '../base/route.ts';
import { redrawNow } from '../base/redraw.ts';

/** A field of the question. */
export interface ExplainField {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
}

/** Fields that belong together. */
export interface FieldGroup {
  readonly title: string;
  readonly hint: string;
  readonly fields: readonly ExplainField[];
}

export interface ExplainParts {
  readonly about: string;
  readonly groups: readonly FieldGroup[];
  readonly ask: (query: Readonly<Record<string, string>>) => Promise<Answer>;
}

/** Why an event was written to a client, or was not: the checks in their order, the first that fails is the cause. */
export class ExplainPage implements Page {
  readonly name = 'explain';
  readonly title = 'Explain a missing event';
  readonly #parts: ExplainParts;
  #query: ReadonlyMap<string, string> = new Map();
  #answer: Answer | null = null;
  #isAsking = false;

  constructor(parts: ExplainParts) {
    this.#parts = parts;
  }

  enter({ query }: Place): void {
    this.#query = query;
    this.#answer = null;
    if (query.size > 0) void this.#ask();
  }

  view(): TemplateResult {
    return html`<header class="top"><h1>Why did I not get it?</h1></header>
      <div class="scroll" tabindex="0">
        <p class="hint">${this.#parts.about}</p>
        <form class="card explain-form" @submit=${(event: SubmitEvent) => this.#submit(event)}>
          ${this.#parts.groups.map((group) => this.#fieldset(group))}
          <button class="primary" ?disabled=${this.#isAsking}>${this.#isAsking ? 'Looking…' : 'Explain'}</button>
        </form>
        ${this.#shown()}
      </div>`;
  }

  #fieldset({ title, hint, fields }: FieldGroup): TemplateResult {
    return html`<fieldset>
      <legend>${title}<span>${hint}</span></legend>
      ${fields.map(
        (field) =>
          html`<label
            >${field.label}<input
              name=${field.name}
              placeholder=${field.hint}
              .value=${this.#query.get(field.name) ?? ''}
          /></label>`,
      )}
    </fieldset>`;
  }

  get #names(): readonly string[] {
    return this.#parts.groups.flatMap(({ fields }) => fields.map(({ name }) => name));
  }

  #submit(event: SubmitEvent): void {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement);
    const query = Object.fromEntries(this.#names.map((name) => [name, (text(given.get(name)) ?? '').trim()]));
    const next = fragmentOf('explain', '', query);
    if (next === location.hash) void this.#ask();
    else location.hash = next;
  }

  async #ask(): Promise<void> {
    const names = new Set(this.#names);
    this.#isAsking = true;
    redrawNow();
    const given = [...this.#query].filter(([name, value]) => value !== '' && names.has(name));
    this.#answer = await this.#parts.ask(Object.fromEntries(given));
    this.#isAsking = false;
    redrawNow();
    requestAnimationFrame(showVerdict);
  }

  #shown(): TemplateResult | typeof nothing {
    if (this.#answer === null) return nothing;
    return this.#answer.ok
      ? explanation(this.#answer.value)
      : html`<p class="trouble answer" tabindex="-1" role="alert">${this.#answer.problem.detail}</p>`;
  }
}

/** On a small screen the form is as high as the window: the answer would be below it. Its heading gets the focus. */
function showVerdict(): void {
  const heading = document.querySelector<HTMLElement>('.answer');
  if (heading === null) return;
  const shown = heading.closest('.verdict') ?? heading;
  if (shown.getBoundingClientRect().top > innerHeight / 2) shown.scrollIntoView();
  heading.focus({ preventScroll: true });
}

const FACTS: Readonly<Record<string, string>> = {
  id: 'event id',
  name: 'event',
  account_id: 'account',
  call_id: 'call',
  position: 'place in the log',
  ingested_at: 'came into the log',
};

/** What a verdict means, where no cause says it. */
const MEANINGS: Readonly<Record<string, string>> = {
  written: 'It was handed to a connection',
  acknowledged: 'The group has finished it',
  pending: 'The group has not finished it yet',
  dead_letter: 'The group has given it up',
  not_written: 'No connection got it',
  unknown: 'It cannot be known: the checks say why',
};

const TONES: Readonly<Record<string, string>> = {
  written: 'good',
  acknowledged: 'good',
  pending: 'busy',
  dead_letter: 'bad',
  not_written: 'bad',
};

function explanation(answer: Json): TemplateResult {
  const verdict = text(answer['verdict']) ?? 'unknown';
  const reason = text(answer['reason']);
  const checks = list(answer['checks']).map(object);
  const cause = checks.find(({ ok }) => ok === false);
  const sessions = list(answer['sessions']).map(object);
  const attempts = list(answer['webhook_attempts']).map(object);
  return html`<section class="card verdict" aria-label="Verdict">
      <h2 class="answer" tabindex="-1">
        <span class="chip ${TONES[verdict] ?? ''}">${verdict.replaceAll('_', ' ')}</span>
        ${reason === null ? html`<strong>${MEANINGS[verdict] ?? ''}</strong>` : html`<strong>${causeOf(reason)}</strong> <code class="muted">${reason}</code>`}
      </h2>
      ${eventFacts(object(answer['event']))}
      <ol class="checks">
        ${checks.map((one) => check(one, one === cause))}
      </ol>
    </section>
    ${sessions.length === 0 ? nothing : sessionTable(sessions)}${attempts.length === 0 ? nothing : attemptTable(attempts)}`;
}

/** A later gateway may name a cause that this page does not know. */
function causeOf(reason: string): string {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason as keyof typeof REASONS] : 'The gateway names this cause';
}

function eventFacts(event: Json): TemplateResult | typeof nothing {
  const facts = Object.entries(event).filter(([, value]) => text(value) !== null);
  if (facts.length === 0) return nothing;
  return html`<dl class="facts">
    ${facts.map(
      ([key, value]) =>
        html`<dt>${FACTS[key] ?? key}</dt>
          <dd>${key === 'ingested_at' ? dateAndTime(text(value)) : text(value)}</dd>`,
    )}
  </dl>`;
}

/** The first one that fails is the cause; what fails behind it follows from it, or would be the next one. */
function check(one: Json, isCause: boolean): TemplateResult {
  const ok = one['ok'];
  const follows = ok === false && !isCause;
  const failing = follows ? ['', '✕', 'fails too'] : ['bad', '✕', 'fails'];
  const [tone, mark, said] = ok === true ? ['good', '✓', 'holds'] : ok === false ? failing : ['', '–', 'not known'];
  return html`<li class=${tone}>
    <span class="mark-of" role="img" aria-label=${said}>${mark}</span>
    <span>${follows ? 'follows: ' : ''}${text(one['detail']) ?? ''} <code>${text(one['check'])}</code></span>
  </li>`;
}

function sessionTable(sessions: readonly Json[]): TemplateResult {
  return html`<h2>Sessions of that time</h2>
    <div class="card" tabindex="0" role="region" aria-label="Sessions">
      <table>
        <thead>
          <tr>
            <th>Session</th>
            <th>Opened</th>
            <th>Closed</th>
            <th>Code</th>
            <th class="number">Events behind, at most</th>
            <th>Written to it</th>
            <th>Read, as a pong proves</th>
          </tr>
        </thead>
        <tbody>
          ${sessions.map(
            (one) =>
              html`<tr>
                <td class="mono">${text(one['session'])}</td>
                <td>${dateAndTime(text(one['opened_at']))}</td>
                <td>${text(one['closed_at']) === null ? 'open' : dateAndTime(text(one['closed_at']))}</td>
                <td>${text(one['close_code']) ?? '–'}</td>
                <td class="number">${count(number(one['behind_max']))}</td>
                <td>${yesOrNo(one['written'])}</td>
                <td>${yesOrNo(one['confirmed'])}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function attemptTable(attempts: readonly Json[]): TemplateResult {
  return html`<h2>Requests of the webhook, from this replica</h2>
    <div class="card" tabindex="0" role="region" aria-label="Requests">
      <table>
        <thead>
          <tr>
            <th>Sent</th>
            <th class="number">Attempt</th>
            <th>Answer</th>
          </tr>
        </thead>
        <tbody>
          ${attempts.map(
            (one) =>
              html`<tr>
                <td>${dateAndTime(text(one['at']))}</td>
                <td class="number">${text(one['attempt'])}</td>
                <td>${text(one['status']) ?? text(one['code']) ?? 'none'}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function yesOrNo(value: unknown): TemplateResult {
  if (value === true) return html`<span class="chip good">yes</span>`;
  return value === false ? html`<span class="chip bad">no</span>` : html`<span class="muted">not known</span>`;
}

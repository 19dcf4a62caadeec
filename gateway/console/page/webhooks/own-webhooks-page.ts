import { html, nothing, type TemplateResult } from 'lit-html';
import { OWN_WEBHOOKS_PATH } from '../../../../protocol/paths.ts';
import { say } from '../base/announce.ts';
import { askPerson } from '../base/ask-person.ts';
import { attemptTable } from '../base/attempt-table.ts';
import { ago, count } from '../base/format.ts';
import { ask } from '../base/gateway.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { list, number, object, text, texts, type Json } from '../base/read.ts';
import { redrawNow } from '../base/redraw.ts';
import { standingOf, testText } from '../base/sending.ts';

/** An account may ask 120 times a minute, with all of its pages. */
const EVERY_MS = 5_000;

/** The webhooks that logins of this account created: their state, their last requests, and what this login may do. */
export class OwnWebhooksPage extends PollingPage {
  readonly name = 'webhooks';
  readonly title = 'Webhooks';
  readonly #token: () => string | null;
  protected readonly polls: readonly Poll[];
  readonly #all: Poll;
  readonly #detail: Poll;
  #open = '';

  constructor(token: () => string | null) {
    super();
    this.#token = token;
    this.#all = new Poll(EVERY_MS, () => ask(OWN_WEBHOOKS_PATH, { token: token() }));
    this.#detail = new Poll(EVERY_MS, () => ask(pathOf(this.#open), { token: token() }));
    this.polls = [this.#all];
  }

  readonly badge = (): string => {
    const all = list(this.#all.value?.['webhooks']);
    return all.length === 0 ? '' : count(all.length);
  };

  override leave(): void {
    super.leave();
    this.#detail.stop();
    this.#open = '';
  }

  view(): TemplateResult {
    const { value, problem } = this.#all;
    const all = list(value?.['webhooks']).map(object);
    return html`<header class="top"><h1>Webhooks of this account</h1></header>
      <div class="scroll" tabindex="0">
        ${problem?.code === 'webhooks_disabled' ? DISABLED : this.#all.trouble()}${this.#all.waiting()}
        ${value !== null && all.length === 0 ? NONE : nothing}${all.map((one) => this.#card(one))}
      </div>`;
  }

  #card(webhook: Json): TemplateResult {
    const id = text(webhook['id']) ?? '';
    const [state, reason] = [text(webhook['state']) ?? '', text(webhook['reason'])];
    const isOff = state === 'off';
    const { tone, words, why } = standingOf(state, isOff ? reason : null, isOff ? null : reason);
    return html`<section class="card group" aria-label="Webhook ${id}" data-webhook=${id}>
      <header>
        <h2>${receiverOf(webhook)}</h2>
        <span class="chip ${tone}">${words}</span>
        <span class="muted">${[why ?? '', successText(webhook)].join(' ').trim()}</span>
        <span class="end links">
          <button aria-expanded=${this.#open === id} @click=${() => this.#toggle(id)}>Last requests</button>
          <button @click=${() => this.#test(id)}>Send a test event</button>
          ${reason === 'operator' ? nothing : html`<button @click=${() => this.#switch(id, isOff)}>${isOff ? 'Enable…' : 'Disable…'}</button>`}
        </span>
      </header>
      ${facts(webhook)}${this.#open === id ? this.#requests() : nothing}
    </section>`;
  }

  #requests(): TemplateResult {
    const { value } = this.#detail;
    if (value === null) return html`${this.#detail.trouble()}${this.#detail.waiting()}`;
    const dead = number(value['dead_letters']) ?? 0;
    return html`${this.#detail.trouble()}
      <p class="hint">
        ${dead === 0 ? 'No event was given up.' : `${count(dead)} events were given up: the operator can send them again.`}
      </p>
      ${attemptTable(list(value['attempts']).map(object))}`;
  }

  #toggle(id: string): void {
    this.#detail.stop();
    this.#detail.clear();
    this.#open = this.#open === id ? '' : id;
    if (this.#open !== '') this.#detail.start();
    redrawNow();
  }

  async #test(id: string): Promise<void> {
    const answer = await ask(`${pathOf(id)}/test`, { token: this.#token(), body: {} });
    say(answer.ok ? testText(answer.value) : answer.problem.detail);
  }

  async #switch(id: string, isOff: boolean): Promise<void> {
    const detail = isOff
      ? 'It goes on where it was. From now on it gets what this login may see.'
      : 'Nothing more is sent. Its events wait as long as the log keeps them.';
    const action = isOff ? 'Enable' : 'Disable';
    if ((await askPerson({ title: `${action} this webhook?`, detail, action })) === null) return;
    const answer = await ask(pathOf(id), { token: this.#token(), method: 'PATCH', body: { enabled: isOff } });
    say(answer.ok ? `The webhook is ${isOff ? 'on' : 'off'}` : answer.problem.detail);
    this.#all.start();
  }
}

function pathOf(id: string): string {
  return `${OWN_WEBHOOKS_PATH}/${encodeURIComponent(id)}`;
}

/** Without what may contain a credential. */
function receiverOf(webhook: Json): string {
  const url = URL.parse(text(webhook['url']) ?? '');
  return url === null ? 'a receiver' : `${url.host}${url.pathname}`;
}

function facts(webhook: Json): TemplateResult {
  const events = texts(webhook['events']);
  const accounts = texts(webhook['accounts']);
  return html`<dl class="facts">
    <dt>gets</dt>
    <dd>
      ${events.length === 0 ? 'every event' : events.join(', ')} of
      ${accounts.length === 0 ? 'all accounts' : accounts.join(', ')} that ${text(webhook['changed_by'])} may see
    </dd>
    <dt>description</dt>
    <dd>${text(webhook['description']) ?? '–'}</dd>
    <dt>id</dt>
    <dd>${text(webhook['id'])}</dd>
  </dl>`;
}

function successText(webhook: Json): string {
  const lost = number(webhook['lost']) ?? 0;
  const losses = lost === 0 ? '' : ` ${count(lost)} events left the log before they were sent.`;
  const [failing, last] = [text(webhook['failing_since']), text(webhook['succeeded_at'])];
  if (failing !== null) return `Failing since ${ago(failing, Date.now())}.${losses}`;
  return `${last === null ? 'Nothing was taken yet.' : `Last taken ${ago(last, Date.now())}.`}${losses}`;
}

const DISABLED = html`<div class="empty">
  <h2>Logins cannot create webhooks here</h2>
  <p>The operator allows it with <code>spec.webhooks.selfService.enabled: true</code> of the resource.</p>
</div>`;

const NONE = html`<div class="empty">
  <h2>This account has no webhook</h2>
  <p>
    A webhook sends events to a receiver of yours: <code>POST ${OWN_WEBHOOKS_PATH}</code> with its address creates one,
    and answers with its secret.
  </p>
</div>`;

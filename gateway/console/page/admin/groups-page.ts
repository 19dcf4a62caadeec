import { html, nothing, type TemplateResult } from 'lit-html';
import { GROUPS_PATH, WEBHOOKS_PATH } from '../../../../protocol/paths.ts';
import { say } from '../base/announce.ts';
import { askPerson } from '../base/ask-person.ts';
import { ago, count } from '../base/format.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { list, number, object, text, type Json } from '../base/read.ts';
import { fragmentOf } from '../base/route.ts';
import { spark } from '../base/spark.ts';
import type { Administration } from './admin.ts';

const EVERY_MS = 2_000;
/** Lags that the line shows: two minutes. */
const REMEMBERED = 60;

/** Durable groups over all replicas, and the webhooks of this one. The lag moves by itself. */
export class GroupsPage extends PollingPage {
  readonly name = 'groups';
  readonly title = 'Groups and webhooks';
  readonly #administration: Administration;
  protected readonly polls: readonly Poll[];
  readonly #groups: Poll;
  readonly #webhooks: Poll;
  readonly #lags = new Map<string, number[]>();

  constructor(administration: Administration) {
    super();
    this.#administration = administration;
    this.#groups = new Poll(
      EVERY_MS,
      () => administration.get(GROUPS_PATH),
      (value) => this.#remember(value),
    );
    this.#webhooks = new Poll(EVERY_MS, () => administration.get(WEBHOOKS_PATH));
    this.polls = [this.#groups, this.#webhooks];
  }

  readonly badge = (): string => {
    const lags = list(this.#groups.value?.['groups']).map((group) => number(object(group)['lag']) ?? 0);
    return lags.length === 0 ? '' : `lag ${count(lags.reduce((sum, lag) => sum + lag, 0))}`;
  };

  view(): TemplateResult {
    const { value } = this.#groups;
    const groups = list(value?.['groups']).map(object);
    const webhooks = list(this.#webhooks.value?.['webhooks']).map(object);
    return html`<header class="top"><h1>Groups and webhooks</h1></header>
      <div class="scroll" tabindex="0">
        ${this.#groups.trouble()}${this.#groups.waiting()}
        ${value !== null && groups.length === 0 ? html`<p class="empty">The resource declares no consumer group.</p>` : nothing}
        ${groups.map((group) =>
          this.#group(
            group,
            webhooks.find((one) => one['group'] === group['group']),
          ),
        )}
      </div>`;
  }

  #group(group: Json, webhook: Json | undefined): TemplateResult {
    const name = text(group['group']) ?? '';
    const lag = number(group['lag']);
    const members = list(group['members']).map(object);
    const hung = members.reduce((sum, member) => sum + (number(member['hung']) ?? 0), 0);
    return html`<section class="card group" aria-label="Group ${name}" data-group=${name}>
      <header>
        <h2>${name}</h2>
        ${lag === null ? html`<span class="chip">not used yet</span>` : html`<span class=${lag === 0 ? 'chip good' : 'chip busy'}>lag <strong class="lag">${count(lag)}</strong></span>`}
        ${hung === 0 ? nothing : html`<span class="chip bad">${count(hung)} hung</span>`}
        ${spark(this.#lags.get(name) ?? [], `Lag of ${name}`)}
        <a class="end" href=${fragmentOf('dead-letters', name)}>Dead letters</a>
      </header>
      <dl class="facts">
        <dt>accounts</dt>
        <dd>${count(number(group['accounts']))}</dd>
        <dt>oldest without acknowledgement</dt>
        <dd>${ago(text(group['oldest_pending_at']), Date.now())}</dd>
        <dt>connections</dt>
        <dd>${members.length === 0 ? 'none: nobody consumes it' : nothing}${members.map(memberText).join('; ')}</dd>
      </dl>
      ${webhook === undefined ? nothing : this.#webhook(name, webhook)}
    </section>`;
  }

  #webhook(group: string, webhook: Json): TemplateResult {
    const off = object(webhook['off']);
    const state = text(webhook['state']) ?? '';
    const isOff = off['reason'] !== undefined;
    const tone = isOff || webhook['held_back'] !== null ? 'bad' : state === 'sending' ? 'good' : 'busy';
    return html`<div class="webhook">
      <h3>Webhook to ${text(webhook['host'])}</h3>
      <span class="chip ${tone}"
        >${isOff ? `off: ${text(off['reason']) ?? ''}` : (text(webhook['held_back']) ?? state)}</span
      >
      <span class="muted"
        >${text(webhook['failing_since']) === null ? `last success ${ago(text(webhook['succeeded_at']), Date.now())}` : `failing since ${ago(text(webhook['failing_since']), Date.now())}, ${count(number(webhook['failures']))} pauses`}</span
      >
      <span class="end links">
        ${isOff ? html`<button @click=${() => this.#enable(group)}>Enable…</button>` : nothing}
        <button @click=${() => this.#test(group)}>Send a test event</button>
      </span>
    </div>`;
  }

  async #enable(group: string): Promise<void> {
    const detail = 'Every replica sends the events that wait to the receiver again.';
    if ((await askPerson({ title: `Enable the webhook of ${group}?`, detail, action: 'Enable' })) === null) return;
    const answer = await this.#administration.post(`${WEBHOOKS_PATH}/${encodeURIComponent(group)}/enable`);
    say(answer.ok ? `The webhook of ${group} is on` : answer.problem.detail);
    this.#webhooks.start();
  }

  async #test(group: string): Promise<void> {
    const answer = await this.#administration.post(`${WEBHOOKS_PATH}/${encodeURIComponent(group)}/test`);
    say(answer.ok ? `Test event: ${testText(answer.value)}` : answer.problem.detail);
  }

  #remember(value: Json): void {
    for (const group of list(value['groups']).map(object)) {
      const name = text(group['group']) ?? '';
      this.#lags.set(name, [...(this.#lags.get(name) ?? []), number(group['lag']) ?? 0].slice(-REMEMBERED));
    }
  }
}

function memberText(member: Json): string {
  const hung = number(member['hung']) ?? 0;
  return `${text(member['connections']) ?? '0'} of ${text(member['account']) ?? ''} at ${text(member['replica']) ?? ''}${hung === 0 ? '' : ` (${hung} hung)`}`;
}

function testText(answer: Json): string {
  return Object.entries(answer)
    .map(([key, value]) => `${key} ${text(value) ?? '–'}`)
    .join(', ');
}

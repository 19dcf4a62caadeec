import { html, nothing, type TemplateResult } from 'lit-html';
import { GROUPS_PATH } from '../../../../protocol/paths.ts';
import { ago, count, dateAndTime } from '../base/format.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { list, number, object, text, type Json } from '../base/read.ts';
import { fragmentOf } from '../base/route.ts';
import { spark } from '../base/spark.ts';
import type { Administration } from './admin.ts';
import { Senders, type ShownSender } from './senders.ts';

const EVERY_MS = 2_000;
/** Lags that the line shows: two minutes. */
const REMEMBERED = 60;

/** Durable groups over all replicas, and the webhooks and sinks of this one. The lag moves by itself. */
export class GroupsPage extends PollingPage {
  readonly name = 'groups';
  readonly title = 'Consumer groups';
  readonly #senders: Senders;
  protected readonly polls: readonly Poll[];
  readonly #groups: Poll;
  readonly #lags = new Map<string, number[]>();

  constructor(administration: Administration) {
    super();
    this.#groups = new Poll(
      EVERY_MS,
      () => administration.get(GROUPS_PATH),
      (value) => this.#remember(value),
    );
    this.#senders = new Senders(administration);
    this.polls = [this.#groups, ...this.#senders.polls];
  }

  override leave(): void {
    super.leave();
    this.#senders.close();
  }

  readonly badge = (): string => {
    const lags = list(this.#groups.value?.['groups']).map((group) => number(object(group)['lag']) ?? 0);
    return lags.length === 0 ? '' : `${count(lags.reduce((sum, lag) => sum + lag, 0))} waiting`;
  };

  /** A group that lags alone, or a webhook or a sink that fails or is off. */
  readonly isAlarming = (): boolean =>
    list(this.#groups.value?.['groups']).some((group) => this.#isAlone(object(group))) || this.#senders.isFailing;

  view(): TemplateResult {
    const { value } = this.#groups;
    const groups = list(value?.['groups'])
      .map(object)
      .toSorted(
        (a, b) =>
          Number(this.#isAlone(b)) - Number(this.#isAlone(a)) || (number(b['lag']) ?? 0) - (number(a['lag']) ?? 0),
      );
    return html`<header class="top"><h1>Consumer groups, webhooks and sinks</h1></header>
      <div class="scroll" tabindex="0">
        ${this.#groups.trouble()}${this.#groups.waiting()}
        ${value !== null && groups.length === 0 ? html`<p class="empty">The resource declares no consumer group.</p>` : nothing}
        ${groups.map((group) => this.#group(group))}${this.#own()}
      </div>`;
  }

  /** Events wait, and neither a connection nor a webhook or sink consumes them: as the health of the gateway judges it. */
  #isAlone(group: Json): boolean {
    const waiting = (number(group['lag']) ?? 0) + (number(group['pending']) ?? 0);
    return waiting > 0 && list(group['members']).length === 0 && this.#senders.of(text(group['group']) ?? '') === null;
  }

  #group(group: Json): TemplateResult {
    const name = text(group['group']) ?? '';
    const sender = this.#senders.of(name);
    const lag = number(group['lag']);
    const members = list(group['members']).map(object);
    const hung = members.reduce((sum, member) => sum + (number(member['hung']) ?? 0), 0);
    return html`<section class="card group" aria-label="Group ${name}" data-group=${name}>
      <header>
        <h2>${name}</h2>
        ${lag === null ? html`<span class="chip">not used yet</span>` : lagChip(lag)}
        ${sender === null && members.length === 0 && lag !== null ? html`<span class=${this.#isAlone(group) ? 'chip bad' : 'chip'}>nobody consumes it</span>` : nothing}
        ${oldestText(group)}${hung === 0 ? nothing : html`<span class="chip bad">${count(hung)} hung</span>`}
        ${spark(this.#lags.get(name) ?? [], `Lag of ${name}`)}
        <a class="end" href=${fragmentOf('dead-letters', name)}>${deadLettersText(group)}</a>
      </header>
      <dl class="facts">
        <dt>accounts</dt>
        <dd>${count(number(group['accounts']))}</dd>
        <dt>read, not acknowledged</dt>
        <dd>${eventsText(number(group['pending']))}</dd>
        ${sender === null ? connections(members) : nothing}
      </dl>
      ${sender === null ? nothing : this.#sender(sender)}
    </section>`;
  }

  #sender(sender: ShownSender): TemplateResult {
    const { shown } = sender;
    const { tone, words, why } = this.#senders.standing(sender);
    return html`<div class="webhook">
        <h3>${this.#senders.title(sender)}</h3>
        <span class="chip ${tone}">${words}</span>
        <span class="muted">${[why ?? '', successText(shown)].join(' ').trim()}</span>
        <span class="end links">${this.#senders.buttons(sender)}</span>
      </div>
      ${this.#senders.requests(sender)}`;
  }

  /** Webhooks that logins created: whose they are, and how they are. */
  #own(): TemplateResult | typeof nothing {
    const { own } = this.#senders;
    if (own.length === 0) return nothing;
    return html`<h2 class="section">Webhooks that logins created</h2>
      ${own.map((sender) => this.#ownCard(sender))}`;
  }

  #ownCard(sender: ShownSender): TemplateResult {
    const { name, shown } = sender;
    const by = object(shown['self_service']);
    return html`<section class="card group" aria-label="Webhook ${name}" data-group=${name}>
      <header>
        <h2>${text(shown['host'])}</h2>
        ${lagChip(number(shown['lag']))}
        <a class="end" href=${fragmentOf('dead-letters', name)}>${deadLettersText(shown)}</a>
      </header>
      <dl class="facts">
        <dt>account</dt>
        <dd>${text(shown['account'])}</dd>
        <dt>user whose grant applies</dt>
        <dd>${text(by['changed_by'])}</dd>
        <dt>read, not taken by its receiver</dt>
        <dd>${eventsText(number(shown['pending']))}</dd>
        <dt>last changed</dt>
        <dd>${ago(text(by['changed_at']), Date.now())}</dd>
        <dt>id</dt>
        <dd>${name}</dd>
      </dl>
      ${this.#sender(sender)}
    </section>`;
  }

  #remember(value: Json): void {
    for (const group of list(value['groups']).map(object)) {
      const name = text(group['group']) ?? '';
      this.#lags.set(name, [...(this.#lags.get(name) ?? []), number(group['lag']) ?? 0].slice(-REMEMBERED));
    }
  }
}

function oldestText(group: Json): TemplateResult | typeof nothing {
  const oldest = text(group['oldest_pending_at']);
  if (oldest === null) return nothing;
  return html`<span class="muted" title=${dateAndTime(oldest)}
    >oldest unacknowledged: ${ago(oldest, Date.now())}</span
  >`;
}

function connections(members: readonly Json[]): TemplateResult {
  return html`<dt>connections</dt>
    <dd>${members.length === 0 ? 'none' : members.map(memberText).join('; ')}</dd>`;
}

function memberText(member: Json): string {
  const hung = number(member['hung']) ?? 0;
  return `${text(member['connections']) ?? '0'} of ${text(member['account']) ?? ''} at ${text(member['replica']) ?? ''}${hung === 0 ? '' : ` (${hung} hung)`}`;
}

function eventsText(many: number | null): string {
  return many === null ? '–' : `${count(many)} ${many === 1 ? 'event' : 'events'}`;
}

function lagChip(lag: number | null): TemplateResult {
  if (lag === null) return html`<span class="chip">lag not known yet</span>`;
  const events = lag === 1 ? 'event' : 'events';
  return html`<span class=${lag === 0 ? 'chip good' : 'chip busy'}
    >lag <strong class="lag">${count(lag)}</strong> ${events}</span
  >`;
}

function deadLettersText(shown: Json): string {
  const dead = number(shown['dead_letters']);
  return dead === null ? 'Dead letters' : `Dead letters (${count(dead)})`;
}

function successText(shown: Json): string {
  const lost = number(shown['lost']) ?? 0;
  const losses = lost === 0 ? '' : ` ${count(lost)} events left the log before they were sent.`;
  const since = text(shown['failing_since']);
  if (since === null) {
    const last = text(shown['succeeded_at']);
    return `${last === null ? 'Nothing was taken yet.' : `Last taken ${ago(last, Date.now())}.`}${losses}`;
  }
  const cause = text(shown['failing_cause']);
  return `Failing since ${ago(since, Date.now())}${cause === null ? '' : ` (${cause})`}, ${count(number(shown['failures']))} pauses.${losses}`;
}

import { html, nothing, type TemplateResult } from 'lit-html';
import { SOURCES_PATH } from '../../../../protocol/paths.ts';
import { ago, count, dateAndTime } from '../base/format.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { list, number, object, text, type Json } from '../base/read.ts';
import type { Administration } from './admin.ts';

const EVERY_MS = 5_000;

/** The sources that write into the log: which switch is listened to, by which replica, and what was missed. */
export class SourcesPage extends PollingPage {
  readonly name = 'sources';
  readonly title = 'Sources';
  protected readonly polls: readonly Poll[];
  readonly #poll: Poll;

  constructor(administration: Administration) {
    super();
    this.#poll = new Poll(EVERY_MS, () => administration.get(SOURCES_PATH));
    this.polls = [this.#poll];
  }

  view(): TemplateResult {
    const { value } = this.#poll;
    const sources = list(value?.['sources']).map(object);
    return html`<header class="top"><h1>Sources</h1></header>
      <div class="scroll" tabindex="0">
        ${this.#poll.trouble()}${this.#poll.waiting()}
        ${value !== null && sources.length === 0 ? NONE : nothing}${sources.map(section)}
      </div>`;
  }
}

const NONE = html`<div class="empty">
  <h2>No source reports here</h2>
  <p>Producers write by HTTP or into Redis themselves, or the gateway simulates calls.</p>
</div>`;

function section(source: Json): TemplateResult {
  const name = text(source['source']) ?? '';
  return html`<section class="card group" aria-label="Source ${name}">
    <header>
      <h2>${name}</h2>
      <span class="chip">${text(source['kind'])}</span>
      <span class="muted">seen ${ago(text(source['seen_at']), Date.now())}</span>
    </header>
    <table class="stack">
      <thead>
        <tr>
          <th>Endpoint</th>
          <th>Replica</th>
          <th>State</th>
          <th>Since</th>
          <th>Role</th>
          <th>Last gap</th>
        </tr>
      </thead>
      <tbody>
        ${list(source['endpoints']).map(object).flatMap(rows)}
      </tbody>
    </table>
  </section>`;
}

function rows(endpoint: Json): readonly TemplateResult[] {
  const replicas = list(endpoint['replicas']).map(object);
  const untold = number(endpoint['gaps_not_in_log']) ?? 0;
  return (replicas.length === 0 ? [{}] : replicas).map((replica: Json) => {
    const state = text(replica['state']) ?? 'no report';
    const reason = text(replica['reason']);
    return html`<tr>
      <td>${text(endpoint['endpoint'])}</td>
      <td>${text(replica['replica']) ?? '–'}</td>
      <td>
        <span class="chip ${reason === null && replica['state'] !== undefined ? 'good' : 'bad'}">${state}</span>
        ${reason ?? nothing}
      </td>
      <td>${ago(text(replica['since']), Date.now())}</td>
      <td>${replica['leading'] === true ? 'publishes' : 'stands by'}</td>
      <td>${gapText(object(endpoint['last_gap']))}${untold === 0 ? '' : `; ${count(untold)} not in the log yet`}</td>
    </tr>`;
  });
}

function gapText(gap: Json): string {
  if (gap['from'] === undefined) return 'none';
  const legs = `${count(number(gap['legs_ended']))} legs ended, ${count(number(gap['legs_begun']))} began`;
  return `${text(gap['reason']) ?? ''} ${dateAndTime(text(gap['from']))} to ${dateAndTime(text(gap['to']))}, ${legs}`;
}

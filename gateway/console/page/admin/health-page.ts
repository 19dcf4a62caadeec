import { html, nothing, type TemplateResult } from 'lit-html';
import { HEALTH_PATH } from '../../../../protocol/paths.ts';
import { count } from '../base/format.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { list, object, text, type Json } from '../base/read.ts';
import type { Administration } from './admin.ts';

const EVERY_MS = 5_000;
const ORDER = ['fail', 'warn', 'ok'];

/** What works, what may hurt and what does not, with the fix: the lines of the doctor about this replica. */
export class HealthPage extends PollingPage {
  readonly name = 'health';
  readonly title = 'Health';
  protected readonly polls: readonly Poll[];
  readonly #poll: Poll;

  constructor(administration: Administration) {
    super();
    this.#poll = new Poll(EVERY_MS, () => administration.get(HEALTH_PATH));
    this.polls = [this.#poll];
  }

  readonly isAlarming = (): boolean => !['', 'ok'].includes(this.badge());

  readonly badge = (): string => text(this.#poll.value?.['status']) ?? '';

  view(): TemplateResult {
    const findings = list(this.#poll.value?.['findings']).map(object);
    const ordered = findings.toSorted((a, b) => ORDER.indexOf(statusOf(a)) - ORDER.indexOf(statusOf(b)));
    return html`<header class="top">
        <h1>Health</h1>
        ${ORDER.map((status) => [status, findings.filter((one) => statusOf(one) === status).length] as const)
          .filter(([, many]) => many > 0)
          .map(([status, many]) => html`<span class="chip ${status}">${count(many)} ${status}</span>`)}
      </header>
      <div class="scroll" tabindex="0">
        ${this.#poll.trouble()}${this.#poll.waiting()}
        ${
          findings.length === 0
            ? nothing
            : html`<div class="card">
                <table class="stack">
                  <thead>
                    <tr>
                      <th>Status</th>
                      <th>Check</th>
                      <th>Seen</th>
                      <th>What to do</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${ordered.map(row)}
                  </tbody>
                </table>
              </div>`
        }
      </div>`;
  }
}

const statusOf = (finding: Json) => text(finding['status']) ?? 'ok';

function row(finding: Json): TemplateResult {
  const subject = text(finding['subject']);
  return html`<tr>
    <td><span class="chip ${statusOf(finding)}">${statusOf(finding)}</span></td>
    <td class="mono">
      ${text(finding['check'])}${subject === null ? nothing : html` <span class="muted">${subject}</span>`}
    </td>
    <td class="prose">${text(finding['seen'])}</td>
    <td class=${text(finding['fix']) === null ? 'prose wide' : 'prose'}>
      ${text(finding['fix']) ?? html`<span class="muted">nothing</span>`}
    </td>
  </tr>`;
}

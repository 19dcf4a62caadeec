import { html, nothing, type TemplateResult } from 'lit-html';
import { DIRECTORY_PATH } from '../../../../protocol/paths.ts';
import { say } from '../base/announce.ts';
import { ago, count } from '../base/format.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { list, number, object, text, type Json } from '../base/read.ts';
import { fragmentOf, type Place } from '../base/route.ts';
import { redrawNow } from '../base/redraw.ts';
import type { Administration } from './admin.ts';

const EVERY_MS = 10_000;
const MOST = 200;

/** Accounts as a tree, opened level by level: a platform may have 100,000. Read only, and without hashes. */
export class DirectoryPage extends PollingPage {
  readonly name = 'directory';
  readonly title = 'Directory';
  readonly #administration: Administration;
  protected readonly polls: readonly Poll[];
  readonly #poll: Poll;
  /** Children of the accounts that are open. */
  readonly #children = new Map<string, readonly Json[]>();
  #domain = '';

  constructor(administration: Administration) {
    super();
    this.#administration = administration;
    this.#poll = new Poll(EVERY_MS, () =>
      administration.get(
        this.#domain === '' ? `${DIRECTORY_PATH}?parent=` : DIRECTORY_PATH,
        this.#domain === '' ? {} : { domain: this.#domain },
      ),
    );
    this.polls = [this.#poll];
  }

  override enter(place: Place): void {
    this.#domain = place.query.get('domain') ?? '';
    this.#children.clear();
    this.#poll.clear();
    super.enter(place);
  }

  view(): TemplateResult {
    const { value } = this.#poll;
    const roots = list(value?.['accounts']).map(object);
    return html`<header class="top">
        <h1>Directory</h1>
        ${value === null ? nothing : statusChips(object(value['status']))}
        <label class="end"
          >Find<input
            name="domain"
            placeholder="name or realm"
            .value=${this.#domain}
            @change=${(event: Event) => {
              location.hash = fragmentOf('directory', '', { domain: (event.target as HTMLInputElement).value.trim() });
            }}
        /></label>
      </header>
      <div class="scroll" tabindex="0">
        ${this.#poll.trouble()}${this.#poll.waiting()}
        ${
          value === null
            ? nothing
            : html`<div class="card">
                <table class="tree stack">
                  <thead>
                    <tr>
                      <th>Account</th>
                      <th>Id</th>
                      <th>Realm</th>
                      <th>State</th>
                      <th>Users</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${roots.flatMap((account) => this.#rows(account, 0))}
                  </tbody>
                </table>
              </div>`
        }
      </div>`;
  }

  #rows(account: Json, depth: number): readonly TemplateResult[] {
    const id = text(account['id']) ?? '';
    const below = number(account['children']) ?? 0;
    const open = this.#children.get(id);
    const row = html`<tr>
      <td .style=${`padding-left:${10 + depth * 22}px`}>
        ${
          below === 0
            ? html`<span class="leaf"></span>`
            : html`<button
                class="quiet twist"
                aria-expanded=${open !== undefined}
                aria-label="${open === undefined ? '▸' : '▾'} ${count(below)} accounts below ${text(account['name'])}"
                @click=${() => this.#toggle(id)}
              >
                ${open === undefined ? '▸' : '▾'} ${count(below)}
              </button>`
        }
        <strong>${text(account['name'])}</strong>
      </td>
      <td class="mono">${id}</td>
      <td>${text(account['realm'])}</td>
      <td>${stateChip(account)}</td>
      <td class="prose">${usersText(account)}</td>
    </tr>`;
    return [row, ...(open ?? []).flatMap((child) => this.#rows(child, depth + 1))];
  }

  async #toggle(id: string): Promise<void> {
    if (this.#children.delete(id)) return redrawNow();
    const answer = await this.#administration.get(DIRECTORY_PATH, { parent: id, limit: String(MOST) });
    if (!answer.ok) return say(answer.problem.detail);
    this.#children.set(id, list(answer.value['accounts']).map(object));
    if (text(answer.value['next']) !== null) say(`The first ${MOST} accounts are shown: find others by their name`);
    return redrawNow();
  }
}

function statusChips(status: Json): TemplateResult {
  const fault = text(status['fault']);
  return html`<span class="chip"
      >${count(number(status['accounts']))} accounts, ${count(number(status['users']))} users</span
    >
    <span class="muted">loaded ${ago(text(status['loaded_at']), Date.now())}</span>
    ${fault === null ? nothing : html`<span class="chip bad">${fault}: the last good one is in force</span>`}`;
}

function stateChip(account: Json): TemplateResult {
  if (account['enabled'] === false) return html`<span class="chip bad">disabled</span>`;
  if (account['active'] === false) return html`<span class="chip busy">disabled above</span>`;
  return html`<span class="chip good">enabled</span>`;
}

function usersText(account: Json): TemplateResult {
  const users = list(account['users']).map(object);
  const more = (number(account['users_total']) ?? users.length) - users.length;
  return html`${users.map((user, i) => {
    const privacy = text(user['privacy']);
    const marks = [user['enabled'] === false ? 'disabled' : '', privacy === null ? '' : `privacy ${privacy}`];
    const said = marks.filter((mark) => mark !== '').join(', ');
    return html`${i === 0 ? '' : ', '}${text(user['username'])}${said === '' ? nothing : html` <small class="muted">(${said})</small>`}`;
  })}${more > 0 ? ` and ${count(more)} more` : ''}${users.length === 0 ? html`<span class="muted">none</span>` : nothing}`;
}

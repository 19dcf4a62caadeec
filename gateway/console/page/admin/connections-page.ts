import { html, nothing, type TemplateResult } from 'lit-html';
import { CONNECTIONS_PATH, REVOCATIONS_PATH } from '../../../../protocol/paths.ts';
import { askPerson } from '../base/ask-person.ts';
import { say } from '../base/announce.ts';
import { ago, count, dateAndTime, shortened } from '../base/format.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { list, object, text } from '../base/read.ts';
import { fragmentOf } from '../base/route.ts';
import type { Administration } from './admin.ts';

const EVERY_MS = 3_000;
const MOST = 1_000;

interface Connection {
  readonly session: string;
  readonly account: string;
  readonly username: string;
  readonly since: string | null;
  readonly address: string;
  readonly contract: string;
  readonly isBehind: boolean;
}

/** Who is connected to this replica. */
export class ConnectionsPage extends PollingPage {
  readonly name = 'connections';
  readonly title = 'Connections';
  readonly #administration: Administration;
  protected readonly polls: readonly Poll[];
  readonly #poll: Poll;

  constructor(administration: Administration) {
    super();
    this.#administration = administration;
    this.#poll = new Poll(EVERY_MS, () => administration.get(CONNECTIONS_PATH, { limit: String(MOST) }));
    this.polls = [this.#poll];
  }

  view(): TemplateResult {
    const { value } = this.#poll;
    const all = list(value?.['connections']).map(readConnection);
    const hasMore = text(value?.['next']) !== null;
    const behind = all.filter(({ isBehind }) => isBehind).length;
    return html`<header class="top">
        <h1>Connections</h1>
        ${value === null ? nothing : html`<span class="chip">${count(all.length)}${hasMore ? ' and more' : ''} on this replica</span>`}
        ${behind === 0 ? nothing : html`<span class="chip busy">${count(behind)} behind</span>`}
      </header>
      <div class="scroll" tabindex="0">
        ${this.#poll.trouble()}${this.#poll.waiting()}${value === null ? nothing : this.#table(all)}
      </div>`;
  }

  #table(all: readonly Connection[]): TemplateResult {
    if (all.length === 0) return html`<p class="empty">Nobody is connected to this replica.</p>`;
    return html`<div class="card">
      <table>
        <thead>
          <tr>
            <th>User</th>
            <th>Account</th>
            <th>Since</th>
            <th>Contract</th>
            <th>State</th>
            <th>Address</th>
            <th>Session</th>
            <th>Action</th>
          </tr>
        </thead>
        <tbody>
          ${all.map(
            (one) =>
              html`<tr>
                <td><strong>${one.username}</strong></td>
                <td>${one.account}</td>
                <td title=${dateAndTime(one.since)}>${ago(one.since, Date.now())}</td>
                <td>${one.contract}</td>
                <td>
                  <span class=${one.isBehind ? 'chip busy' : 'chip good'}
                    >${one.isBehind ? 'behind' : 'up to date'}</span
                  >
                </td>
                <td>${one.address}</td>
                <td class="mono" title=${one.session}>${shortened(one.session, 13)}</td>
                <td class="actions">
                  <a class="button" href=${fragmentOf('explain', '', { session: one.session })}>Explain</a
                  ><button class="quiet" @click=${() => this.#revoke(one)}>Revoke…</button>
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  async #revoke({ account, username }: Connection): Promise<void> {
    const sure = await askPerson({
      title: `Revoke ${username}?`,
      detail: `Every connection of ${username} of account ${account} is closed on all replicas, and every token issued until now is refused. A later login works.`,
      action: 'Revoke',
      isDangerous: true,
    });
    if (sure === null) return;
    const answer = await this.#administration.post(REVOCATIONS_PATH, { user: { account, username } });
    say(
      answer.ok
        ? `${username} is revoked: ${text(answer.value['closed']) ?? '0'} connections closed here`
        : answer.problem.detail,
    );
    this.#poll.start();
  }
}

function readConnection(value: unknown): Connection {
  const said = object(value);
  return {
    session: text(said['session']) ?? '',
    account: text(said['account']) ?? '',
    username: text(said['username']) ?? '–',
    since: text(said['since']),
    address: text(said['address']) ?? '–',
    contract: text(said['contract']) ?? '',
    isBehind: said['behind'] === true,
  };
}

import { html, nothing, type TemplateResult } from 'lit-html';
import { CALLS_PATH } from '../../../../protocol/paths.ts';
import { count, duration, shortened } from '../base/format.ts';
import { askText, type Answer } from '../base/gateway.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { fragmentOf, type Place } from '../base/route.ts';
import { accountName } from '../live/account-names.ts';
import { answerOfLines, callsOf, type LiveCall } from './live-call.ts';

const EVERY_MS = 2_000;
/** More rows than anybody reads. */
const MOST_ROWS = 500;
const STATES = ['ringing', 'answered', 'held', 'parked', 'uncertain'];

/** The calls that are live now, with their timers. */
export class CallsPage extends PollingPage {
  readonly name = 'calls';
  readonly title = 'Live calls';
  protected readonly polls: readonly Poll[];
  readonly #poll: Poll;
  #account = '';
  #accounts: readonly string[] = [];

  constructor(token: () => string | null) {
    super();
    this.#poll = new Poll(EVERY_MS, () => this.#ask(token()));
    this.polls = [this.#poll];
  }

  readonly badge = (): string => (this.#poll.value === null ? '' : count(callsOf(this.#poll.value).length));

  override enter(place: Place): void {
    const account = place.query.get('account') ?? '';
    if (account !== this.#account) this.#poll.clear();
    this.#account = account;
    super.enter(place);
  }

  view(): TemplateResult {
    const { value } = this.#poll;
    const calls = value === null ? [] : callsOf(value);
    if (this.#account === '') this.#accounts = [...new Set(calls.map(({ account }) => account))].toSorted();
    return html`<header class="top">
        <h1>Live calls</h1>
        ${value === null ? nothing : this.#summary(calls)}
        <label class="end">Account ${this.#picker()}</label>
      </header>
      <div class="scroll" tabindex="0">
        ${this.#poll.problem?.code === 'calls_disabled' ? DISABLED : this.#poll.trouble()}${this.#poll.waiting()}
        ${value === null ? nothing : table(calls)}
      </div>`;
  }

  #summary(calls: readonly LiveCall[]): TemplateResult {
    const states = Map.groupBy(calls, ({ state }) => state);
    return html`<span class="chips">
      <span class="chip">${count(calls.length)} ${calls.length === 1 ? 'leg' : 'legs'}</span>
      ${STATES.filter((state) => states.has(state)).map(
        (state) => html`<span class="chip ${state}">${count(states.get(state)?.length ?? 0)} ${state}</span>`,
      )}
    </span>`;
  }

  #picker(): TemplateResult {
    const known = [...new Set([...this.#accounts, ...(this.#account === '' ? [] : [this.#account])])];
    const choose = (event: Event) => {
      location.hash = fragmentOf('calls', '', { account: (event.target as HTMLSelectElement).value });
    };
    return html`<select name="account" @change=${(event: Event) => choose(event)}>
      <option value="" ?selected=${this.#account === ''}>all</option>
      ${known.map((id) => html`<option value=${id} ?selected=${id === this.#account}>${accountName(id)}</option>`)}
    </select>`;
  }

  /** As lines: a document has at most a thousand. */
  async #ask(token: string | null): Promise<Answer> {
    const query = this.#account === '' ? '' : `?${new URLSearchParams({ account: this.#account })}`;
    const answer = await askText(`${CALLS_PATH}${query}`, { token, accept: 'application/x-ndjson' });
    return answer.ok ? { ok: true, value: answerOfLines(answer.text) } : answer;
  }
}

const DISABLED = html`<div class="empty">
  <h2>This gateway keeps no table of live calls</h2>
  <p>
    It is turned on by <code>spec.calls.enabled: true</code> of the resource. Live events show the same calls one event
    at a time.
  </p>
</div>`;

function table(calls: readonly LiveCall[]): TemplateResult {
  if (calls.length === 0) return html`<p class="empty">No call is live now.</p>`;
  const ordered = calls.toSorted((a, b) => ((a.createdAt ?? '') < (b.createdAt ?? '') ? 1 : -1));
  return html`<div class="card">
    <table class="calls">
      <thead>
        <tr>
          <th>State</th>
          <th class="number">In state</th>
          <th class="number">Lasts</th>
          <th>Account</th>
          <th>Leg</th>
          <th>From</th>
          <th>To</th>
          <th>Call</th>
        </tr>
      </thead>
      <tbody>
        ${ordered.slice(0, MOST_ROWS).map((call) => row(call, Date.now()))}
      </tbody>
    </table>
    ${ordered.length > MOST_ROWS ? html`<p class="empty">and ${count(ordered.length - MOST_ROWS)} more: choose an account</p>` : nothing}
  </div>`;
}

function row(call: LiveCall, now: number): TemplateResult {
  const since = (time: string | null) => (time === null ? '–' : duration(now - Date.parse(time)));
  return html`<tr>
    <td>
      <span class="chip ${call.state}">${call.state}${call.parkingSlot === null ? '' : ` in ${call.parkingSlot}`}</span>
    </td>
    <td class="number">${since(call.stateSince)}</td>
    <td class="number">${since(call.createdAt)}</td>
    <td title=${call.account}>${accountName(call.account)}</td>
    <td class="muted">${call.direction === 'outbound' ? 'called' : 'calling'}${call.isRecorded ? ', recorded' : ''}</td>
    <td>${(call.from ?? '–').slice(0, 80)}<span class="below">→ ${(call.to ?? '–').slice(0, 80)}</span></td>
    <td>${(call.to ?? '–').slice(0, 80)}</td>
    <td>
      <a class="mono" href=${fragmentOf('call', call.id, { from: call.createdAt ?? '', account: call.account })}
        >${shortened(call.id, 26)}</a
      >
    </td>
  </tr>`;
}

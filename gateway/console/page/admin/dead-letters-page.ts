import { html, nothing, type TemplateResult } from 'lit-html';
import { DEAD_LETTERS_PATH, GROUPS_PATH } from '../../../../protocol/paths.ts';
import { say } from '../base/announce.ts';
import { askPerson } from '../base/ask-person.ts';
import { count, dateAndTime, shortened } from '../base/format.ts';
import { jsonView } from '../base/json-view.ts';
import { Poll } from '../base/poll.ts';
import { PollingPage } from '../base/polling-page.ts';
import { list, object, parsed, text, type Json } from '../base/read.ts';
import { fragmentOf, type Place } from '../base/route.ts';
import { redrawNow } from '../base/redraw.ts';
import type { Administration } from './admin.ts';

const EVERY_MS = 4_000;
const FACTS = [
  ['eventId', 'event id'],
  ['account', 'account'],
  ['attempts', 'attempts'],
  ['error', 'last error'],
  ['entry', 'place in the log'],
  ['id', 'dead letter'],
] as const;
/** Sent again by one press: beyond it the person looks again. */
const MOST_AT_ONCE = 100;

/** What this page has put back into the log last: it stays until something else is. */
interface PutBack {
  readonly group: string;
  readonly at: number;
  readonly many: number;
  readonly last: Json;
}

/** What durable groups gave up: why, with the event, and the way back into the log. */
export class DeadLettersPage extends PollingPage {
  readonly name = 'dead-letters';
  readonly title = 'Dead letters';
  readonly #administration: Administration;
  protected readonly polls: readonly Poll[];
  readonly #groups: Poll;
  readonly #letters: Poll;
  #group = '';
  #account = '';
  #open: Json | null = null;
  #redriving: string | null = null;
  #putBack: PutBack | null = null;

  constructor(administration: Administration) {
    super();
    this.#administration = administration;
    this.#groups = new Poll(
      30_000,
      () => administration.get(GROUPS_PATH),
      (value) => this.#chooseFirst(value),
    );
    this.#letters = new Poll(EVERY_MS, () =>
      administration.get(this.#path(), { account: this.#account, limit: String(MOST_AT_ONCE) }),
    );
    this.polls = [this.#groups, this.#letters];
  }

  override enter({ item, query }: Place): void {
    this.#group = item;
    this.#account = query.get('account') ?? '';
    this.#open = null;
    this.#letters.clear();
    this.#groups.start();
    if (item !== '') this.#letters.start();
  }

  key({ key }: KeyboardEvent): boolean {
    if (key !== 'Escape' || this.#open === null) return false;
    this.#close();
    return true;
  }

  view(): TemplateResult {
    const letters = list(this.#letters.value?.['dead_letters']).map(object);
    const isMore = text(this.#letters.value?.['next']) !== null;
    return html`<header class="top">
        <h1>Dead letters</h1>
        ${this.#letters.value === null ? nothing : html`<span class=${letters.length === 0 ? 'chip good' : 'chip bad'}>${count(letters.length)}${isMore ? ' and more' : ''}</span>`}
        <span class="end links">
          ${this.#pickers()}
          <button
            ?disabled=${letters.length === 0 || this.#redriving !== null}
            @click=${() => this.#redriveAll(letters)}
          >
            ${this.#redriving ?? `Send all again${letters.length === 0 ? '' : ` (${count(letters.length)})`}…`}
          </button>
        </span>
      </header>
      <div class=${this.#open === null ? 'split' : 'split open'}>
        <div class="scroll" tabindex="0">
          ${this.#groups.trouble()}${this.#letters.trouble()}${this.#putBackText()}${this.#list(letters)}
        </div>
        ${this.#panel()}
      </div>`;
  }

  #pickers(): TemplateResult {
    const declared = list(this.#groups.value?.['groups']).map((one) => text(object(one)['group']) ?? '');
    // A webhook that a login created is a group that no resource declares.
    const groups = [...new Set([...declared, ...(this.#group === '' ? [] : [this.#group])])];
    const go = (group: string, account: string) => {
      location.hash = fragmentOf('dead-letters', group, { account });
    };
    return html`<label
        >Group
        <select name="group" @change=${(event: Event) => go((event.target as HTMLSelectElement).value, '')}>
          ${groups.map((name) => html`<option value=${name} ?selected=${name === this.#group}>${name}</option>`)}
        </select></label
      >
      <label
        >Account
        <input
          name="account"
          size="14"
          placeholder="all"
          .value=${this.#account}
          @change=${(event: Event) => go(this.#group, (event.target as HTMLInputElement).value.trim())}
      /></label>`;
  }

  #putBackText(): TemplateResult | typeof nothing {
    if (this.#putBack === null || this.#putBack.group !== this.#group) return nothing;
    const { at, many, last } = this.#putBack;
    return html`<p class="done">
      <strong>Put back into the log</strong> at ${dateAndTime(at)}:
      ${many === 1 ? html`event <code>${text(last['eventId'])}</code>` : `${count(many)} events`}. The next consumer of
      group ${this.#group} gets ${many === 1 ? 'it' : 'them'}; what fails again comes back here.
      ${many === 1 ? html`<a href=${this.#explanationOf(last)}>Explain this event</a>` : nothing}
    </p>`;
  }

  #explanationOf(letter: Json): string {
    return fragmentOf('explain', '', {
      event: text(letter['eventId']) ?? '',
      call_id: text(letter['callId']) ?? '',
      group: this.#group,
      account: (text(letter['id']) ?? '').split(':')[0] ?? '',
    });
  }

  #list(letters: readonly Json[]): TemplateResult | typeof nothing {
    if (this.#letters.value === null) return this.#letters.waiting();
    if (letters.length === 0) return html`<p class="empty">No dead letters now.</p>`;
    return html`<div class="card">
      <table class="stack">
        <thead>
          <tr>
            <th>Event</th>
            <th>Why</th>
            <th class="detail">Account</th>
            <th class="detail">Call</th>
            <th class="detail">Given up</th>
            <th class="number detail">Attempts</th>
            <th>Action</th>
          </tr>
        </thead>
        <tbody>
          ${letters.map(
            (letter) =>
              html`<tr>
                <td>
                  <button class="quiet" @click=${() => this.#show(letter)}>${text(letter['name']) ?? '–'}</button>
                </td>
                <td class="prose">${causeOf(letter)}</td>
                <td class="detail">${text(letter['account'])}</td>
                <td class="mono detail">${shortened(text(letter['callId']) ?? '–', 16)}</td>
                <td class="detail">${dateAndTime(givenUpAt(letter))}</td>
                <td class="number detail">${text(letter['attempts'])}</td>
                <td class="actions">
                  <button @click=${() => this.#redrive(letter)}>Send again…</button>
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  #panel(): TemplateResult | typeof nothing {
    if (this.#open === null) return nothing;
    const letter = this.#open;
    return html`<aside class="panel" aria-label="Dead letter">
      <header>
        <h2>${text(letter['name'])}</h2>
        <button class="quiet" @click=${() => this.#close()}>Close <kbd>Esc</kbd></button>
      </header>
      <p class="trouble">${causeOf(letter)}</p>
      <p class="links">
        <button class="primary" @click=${() => this.#redrive(letter)}>Send again…</button>
        <a href=${this.#explanationOf(letter)}>Explain</a>
      </p>
      <dl class="facts">
        <dt>given up</dt>
        <dd>${dateAndTime(givenUpAt(letter))}</dd>
        ${FACTS.map(
          ([key, label]) =>
            html`<dt>${label}</dt>
              <dd>${text(letter[key]) ?? '–'}</dd>`,
        )}
      </dl>
      ${jsonView(parsed(text(letter['data']) ?? ''))}
    </aside>`;
  }

  async #show(letter: Json): Promise<void> {
    const answer = await this.#administration.get(`${this.#path()}/${encodeURIComponent(text(letter['id']) ?? '')}`);
    if (answer.ok) this.#open = answer.value;
    else say(answer.problem.detail);
    redrawNow();
  }

  #close(): void {
    this.#open = null;
    redrawNow();
  }

  async #redrive(letter: Json): Promise<void> {
    const detail = `Why it was given up: ${causeOf(letter)}. ${this.#consequence('The event goes', 'it')}`;
    if (
      (await askPerson({ title: `Send ${text(letter['name']) ?? 'it'} again?`, detail, action: 'Send again' })) === null
    )
      return;
    const problem = await this.#send(letter);
    if (problem === null) this.#putBack = { group: this.#group, at: Date.now(), many: 1, last: letter };
    say(problem ?? 'The event is back in the log');
    this.#close();
    this.#letters.start();
  }

  async #redriveAll(letters: readonly Json[]): Promise<void> {
    const detail = this.#consequence(`The ${letters.length} events that are shown go, the oldest first,`, 'them');
    if (
      (await askPerson({ title: `Send ${letters.length} events again?`, detail, action: 'Send them again' })) === null
    )
      return;
    let done = 0;
    let problem: string | null = null;
    for (const letter of letters) {
      this.#redriving = `${done} of ${letters.length}…`;
      redrawNow();
      problem = await this.#send(letter);
      if (problem !== null) break;
      done += 1;
    }
    this.#redriving = null;
    const last = letters[done - 1];
    if (last !== undefined) this.#putBack = { group: this.#group, at: Date.now(), many: done, last };
    say(problem === null ? `${done} events are back in the log` : `${done} are back in the log, then: ${problem}`);
    this.#close();
    this.#letters.start();
  }

  #consequence(what: string, them: 'it' | 'them'): string {
    const others = `Every other reader of the log sees ${them} again under the old id, by which it can tell.`;
    return `${what} to the end of the log, and the next consumer of group ${this.#group} gets ${them}. ${others}`;
  }

  /** Null when it is back in the log. */
  async #send(letter: Json): Promise<string | null> {
    const id = encodeURIComponent(text(letter['id']) ?? '');
    const answer = await this.#administration.post(`${this.#path()}/${id}/redrive`);
    return answer.ok ? null : answer.problem.detail;
  }

  #path(): string {
    return `${DEAD_LETTERS_PATH}/${encodeURIComponent(this.#group)}`;
  }

  #chooseFirst(value: Json): void {
    const first = text(object(list(value['groups'])[0])['group']);
    if (this.#group !== '' || first === null) return;
    this.#group = first;
    this.#letters.start();
  }
}

/** Its id ends with the time in milliseconds at which it came to the dead letters, and a number. */
function givenUpAt(letter: Json): number | null {
  const [, milliseconds] = /:(\d{13})-\d+$/.exec(text(letter['id']) ?? '') ?? [];
  return milliseconds === undefined ? null : Number(milliseconds);
}

function causeOf(letter: Json): string {
  const error = text(letter['error']);
  const reason = text(letter['reason']) ?? '';
  const why =
    reason === 'max_deliver' ? 'too many tries' : reason === 'terminated' ? 'given up by its consumer' : reason;
  return error === null ? why : `${why}: ${error}`;
}

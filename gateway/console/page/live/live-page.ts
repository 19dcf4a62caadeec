import { html, nothing, type TemplateResult } from 'lit-html';
import { clock, count, shortened, zone } from '../base/format.ts';
import type { Page } from '../base/page.ts';
import { fragmentOf, type Place } from '../base/route.ts';
import { redraw, redrawNow } from '../base/redraw.ts';
import { spark } from '../base/spark.ts';
import { accountName, knownAccounts, learnAccount } from './account-names.ts';
import { eventPanel } from './event-panel.ts';
import { eventRow, toneOf, type EventRow } from './event-row.ts';
import { closeFilter, filterLine, filterPanel, isFilterOpen, openFilter, type FilterParts } from './filter-panel.ts';
import { filterOf } from './filter.ts';
import type { Login } from './login.ts';
import type { Item } from './ring.ts';
import type { Watch } from './watch.ts';

const ROW_PX = 30;
/** Rows drawn beyond the edges. */
const MARGIN_ROWS = 6;

/** Live events: the newest on top. A scroll, a selection and the space bar pause it; a bar says how much is unseen. */
export class LivePage implements Page {
  readonly name = 'live';
  readonly title = 'Live events';
  readonly #watch: Watch;
  readonly #login: () => Login | null;
  #open: string | null = null;
  #selected = -1;
  #top = 0;

  constructor(watch: Watch, login: () => Login | null) {
    this.#watch = watch;
    this.#login = login;
  }

  readonly badge = (): string => {
    const rate = this.#watch.rate.recent(Date.now());
    return rate === 0 ? '' : `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s`;
  };

  enter(place: Place): void {
    this.#watch.narrow(filterOf(place));
    this.#top = 0;
  }

  key(event: KeyboardEvent): boolean {
    switch (event.key) {
      case ' ':
        this.#toggle();
        return true;
      case '/':
        openFilter(this.#watch.inForce.filter);
        return true;
      case 'Escape':
        return this.#back();
      case 'ArrowDown':
      case 'ArrowUp':
        this.#move(event.key === 'ArrowDown' ? 1 : -1);
        return true;
      case 'Enter':
        this.#openAt(this.#selected);
        return true;
      default:
        return false;
    }
  }

  view(): TemplateResult {
    const parts = this.#filterParts();
    return html`<header class="top">
        <h1>Live events</h1>
        ${this.#stateChip()}
        <span class="rate"
          >${spark(this.#watch.rate.history(Date.now()), 'Events a second')}<span>${this.#rateText()}</span></span
        >
        <button @click=${() => this.#toggle()}>${this.#watch.isPaused ? 'Resume' : 'Pause'} <kbd>space</kbd></button>
      </header>
      ${filterLine(parts)}${filterPanel(parts)}${this.#pausedBar()}
      <div class=${this.#open === null ? 'split' : 'split open'}>${this.#table()}${this.#panel()}</div>
      <footer class="bottom">${this.#keptText()}</footer>`;
  }

  #rateText(): string {
    const behind = this.#watch.behind;
    return behind === null ? this.badge() || 'no events now' : `${this.badge()}, behind by ${behind}`;
  }

  #keptText(): string {
    const { ring } = this.#watch;
    const heard = `${count(ring.events)} events received`;
    return ring.hasDropped
      ? `${heard}; the last ${count(ring.length)} lines are shown, times in ${zone(Date.now())}`
      : `${heard}, all shown, times in ${zone(Date.now())}`;
  }

  #stateChip(): TemplateResult {
    const { state } = this.#watch;
    switch (state.kind) {
      case 'open':
        return html`<span class="chip good" role="status">connected</span>`;
      case 'connecting':
        return html`<span class="chip" role="status">connecting…</span>`;
      case 'waiting':
        return html`<span class="chip bad" role="status">${state.why}: trying again</span>`;
      case 'ended':
        return html`<span class="chip bad" role="status">${state.verdict.text}</span>`;
    }
  }

  #pausedBar(): TemplateResult | typeof nothing {
    if (!this.#watch.isPaused) return nothing;
    return html`<button class="paused-bar" @click=${() => this.#toggle()}>
      Paused, ${count(this.#watch.unseen)} unseen: resume <kbd>space</kbd>
    </button>`;
  }

  #table(): TemplateResult {
    const { length } = this.#watch;
    const first = Math.max(0, Math.floor(this.#top / ROW_PX) - MARGIN_ROWS);
    const last = Math.min(length, Math.ceil((this.#top + innerHeight) / ROW_PX) + MARGIN_ROWS);
    const rows = Array.from({ length: Math.max(0, last - first) }, (_, i) => this.#row(first + i));
    return html`<div
      class="scroller"
      tabindex="0"
      role="region"
      aria-label="Events"
      @scroll=${(event: Event) => this.#scrolled(event.target as HTMLElement)}
    >
      <table class="events">
        <thead>
          <tr>
            <th class="time">Time</th>
            <th class="event">Event</th>
            <th class="account">Account</th>
            <th class="party">From</th>
            <th class="party">To</th>
            <th class="state">State</th>
            <th class="call">Call</th>
          </tr>
        </thead>
        <tbody>
          <tr class="space" aria-hidden="true" .style=${`height:${first * ROW_PX}px`}></tr>
          ${rows}
          <tr class="space" aria-hidden="true" .style=${`height:${Math.max(0, length - last) * ROW_PX}px`}></tr>
        </tbody>
      </table>
      ${length === 0 ? html`<p class="empty">No event yet. They appear here as they happen.</p>` : nothing}
    </div>`;
  }

  #row(at: number): TemplateResult | typeof nothing {
    const item = this.#watch.get(at);
    if (item === undefined) return nothing;
    if (item.kind === 'note') {
      return html`<tr class="note ${item.tone}">
        <td colspan="7"><span class="time">${clock(item.at)}</span> ${item.text}</td>
      </tr>`;
    }
    const row = this.#read(item.text);
    return html`<tr
      class="event"
      aria-selected=${at === this.#selected ? 'true' : 'false'}
      @click=${() => this.#openAt(at)}
    >
      <td class="time">${clock(row.at)}</td>
      <td class="event"><span class="name ${toneOf(row)}">${row.name}</span></td>
      <td class="account" title=${row.account ?? ''}>${row.account === null ? '–' : accountName(row.account)}</td>
      <td class="party">${cut(row.from)}</td>
      <td class="party">${cut(row.to)}</td>
      <td class="state">${cut(row.state)}</td>
      <td class="call">
        ${row.call === null ? '–' : html`<a tabindex="-1" href=${fragmentOf('call', row.call)} @click=${(event: Event) => event.stopPropagation()}>${shortened(row.call, 15)}</a>`}
      </td>
    </tr>`;
  }

  #read(text: string): EventRow {
    const row = eventRow(text);
    if (row.account !== null) learnAccount(row.account, row.accountName);
    return row;
  }

  #panel(): TemplateResult | typeof nothing {
    const login = this.#login();
    if (this.#open === null || login === null) return nothing;
    const { username, domain } = login;
    const { filter } = this.#watch.inForce;
    const place = { origin: location.origin, username, domain, filter };
    return eventPanel({ text: this.#open, place, close: () => void this.#back() });
  }

  #filterParts(): FilterParts {
    const { inForce, refusal } = this.#watch;
    const login = this.#login();
    const accounts = new Map([...(login?.accounts ?? []).map((id): [string, string] => [id, '']), ...knownAccounts()]);
    return { inForce: inForce.filter, cursor: inForce.cursor, refusal, accounts, events: login?.events ?? null };
  }

  #toggle(): void {
    if (!this.#watch.isPaused) return this.#watch.pause();
    this.#watch.resume();
    this.#selected = -1;
    this.#top = 0;
    document.querySelector('.scroller')?.scrollTo({ top: 0 });
  }

  #scrolled({ scrollTop }: HTMLElement): void {
    if (scrollTop > 0 && this.#top === 0 && !this.#watch.isPaused) this.#watch.pause();
    this.#top = scrollTop;
    redrawNow();
  }

  #back(): boolean {
    if (isFilterOpen()) closeFilter();
    else if (this.#open === null) return false;
    this.#open = null;
    redraw();
    return true;
  }

  #move(by: number): void {
    this.#watch.pause();
    this.#selected = Math.min(this.#watch.length - 1, Math.max(0, this.#selected + by));
    const scroller = document.querySelector('.scroller');
    if (scroller !== null) {
      const top = this.#selected * ROW_PX;
      const isSeen = top >= scroller.scrollTop && top + 3 * ROW_PX <= scroller.scrollTop + scroller.clientHeight;
      if (!isSeen) scroller.scrollTo({ top: Math.max(0, top - scroller.clientHeight / 2) });
    }
    if (this.#open !== null) this.#openAt(this.#selected);
    redrawNow();
  }

  #openAt(at: number): void {
    this.#watch.pause();
    const item: Item | undefined = this.#watch.get(at);
    if (item?.kind !== 'event') return;
    this.#selected = at;
    this.#open = item.text;
    redrawNow();
  }
}

/** A cell never holds more than a person sees, whatever the event has. */
const cut = (text: string | null): string => (text === null ? '–' : text.slice(0, 80));

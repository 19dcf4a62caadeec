import { html, nothing, type TemplateResult } from 'lit-html';
import { NAMED_EVENTS } from '../../../../protocol/catalogue.ts';
import { fragmentOf } from '../base/route.ts';
import { redrawNow } from '../base/redraw.ts';
import { filterOf, filterQuery, filterText, NO_FILTER, type Filter } from './filter.ts';
import { placeOf } from '../base/route.ts';

export interface FilterParts {
  readonly inForce: Filter;
  readonly cursor: string | null;
  readonly refusal: string | null;
  /** Accounts that the page knows, with their names. */
  readonly accounts: ReadonlyMap<string, string>;
  /** Names that the login is cut to; null: all. */
  readonly events: readonly string[] | null;
}

let draft: Filter | null = null;

export function isFilterOpen(): boolean {
  return draft !== null;
}

export function openFilter(inForce: Filter): void {
  draft = inForce;
  redrawNow();
  setTimeout(() => document.querySelector<HTMLElement>('#filter input')?.focus(), 150);
}

export function closeFilter(): void {
  draft = null;
  redrawNow();
  setTimeout(() => document.querySelector<HTMLElement>('#filter-button')?.focus(), 150);
}

/** The address holds the filter: another person who opens it sees the same, within their own login. */
function apply(filter: Filter): void {
  location.hash = fragmentOf('live', '', filterQuery(filter));
  closeFilter();
}

/** The line that says what is in force, with the button that opens the builder. */
export function filterLine({ inForce, cursor, refusal }: FilterParts): TemplateResult {
  const isNarrow = inForce.accounts !== null || inForce.events !== null;
  return html`<div class="filter-line">
    <button
      id="filter-button"
      aria-expanded=${isFilterOpen()}
      aria-controls="filter"
      @click=${() => (isFilterOpen() ? closeFilter() : openFilter(filterOf(placeOf(location.hash))))}
    >
      Filter <kbd>/</kbd>
    </button>
    <span class="in-force">Shows ${filterText(inForce)}</span>
    ${isNarrow && cursor !== null ? html`<span class="boundary">since cursor <code>${cursor}</code></span>` : nothing}
    ${isNarrow ? html`<button class="quiet" @click=${() => apply(NO_FILTER)}>Clear</button>` : nothing}
    ${refusal === null ? nothing : html`<span class="refusal" role="alert">${refusal}</span>`}
  </div>`;
}

/** The builder: what is ticked comes, nothing ticked is everything. */
export function filterPanel({ accounts, events }: FilterParts): TemplateResult | typeof nothing {
  if (draft === null) return nothing;
  const filter = draft;
  const known = new Map([...(filter.accounts ?? []).map((id): [string, string] => [id, '']), ...accounts]);
  return html`<form
    id="filter"
    class="filter-panel"
    aria-label="Filter"
    @submit=${(event: SubmitEvent) => {
      event.preventDefault();
      // What was just typed is in the draft, and not drawn yet.
      apply(draft ?? filter);
    }}
    @keydown=${(event: KeyboardEvent) => {
      if (event.key === 'Escape') closeFilter();
    }}
  >
    <fieldset>
      <legend>Events <span>none ticked: all</span></legend>
      <div class="choices wide">${(events ?? NAMED_EVENTS).map((name) => choice('events', name, name, ''))}</div>
    </fieldset>
    <fieldset>
      <legend>Accounts <span>none ticked: all</span></legend>
      <div class="choices">
        ${[...known].map(([id, name]) => choice('accounts', id, name === '' ? id : name, name === '' ? '' : id))}
      </div>
      <label class="add"
        >Another account<input
          name="account"
          pattern="[A-Za-z0-9_\\-]{1,64}"
          placeholder="account id"
          @change=${(event: Event) => addAccount(event)}
      /></label>
    </fieldset>
    <div class="actions">
      <button class="primary">Apply</button>
      <button type="button" @click=${() => closeFilter()}>Cancel</button>
    </div>
  </form>`;
}

function choice(key: keyof Filter, value: string, label: string, detail: string): TemplateResult {
  const toggle = () => {
    const now = draft?.[key] ?? [];
    const next = now.includes(value) ? now.filter((one) => one !== value) : [...now, value];
    draft = { ...(draft ?? NO_FILTER), [key]: next.length === 0 ? null : next };
    redrawNow();
  };
  return html`<label class="choice"
    ><input type="checkbox" .checked=${draft?.[key]?.includes(value) === true} @change=${() => toggle()} /><span
      >${label}</span
    >${detail === '' ? nothing : html`<small>${detail}</small>`}</label
  >`;
}

function addAccount(event: Event): void {
  const field = event.target as HTMLInputElement;
  if (field.value === '' || !field.checkValidity()) return;
  draft = { ...(draft ?? NO_FILTER), accounts: [...new Set([...(draft?.accounts ?? []), field.value])] };
  field.value = '';
  redrawNow();
}

import { html, nothing, type TemplateResult } from 'lit-html';
import { META_KEY } from '../../../../protocol/event-meta.ts';
import { clock, gap } from '../base/format.ts';
import { copy, save } from '../base/copy.ts';
import { jsonView } from '../base/json-view.ts';
import type { Page } from '../base/page.ts';
import type { Place } from '../base/route.ts';
import { redrawNow } from '../base/redraw.ts';
import type { Ring } from '../live/ring.ts';
import { Gather } from './gather.ts';
import { ladderOf, type Ladder, type Step } from './ladder.ts';
import { ladderView, timelineView } from './ladder-view.ts';
import { mermaidOf } from './mermaid.ts';
import { drawingOf } from './shapes.ts';
import { svgText } from './svg-text.ts';

/** Where a replay begins for a call whose beginning is not known. */
const FROM = '-30m';
/** An other leg may have begun a little earlier. */
const BEFORE_MS = 60_000;

/** One call: what each of its legs did, when, and how long everything took. */
export class CallPage implements Page {
  readonly name = 'call';
  readonly title = 'Call';
  readonly #token: () => string | null;
  readonly #ring: Ring;
  #gather: Gather | null = null;
  #callId = '';
  #chosen = -1;

  constructor(token: () => string | null, ring: Ring) {
    this.#token = token;
    this.#ring = ring;
  }

  enter({ item, query }: Place): void {
    this.leave();
    this.#callId = item;
    this.#chosen = -1;
    const began = Date.parse(query.get('from') ?? '');
    const from = Number.isNaN(began) ? FROM : new Date(began - BEFORE_MS).toISOString();
    this.#gather = new Gather({ token: this.#token, ring: this.#ring, callId: item, from });
    this.#gather.start();
  }

  leave(): void {
    this.#gather?.stop();
    this.#gather = null;
  }

  key({ key }: KeyboardEvent): boolean {
    if (key !== 'ArrowDown' && key !== 'ArrowUp') return false;
    const { steps } = ladderOf(this.#gather?.events ?? []);
    this.#choose(Math.min(steps.length - 1, Math.max(0, this.#chosen + (key === 'ArrowDown' ? 1 : -1))));
    return true;
  }

  view(): TemplateResult {
    const ladder = ladderOf(this.#gather?.events ?? []);
    return html`<header class="top">
        <h1>Call</h1>
        <code>${this.#callId.slice(0, 120)}</code>
        ${this.#stateChip(ladder)}
        <span class="end links">
          <button
            ?disabled=${ladder.steps.length === 0}
            @click=${() => save('call.svg', 'image/svg+xml', svgText(drawingOf(ladder)))}
          >
            Save SVG
          </button>
          <button ?disabled=${ladder.steps.length === 0} @click=${() => copy('Mermaid', mermaidOf(ladder))}>
            Copy Mermaid
          </button>
        </span>
      </header>
      <div class="scroll" tabindex="0">
        ${this.#trouble()}${ladder.steps.length === 0 ? this.#nothingYet() : this.#call(ladder)}
      </div>`;
  }

  #stateChip({ legs, steps }: Ladder): TemplateResult | typeof nothing {
    const first = steps[0];
    const last = steps.at(-1);
    if (first === undefined || last === undefined) return nothing;
    const isLive = legs.some(({ phases }) => phases.at(-1)?.to === null);
    const lasted = gap((isLive ? Date.now() : last.at) - first.at);
    return html`<span class=${isLive ? 'chip good' : 'chip'}
      >${isLive ? `live for ${lasted}` : `ended after ${lasted}`}</span
    >`;
  }

  #trouble(): TemplateResult | typeof nothing {
    const { why } = this.#gather?.state ?? { why: '' };
    return why === '' ? nothing : html`<p class="trouble" role="alert">${why}</p>`;
  }

  #nothingYet(): TemplateResult {
    return this.#gather?.state.kind === 'reading'
      ? html`<p class="empty">Reading the log…</p>`
      : html`<p class="empty">
          The log has no event of this call that this login may see, in the time that was read.
        </p>`;
  }

  #call(ladder: Ladder): TemplateResult {
    const step = ladder.steps[this.#chosen];
    return html`<div class="card call-timeline">${timelineView(ladder, Date.now())}</div>
      <div class="ladder-split">
        <div class="card" tabindex="0" role="region" aria-label="Ladder">
          ${ladderView(ladder, this.#chosen, (i) => this.#choose(i))}
        </div>
        <div class="card steps" tabindex="0" role="region" aria-label="Events of the call">
          ${step === undefined ? steps(ladder, (i) => this.#choose(i)) : this.#step(step)}
        </div>
      </div>`;
  }

  #step({ row, event }: Step): TemplateResult {
    const { [META_KEY]: _meta, ...said } = event;
    return html`<header class="links">
        <h2>${row.name}</h2>
        <button class="quiet" @click=${() => this.#choose(-1)}>All events</button>
      </header>
      ${jsonView(said)}`;
  }

  #choose(step: number): void {
    this.#chosen = step;
    redrawNow();
  }
}

function steps({ steps }: Ladder, choose: (step: number) => void): TemplateResult {
  return html`<ol>
    ${steps.map(
      ({ row, sinceMs }, i) =>
        html`<li>
          <button class="quiet" @click=${() => choose(i)}>${row.name}</button>
          <span>${row.state?.slice(0, 60) ?? ''}</span>
          <small title=${clock(row.at)}>${sinceMs === null ? clock(row.at) : `+${gap(sinceMs)}`}</small>
        </li>`,
    )}
  </ol>`;
}

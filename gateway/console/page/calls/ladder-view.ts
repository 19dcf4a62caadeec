import { html, svg, type TemplateResult } from 'lit-html';
import { gap } from '../base/format.ts';
import type { Ladder, Leg, Phase } from './ladder.ts';
import { drawingOf, type Shape } from './shapes.ts';
import { arrowPath } from './svg-text.ts';

/** The ladder; a click on a row chooses its event. */
export function ladderView(ladder: Ladder, chosen: number, choose: (step: number) => void): TemplateResult {
  const { width, height, shapes, top, row } = drawingOf(ladder);
  const [wide, high] = [`${width}px`, `${height}px`];
  return html`<svg
    class="ladder"
    viewBox="0 0 ${width} ${height}"
    .style=${`width:${wide};height:${high}`}
    role="img"
    aria-label="Ladder of the call: ${ladder.steps.length} events of ${ladder.legs.length} legs; the list beside it has the same"
  >
    ${ladder.steps.map(
      (_, i) =>
        svg`<rect class=${i === chosen ? 'row chosen' : 'row'} x="0" y=${top + i * row} width=${width} height=${row} @click=${() => choose(i)} />`,
    )}
    <g class="shapes">${shapes.map(element)}</g>
  </svg>`;
}

function element(shape: Shape) {
  switch (shape.kind) {
    case 'line':
      return svg`<line class="${shape.tone} ${shape.isDashed === true ? 'dashed' : ''}" x1=${shape.x1} y1=${shape.y1} x2=${shape.x2} y2=${shape.y2} />`;
    case 'arrow':
      return svg`<path class="arrow ${shape.tone}" d=${arrowPath(shape)} />`;
    case 'bar':
      return svg`<rect class="bar ${shape.tone}" x=${shape.x - 4} y=${shape.y} width="8" height=${shape.height} rx="3"><title>${shape.about}</title></rect>`;
    case 'text':
      return svg`<text class="${shape.tone} ${shape.isStrong === true ? 'strong' : ''}" x=${shape.x} y=${shape.y} text-anchor=${shape.anchor}>${shape.text}</text>`;
  }
}

/** What each leg did, on one scale of time. */
export function timelineView({ legs, steps }: Ladder, now: number): TemplateResult {
  const begin = steps[0]?.at ?? now;
  const isOpen = legs.some(({ phases }) => phases.at(-1)?.to === null);
  const end = Math.max(begin + 1, isOpen ? now : (steps.at(-1)?.at ?? now));
  return html`<div class="timeline" role="list" aria-label="What each leg did">
    ${legs.map((leg) => timelineRow(leg, begin, end, now))}
  </div>`;
}

function timelineRow({ party, isInbound, phases }: Leg, begin: number, end: number, now: number): TemplateResult {
  const share = (at: number) => `${(((at - begin) / (end - begin)) * 100).toFixed(3)}%`;
  const lasts = ({ from, to }: Phase) => gap((to ?? now) - from);
  const about = phases.map((phase) => `${phase.state} ${lasts(phase)}`).join(', ');
  return html`<div class="leg" role="listitem">
    <span class="party">${party.slice(0, 40)} <small>${isInbound ? 'calls' : 'is called'}</small></span>
    <span class="track" role="img" aria-label=${about === '' ? 'nothing known' : about}>
      ${phases.map(
        (phase) =>
          html`<span
            class="phase ${phase.state}"
            title="${phase.state} ${lasts(phase)}"
            .style=${`left:${share(phase.from)};width:calc(${share(phase.to ?? end)} - ${share(phase.from)})`}
          ></span>`,
      )}
    </span>
    <span class="about">${about}</span>
  </div>`;
}

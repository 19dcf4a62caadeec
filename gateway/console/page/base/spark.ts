import { html, svg, type TemplateResult } from 'lit-html';
import { count } from './format.ts';

const WIDTH = 120;
const HEIGHT = 24;

/** A small line of the last values, the newest on the right. */
export function spark(values: readonly number[], about: string): TemplateResult {
  const most = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map(
    (value, i) => `${(i * step).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`,
  );
  const label = `${about}: now ${count(Math.round(values.at(-1) ?? 0))}, at most ${count(Math.round(most))}`;
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${label}>
    ${values.length < 2 ? svg`` : svg`<polyline points=${points.join(' ')} />`}
  </svg>`;
}

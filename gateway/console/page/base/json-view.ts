import { html, type TemplateResult } from 'lit-html';

/** More than a person reads, and less than what makes a page slow. */
const MOST = 100_000;
const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/** JSON with its keys and values told apart. Every part is a text node, whatever it holds. */
export function jsonView(value: unknown): TemplateResult {
  const whole = JSON.stringify(value, null, 2) ?? '';
  const isCut = whole.length > MOST;
  const shown = isCut ? whole.slice(0, MOST) : whole;
  return html`<pre class="json" tabindex="0" role="region" aria-label="Event as JSON">
${[...parts(shown)]}${isCut ? `\n… cut: ${whole.length - MOST} characters more` : ''}</pre>`;
}

function* parts(text: string): Generator<string | TemplateResult> {
  let end = 0;
  for (const found of text.matchAll(TOKENS)) {
    const [all, quoted, colon] = found;
    if (found.index > end) yield text.slice(end, found.index);
    end = found.index + all.length;
    if (quoted === undefined) yield html`<span class="value">${all}</span>`;
    else if (colon === undefined) yield html`<span class="string">${quoted}</span>`;
    else yield html`<span class="key">${quoted}</span>${colon}`;
  }
  if (end < text.length) yield text.slice(end);
}

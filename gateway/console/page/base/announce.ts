import { html, type TemplateResult } from 'lit-html';
import { redrawNow } from './redraw.ts';

const SHOWN_MS = 4_000;
let said = '';
let timer: ReturnType<typeof setTimeout> | undefined;

/** One line about what was just done, for eyes and for screen readers. */
export function say(text: string): void {
  said = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    said = '';
    redrawNow();
  }, SHOWN_MS);
  redrawNow();
}

export function announcement(): TemplateResult {
  return html`<div class="toast" role="status" aria-live="polite" ?data-shown=${said !== ''}>${said}</div>`;
}

import { html, nothing, type TemplateResult } from 'lit-html';
import { announcement } from './announce.ts';
import { personDialog } from './ask-person.ts';
import type { Page } from './page.ts';
import { fragmentOf } from './route.ts';
import { nextTheme, themeName } from './theme.ts';

export interface FrameParts {
  readonly pages: readonly Page[];
  readonly current: Page;
  /** Who is logged in, and for what. */
  readonly who: string;
  readonly what: string;
  readonly leave: { readonly label: string; readonly action: () => void };
  readonly other: { readonly label: string; readonly text: string };
}

/** The list of pages, and the page. */
export function frame({ pages, current, who, what, leave, other }: FrameParts): TemplateResult {
  return html`<a class="skip" href="#content" @click=${(event: Event) => skip(event)}>Skip to the page</a>
    <nav class="side" aria-label="Pages">
      <p class="brand"><span class="mark" aria-hidden="true"></span>Firehose</p>
      <ul>
        ${pages.map(
          ({ name, title, badge, isAlarming }) =>
            html`<li>
              <a href=${fragmentOf(name)} aria-current=${name === current.name ? 'page' : nothing}>
                <span>${title}</span
                >${badge === undefined ? nothing : html`<span class=${isAlarming?.() === true ? 'badge alarm' : 'badge'}>${badge()}</span>`}
              </a>
            </li>`,
        )}
      </ul>
      <div class="foot">
        <p class="who"><strong>${who}</strong><span>${what}</span></p>
        <button class="quiet" @click=${() => nextTheme()}>Theme: ${themeName()}</button>
        <button class="quiet" @click=${() => leave.action()}>${leave.label}</button>
        <p class="other"><strong>${other.label}</strong> ${other.text}</p>
      </div>
    </nav>
    <main id="content" tabindex="-1" data-page=${current.name}>${current.view()}</main>
    ${personDialog()}${announcement()}`;
}

/** The fragment of the address is the page's: it stays. */
function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#content')?.focus();
}

import { html, nothing, type TemplateResult } from 'lit-html';
import { META_KEY } from '../../../../protocol/event-meta.ts';
import { copy } from '../base/copy.ts';
import { jsonView } from '../base/json-view.ts';
import { object, parsed, text as readText } from '../base/read.ts';
import { fragmentOf } from '../base/route.ts';
import { rowOf } from './event-row.ts';
import { SNIPPETS, snippetOf, type SnippetKind, type SnippetPlace } from './snippets.ts';

export interface PanelParts {
  /** The text of the event. */
  readonly text: string;
  readonly place: SnippetPlace;
  readonly close: () => void;
}

/** One event, whole, with what a person does next. */
export function eventPanel({ text, place, close }: PanelParts): TemplateResult {
  const event = parsed(text);
  const { name, id, call, cursor } = rowOf(event);
  const question = { event: id, cursor, ...(call !== null && { call_id: call }) };
  const { [META_KEY]: meta, ...said } = event;
  return html`<aside class="panel" aria-label="Event">
    <header>
      <h2>${name}</h2>
      <button class="quiet" @click=${() => close()}>Close <kbd>Esc</kbd></button>
    </header>
    <p class="links">
      ${call === null ? nothing : html`<a class="button" href=${fragmentOf('call', call)}>Show the call</a>`}
      <a class="button" href=${fragmentOf('explain', '', question)}>Explain</a>
      <button @click=${() => copy('JSON', JSON.stringify(said, null, 2))}>Copy JSON</button>
      <button @click=${() => copy('Id', id)}>Copy id</button>
    </p>
    <p class="links">
      <span>The same stream by</span>
      ${Object.entries(SNIPPETS).map(
        ([kind, label]) =>
          html`<button class="quiet" @click=${() => copy(label, snippetOf(kind as SnippetKind, place))}>
            ${label}
          </button>`,
      )}
    </p>
    <dl class="facts">
      ${Object.entries(object(meta)).map(
        ([key, value]) =>
          html`<dt>${key}</dt>
            <dd>${readText(value) ?? '–'}</dd>`,
      )}
    </dl>
    ${jsonView(said)}
  </aside>`;
}

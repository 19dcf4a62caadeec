import { html, type TemplateResult } from 'lit-html';
import { count, dateAndTime, shortened } from './format.ts';
import { number, text, type Json } from './read.ts';
import { verdictOf } from './sending.ts';

/** The last requests or messages of one that sends, the newest first. */
export function attemptTable(attempts: readonly Json[]): TemplateResult {
  if (attempts.length === 0) return html`<p class="empty">This replica has sent nothing yet.</p>`;
  return html`<div class="attempts" tabindex="0">
    <table class="stack">
      <thead>
        <tr>
          <th>Sent</th>
          <th class="wide">Event id</th>
          <th class="number wide">Attempt</th>
          <th>Outcome</th>
          <th>Answer</th>
          <th class="number wide">Took</th>
        </tr>
      </thead>
      <tbody>
        ${attempts.map(row)}
      </tbody>
    </table>
  </div>`;
}

function row(one: Json): TemplateResult {
  const { tone, words } = verdictOf(one);
  const id = text(one['eventId']) ?? text(one['event_id']) ?? '–';
  const status = text(one['status']);
  const answer = [status === null ? (text(one['code']) ?? 'none') : `HTTP ${status}`, text(one['answer']) ?? ''];
  return html`<tr>
    <td>${dateAndTime(text(one['at']))}</td>
    <td class="mono wide" title=${id}>${shortened(id, 20)}</td>
    <td class="number wide">${text(one['attempt'])}</td>
    <td><span class="chip ${tone}">${words}</span></td>
    <td>${shortened(answer.filter((part) => part !== '').join(' '), 60)}</td>
    <td class="number wide">${count(number(one['ms']))} ms</td>
  </tr>`;
}

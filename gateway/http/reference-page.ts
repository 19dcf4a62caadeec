import { NAMED_EVENTS } from '../../protocol/catalogue.ts';
import { CLOSE_MEANINGS } from '../../protocol/close-meaning.ts';
import { EVENT_FIELDS } from '../../protocol/event-schema.ts';
import { FRAME_ERRORS } from '../../protocol/frame-error.ts';
import { LOGIN_PATH, REFERENCE_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { PROBLEMS, type ProblemMeaning } from '../../protocol/problem-code.ts';
import type { ReferenceOptions } from '../../protocol/reference/openapi.ts';
import { STREAM_PARAMETERS } from '../../protocol/reference/stream-parameters.ts';

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}' +
  'table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0}' +
  'code{font-size:.9em}';

const AGAIN = { wait: 'after a wait', login: 'after a login', no: 'no' } as const;

/** The contract for people: works offline and without a script. Names of the resource are escaped. */
export function referencePage({ version, additionalEvents }: ReferenceOptions): string {
  const events = [...NAMED_EVENTS, ...additionalEvents].map(
    (name) => `<a href="${REFERENCE_PATH.schemas}/${encodeURIComponent(name)}.json"><code>${escaped(name)}</code></a>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Firehose reference</title>
<style>${STYLE}</style>
<h1>Firehose ${escaped(version)}</h1>
<p>Documents to generate from: <a href="${REFERENCE_PATH.openApi}">openapi.json</a>, <a href="${REFERENCE_PATH.asyncApi}">asyncapi.json</a>,
<a href="${REFERENCE_PATH.schemas}/index.json">JSON Schemas</a>.</p>
<h2>Two requests</h2>
<p><code>POST ${LOGIN_PATH}</code> with <code>username</code>, <code>password</code>, <code>domain</code> and, where wanted, <code>accounts</code> and
<code>events</code> answers an <code>access_token</code>. <code>GET ${STREAM_PATH}</code> with it is a WebSocket: one event a message.</p>
${table(
  ['parameter of the stream', 'meaning'],
  Object.entries(STREAM_PARAMETERS).map(([name, meaning]) => [name, meaning]),
)}
<h2>Events</h2>
<p>${events.join(' ')}</p>
${table(
  ['field', 'type', 'meaning', 'on'],
  Object.entries(EVENT_FIELDS).map(([name, { type, meaning, on }]) => [
    name,
    [type].flat().join(' or '),
    meaning,
    on?.join(' ') ?? 'all',
  ]),
)}
${errorsPart()}
</html>
`;
}

function errorsPart(): string {
  const problems = Object.entries<Readonly<Record<string, ProblemMeaning>>>(PROBLEMS).map(
    ([section, codes]) =>
      `<h3>Problems of ${section}</h3>` +
      table(
        ['code', 'status', 'again', 'cause', 'what to do'],
        Object.entries(codes).map(([code, { status, again, cause, remedy }]) => [
          code,
          status.join(', '),
          AGAIN[again],
          cause,
          remedy,
        ]),
      ),
  );
  return `<h2>Errors</h2>
${problems.join('\n')}
<h3>Close codes</h3>
${table(
  ['close code', 'e of the reason', 'connect again', 'cause', 'what to do'],
  Object.entries(CLOSE_MEANINGS).map(([reason, { code, again, cause, remedy }]) => [
    String(code),
    reason,
    AGAIN[again],
    cause,
    remedy,
  ]),
)}
<h3>Errors of frames</h3>
${table(
  ['code', 'cause', 'what to do'],
  Object.entries(FRAME_ERRORS).map(([code, { cause, remedy }]) => [code, cause, remedy]),
)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('');
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells('td', row)}</tr>`)
    .join('\n')}</tbody></table>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

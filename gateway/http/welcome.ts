import { CONSOLE_PATH, LOGIN_PATH, REFERENCE_PATH, STREAM_PATH } from '../../protocol/paths.ts';

/** The page at `/`, for a person who opens it in a browser. */
export function welcome(hasConsole: boolean): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Firehose</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code{background:#eee;padding:0 .2em}</style>
<h1>Firehose</h1>
<p>Real-time call events of a telephony account and everything below it, over a WebSocket.</p>
<ol>
<li>Log in: <code>POST ${LOGIN_PATH}</code> with <code>{"username", "password", "domain"}</code>; the answer holds an <code>access_token</code>.</li>
<li>Connect a WebSocket to <code>${STREAM_PATH}?token=&lt;access_token&gt;</code>: one call event a message.</li>
</ol>
${hasConsole ? CONSOLE : ''}<p>The <a href="${REFERENCE_PATH.page}">reference</a> has every parameter, event, field and error.
docs/connect.md of the project shows both for a shell, browsers, JavaScript, Python, Go and Java.
Keys that verify tokens: <a href="/.well-known/jwks.json">/.well-known/jwks.json</a>.</p>
</html>
`;
}

const CONSOLE = `<p>Or look first: the <a href="${CONSOLE_PATH}">console</a> shows the events and calls of a login.</p>\n`;

import { createHash } from 'node:crypto';
import { CONSOLE_PATH } from '../../protocol/paths.ts';
import { ENTRY, LIBRARY, STYLE, type Assets } from './assets.ts';

/** Which listener serves it: `public` has logins and streams, `inner` the administration. */
export type Side = 'public' | 'inner';

/** The document of the console. */
export interface Shell {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%233b5bdb'/%3E%3Cpath d='M4 4.5h8M4 8h6M4 11.5h3' stroke='%23fff' stroke-width='1.6' stroke-linecap='round'/%3E%3C/svg%3E";

/** The document loads its modules and nothing else; a browser without import maps says so in one sentence. Pure. */
export function shellOf({ files, digest }: Assets, side: Side, version: string): Shell {
  const folder = `${CONSOLE_PATH}assets/${digest}`;
  const map = JSON.stringify({
    imports: { [LIBRARY]: `${folder}/${LIBRARY}/${LIBRARY}.js` },
  });
  const modules = [...files].filter(([, { type }]) => type.startsWith('text/javascript')).map(([path]) => path);
  const html = `<!doctype html>
<html lang="en" data-side="${side}" data-version="${version}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Firehose console</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="${folder}/${STYLE}">
<script type="importmap">${map}</script>
${modules.map((path) => `<link rel="modulepreload" href="${folder}/${path}">`).join('\n')}
<script type="module" src="${folder}/${ENTRY}"></script>
<body><div id="app"><p class="unsupported">The console needs a browser with JavaScript modules and import maps: any of 2023 or newer.</p></div></body>
</html>
`;
  return { html, headers: { 'Content-Security-Policy': policy(map), 'Referrer-Policy': 'no-referrer' } };
}

/** Nothing from elsewhere, no inline script but the import map, no text that becomes markup outside of lit-html's templates. */
function policy(importMap: string): string {
  const hash = createHash('sha256').update(importMap).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types lit-html',
  ].join('; ');
}

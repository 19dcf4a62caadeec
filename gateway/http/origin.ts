/** Whether a browser page of this origin may log in or open the stream. `*` allows all: there are no cookies. Pure. */
export function isOriginAllowed(origin: string, allowed: readonly string[]): boolean {
  if (allowed.includes('*')) return true;
  const wanted = canonical(origin);
  return wanted !== null && allowed.some((candidate) => canonical(candidate) === wanted);
}

/** Scheme, host and port, without case and default port; null when it is not an origin (RFC 6454 7). */
function canonical(origin: string): string | null {
  const url = ORIGIN.test(origin) ? URL.parse(origin) : null;
  if (url === null || url.host === '') return null;
  return `${url.protocol}//${url.host}`;
}

/** Stricter than the URL parser, which corrects input that no browser sends. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]+$/i;

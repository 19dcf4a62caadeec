/** A place in the console, as the fragment of the address has it: `#/live?events=CHANNEL_CREATE`. It never holds a token. */
export interface Place {
  readonly page: string;
  /** What the page shows, as a Call-ID; empty for the page itself. */
  readonly item: string;
  readonly query: ReadonlyMap<string, string>;
}

/** Pure. */
export function placeOf(fragment: string): Place {
  const [path = '', query = ''] = fragment.replace(/^#?\/?/, '').split('?', 2);
  const [page = '', ...item] = path.split('/');
  return { page, item: decoded(item.join('/')), query: new Map(new URLSearchParams(query)) };
}

/** Pure. */
export function fragmentOf(page: string, item = '', query: Readonly<Record<string, string>> = {}): string {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  const path = item === '' ? page : `${page}/${encodeURIComponent(item)}`;
  return asked.size === 0 ? `#/${path}` : `#/${path}?${asked}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

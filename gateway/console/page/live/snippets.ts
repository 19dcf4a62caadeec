import { EVENTS_PATH, LOGIN_PATH, STREAM_PATH } from '../../../../protocol/paths.ts';
import type { Filter } from './filter.ts';

/** Where the same stream can be had outside of the browser. */
export interface SnippetPlace {
  /** `https://localhost:9443` */
  readonly origin: string;
  readonly username: string;
  readonly domain: string;
  readonly filter: Filter;
}

export const SNIPPETS = { curl: 'curl', websocat: 'websocat', typescript: 'TypeScript' } as const;
export type SnippetKind = keyof typeof SNIPPETS;

/** Stands for the password until the text is made. */
const PASSWORD = '@password@';

/** A program for the same events. The password is a variable: no snippet holds one, and none holds a token. Pure. */
export function snippetOf(kind: SnippetKind, place: SnippetPlace): string {
  switch (kind) {
    case 'curl':
      return `${loginCommand(place)}\ncurl -N "${place.origin}${EVENTS_PATH}" -H "Authorization: Bearer $TOKEN"\n`;
    case 'websocat':
      return `${loginCommand(place)}\nwebsocat -n "${place.origin.replace(/^http/, 'ws')}${STREAM_PATH}?token=$TOKEN"\n`;
    case 'typescript':
      return typescript(place);
  }
}

function loginCommand(place: SnippetPlace): string {
  const inShell = JSON.stringify(loginOf(place))
    .replaceAll("'", String.raw`'\''`)
    .replace(PASSWORD, `'"$FIREHOSE_PASSWORD"'`);
  return `TOKEN=$(curl -s "${place.origin}${LOGIN_PATH}" -d '${inShell}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
}

function typescript(place: SnippetPlace): string {
  const { username, password, domain, ...narrowed } = loginOf(place);
  const options = { url: place.origin, login: { username, password, domain }, ...narrowed };
  const shown = JSON.stringify(options, null, 2).replace(`"${PASSWORD}"`, "process.env.FIREHOSE_PASSWORD ?? ''");
  return `import { Firehose } from 'firehose-client';

const firehose = new Firehose(${shown});
for await (const item of firehose.stream()) {
  if (item.type === 'event') console.log(item.event['Event-Name'], item.event['Call-ID']);
}
`;
}

function loginOf({ username, domain, filter: { accounts, events } }: SnippetPlace) {
  const narrowed = { ...(accounts !== null && { accounts }), ...(events !== null && { events }) };
  return { username, password: PASSWORD, domain, ...narrowed };
}

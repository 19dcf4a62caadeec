import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { subscribedEvents } from './subscription.ts';

/** Size of FreeSWITCH's buffer for the answer to `userauth`, including the closing NUL (mod_event_socket.c). */
const ANSWER_BYTES = 512;
const PAGE = readFileSync(new URL('../../docs/sources.md', import.meta.url), 'utf8');
const valueOf = (name: string) => new RegExp(`<param name="${name}" value="([^"]*)"/>`).exec(PAGE)?.[1] ?? '';

test('the user of docs/sources.md may have what the source asks for, in an answer that FreeSWITCH does not cut', () => {
  assert.equal(valueOf('esl-allowed-events'), subscribedEvents('Valet'));
  assert.deepEqual(valueOf('esl-allowed-api').split(' '), ['show', 'uuid_dump', 'global_getvar', 'version']);
  const answer =
    `~Reply-Text: +OK accepted\nAllowed-Events: ${valueOf('esl-allowed-events')}\n` +
    `Allowed-API: ${valueOf('esl-allowed-api')}\nAllowed-LOG: false\n\n`;
  assert.ok(answer.length < ANSWER_BYTES, `${answer.length}`);
});

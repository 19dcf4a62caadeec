import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { negotiate } from './negotiate.ts';

const NONE = { transport: 'raw', offer: null };

/** The offers of the listed clients, and the result for each. */
const OFFERS: readonly [client: string, header: string, transport: string, answered: string | null][] = [
  [
    'ws, Chromium, Firefox',
    'permessage-deflate; client_max_window_bits',
    'shared',
    'permessage-deflate; client_max_window_bits=9',
  ],
  ['Firefox, older', 'permessage-deflate', 'shared', 'permessage-deflate'],
  [
    'Python websockets',
    'permessage-deflate; client_max_window_bits=12; server_max_window_bits=12, permessage-deflate; client_max_window_bits',
    'shared',
    'permessage-deflate; client_max_window_bits=9',
  ],
  ['aiohttp', 'permessage-deflate; client_max_window_bits', 'shared', 'permessage-deflate; client_max_window_bits=9'],
  [
    'gorilla',
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    'self',
    'permessage-deflate; server_no_context_takeover',
  ],
  [
    'a window of the full size',
    'permessage-deflate; server_max_window_bits="15"',
    'shared',
    'permessage-deflate; server_max_window_bits=15',
  ],
  ['client bits of 8', 'permessage-deflate; client_max_window_bits=8', 'shared', 'permessage-deflate'],
  ['in other case', 'Permessage-Deflate', 'shared', 'permessage-deflate'],
];

for (const [client, header, transport, offer] of OFFERS) {
  test(`an offer is answered by the standard: ${client}`, () => {
    assert.deepEqual(negotiate(header), { transport, offer });
  });
}

test('what cannot be met is answered without the extension, never by an error', () => {
  const cannot = [
    undefined,
    '',
    'x-webkit-deflate-frame',
    'permessage-deflate; server_max_window_bits=14',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; client_max_window_bits=7',
    'permessage-deflate; client_max_window_bits=09',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; client_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; mystery',
    'permessage-deflate; a="b;c"',
    'permessage-deflate;',
    'permessage-deflate; client_max_window_bits="9',
    `permessage-deflate${' '.repeat(3_000)}`,
  ];
  for (const header of cannot) assert.deepEqual(negotiate(header), NONE, String(header));
});

test('the first offer that can be met is taken', () => {
  assert.equal(negotiate('permessage-deflate; x, foo; y="1", permessage-deflate').transport, 'shared');
  assert.equal(negotiate('permessage-deflate; server_no_context_takeover, permessage-deflate').transport, 'self');
});

test('no header makes it throw, or answer with something that was not offered', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'permessage-deflate',
      'server_no_context_takeover',
      'client_max_window_bits',
      'server_max_window_bits',
    ),
    fc.constantFrom(';', ',', '=', '"', ' ', '9', '15', '\\', '\t'),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      const header = words.join('');
      const { transport, offer } = negotiate(header);
      assert.equal(offer === null, transport === 'raw');
      for (const key of ['server_no_context_takeover', 'server_max_window_bits', 'client_max_window_bits']) {
        if (offer?.includes(key) === true) assert.ok(header.includes(key));
      }
    }),
    { numRuns: 2_000 },
  );
});

import fc from 'fast-check';

const NUMBERS = ['0', '-0', '1.0', '1e0', '1E+5', '12345678901234567890', '1e400', '0.1000', '-1.5e-3'];
const STRINGS = [
  '',
  'a',
  'é',
  '\u{1f600}',
  '\uffff',
  '\\u0041',
  '\\/',
  '\\n',
  '\\"',
  '\\\\',
  '\\ud800',
  '\\u001f',
  '}',
  '{\\"',
  ',',
  ':',
];
const SPACE = fc.constantFrom('', '', '', ' ', '\n', '\t\r ');

const stringText = fc
  .oneof(
    fc.array(fc.constantFrom(...STRINGS), { maxLength: 4 }).map((pieces) => `"${pieces.join('')}"`),
    fc.string({ unit: 'binary', maxLength: 60 }).map((text) => JSON.stringify(text)),
  )
  .map((text) => text.toWellFormed());
const scalar = fc.oneof(stringText, fc.constantFrom(...NUMBERS, 'true', 'false', 'null'));

/** Commas and white space of all kinds in between. */
const listed = (items: readonly string[], space: string, open: string, close: string) =>
  `${open}${space}${items.join(`${space},${space}`)}${space}${close}`;

function objectOf(key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const member = fc.tuple(key, value, SPACE).map(([name, text, space]) => `${name}${space}:${space}${text}`);
  return fc
    .tuple(fc.array(member, { maxLength: 9 }), SPACE)
    .map(([members, space]) => listed(members, space, '{', '}'));
}

/** Few keys, so that they repeat. */
const anyKey = fc.oneof(fc.constantFrom('"a"', '"b"', '"\\u0061"', '"Node"', '"__proto__"'), stringText);

const { value: anyText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.tuple(fc.array(tie('value'), { maxLength: 4 }), SPACE).map(([items, space]) => listed(items, space, '[', ']')),
    objectOf(anyKey, tie('value')),
  ),
}));

/** The text of any JSON object: nested, repeated keys, unusual escapes, big numbers, white space. */
export const anyObjectText: fc.Arbitrary<string> = objectOf(anyKey, anyText);

const EVENT_KEYS = [
  'Event-Name',
  'Call-ID',
  'Msg-ID',
  'Custom-Channel-Vars',
  'Account-ID',
  'Node',
  'App-Name',
  'Recording',
  'Local-SDP',
  'Media-Name',
  'Timestamp',
  'Event-Category',
  'Ecallmgr-Node',
  'Other-Leg-Call-ID',
  'Reseller-Billing',
  '_firehose',
];
const eventKey = fc.constantFrom(...EVENT_KEYS).map((key) => JSON.stringify(key));
const eventValue = fc.oneof(
  fc.constantFrom(
    '"CHANNEL_ANSWER"',
    '"DTMF"',
    '"LEG_CREATED"',
    '"leg-1"',
    '"/tmp/x"',
    '"acme"',
    '7',
    '"1763979370500222"',
  ),
  objectOf(fc.oneof(eventKey, anyKey), scalar),
  anyText,
);

/** Begins as an event and has any other members, some of them with names of an event's own. */
export const anyEventText: fc.Arbitrary<string> = fc
  .tuple(objectOf(fc.oneof(eventKey, anyKey), eventValue), fc.boolean())
  .map(([text, isWhole]) => {
    if (!isWhole) return text;
    const rest = text.replace(/^\{\s*/, '');
    return `{"Event-Name":"DTMF","Call-ID":"leg-1"${rest.startsWith('}') ? '' : ','}${rest}`;
  });

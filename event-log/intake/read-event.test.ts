import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEvent, readWrapped, type Beside } from './read-event.ts';

const plain = { 'Event-Name': 'CHANNEL_CREATE', 'Call-ID': 'a-call', 'Msg-ID': '1' };

function judge(event: unknown, beside?: Beside) {
  return readEvent(Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)), beside);
}

function forwarded(event: unknown, beside?: Beside) {
  const verdict = judge(event, beside);
  assert.ok(verdict.kind === 'forward', JSON.stringify(verdict));
  return verdict.event;
}

function codeOf(event: unknown, beside?: Beside) {
  const verdict = judge(event, beside);
  return verdict.kind === 'rejected' ? verdict.code : verdict.kind;
}

describe('the name of an event', () => {
  it('is the top-level one, though nested objects hold their own before it', () => {
    const text =
      '{"Resigning":{"Event-Name":"LEG_DESTROYED","Call-ID":"other","_firehose":1},"Event-Name":"CHANNEL_BRIDGE","Call-ID":"mine"}';
    const event = forwarded(text);
    assert.deepEqual([event.name, event.callId, event.data.toString()], ['CHANNEL_BRIDGE', 'mine', text]);
    assert.equal(codeOf(text.replace('CHANNEL_BRIDGE', 'LEG_CREATED')), 'dropped');
  });

  it('drops what is never forwarded, whatever else is wrong with it', () => {
    for (const name of ['LEG_CREATED', 'LEG_DESTROYED', 'CHANNEL_PIVOT', 'CHANNEL_EXECUTE_COMPLETE', 'usurp_control']) {
      assert.equal(codeOf({ 'Event-Name': name, _firehose: 1, big: 'x'.repeat(70_000) }), 'dropped');
    }
    assert.equal(codeOf(`{"deep":${'['.repeat(100)}${']'.repeat(100)},"Event-Name":"CHANNEL_PIVOT"}`), 'dropped');
  });

  it('forwards a name that is unknown but well-formed, and rejects any other', () => {
    assert.equal(forwarded({ ...plain, 'Event-Name': 'SOMETHING_NEW' }).name, 'SOMETHING_NEW');
    for (const name of ['Mixed_Case', '', 7, null, 'A', 'A\ud800']) {
      assert.equal(codeOf({ ...plain, 'Event-Name': name }), 'invalid_event_name');
    }
  });
});

describe('the account of an event', () => {
  const variables = { ...plain, 'Custom-Channel-Vars': { 'Account-ID': 'inner' }, 'Account-ID': 'top' };

  it('is what is said beside it, else of the channel variables, else the top-level one, else empty', () => {
    assert.equal(forwarded(variables, { account: 'beside' }).account, 'beside');
    assert.equal(forwarded(variables).account, 'inner');
    assert.equal(forwarded({ ...variables, 'Custom-Channel-Vars': { 'Account-ID': null } }).account, 'top');
    assert.equal(forwarded({ ...plain, 'Custom-Channel-Vars': [] }).account, '');
  });

  it('may be a number, as it is written, and says so when it is no id', () => {
    const numbered = (id: string) => `{"Event-Name":"DTMF","Call-ID":"c","Custom-Channel-Vars":{"Account-ID":${id}}}`;
    for (const id of ['7', '0', '12345678901234567890123456789012']) assert.equal(forwarded(numbered(id)).account, id);
    for (const id of ['1e10', '1.5', '-7', '1E3', '1'.repeat(65)]) {
      const verdict = judge(numbered(id));
      assert.ok(verdict.kind === 'rejected' && verdict.code === 'invalid_account', id);
      assert.equal(verdict.field, 'Custom-Channel-Vars.Account-ID');
      assert.match(verdict.detail, /digits/);
    }
  });

  it('is not guessed when what is said beside the event is no account', () => {
    assert.equal(codeOf(variables, { account: 'x'.repeat(129) }), 'invalid_account');
    assert.equal(codeOf(variables, { account: '\udc00' }), 'invalid_account');
  });
});

describe('half a surrogate pair', () => {
  it('is named where an event is routed by it, and left alone elsewhere', () => {
    const fields = [
      { ...plain, 'Call-ID': 'c\ud800' },
      { ...plain, 'Event-Name': 'DTMF\udc00' },
      { ...plain, 'Account-ID': '\ud800' },
      { ...plain, 'Custom-Channel-Vars': { 'Account-ID': 'a\udfff' } },
    ];
    for (const event of fields) {
      const verdict = judge(event);
      assert.match(verdict.kind === 'rejected' ? verdict.detail : '', /surrogate pair/, JSON.stringify(event));
    }
    assert.equal(codeOf({ ...plain, 'Caller-ID-Name': '\ud800' }), 'forward');
    const cesu = readEvent(
      Buffer.concat([Buffer.from('{"Event-Name":"DTMF","x":"'), Buffer.of(0xed, 0xa0, 0xbd, 0x22, 0x7d)]),
    );
    assert.ok(cesu.kind === 'rejected' && cesu.code === 'invalid_utf8' && /surrogate pair/.test(cesu.detail));
  });
});

describe('the encoding of an event', () => {
  const text = JSON.stringify(plain);

  it('may begin with a byte order mark, and the bytes go on behind it', () => {
    assert.equal(forwarded(`\ufeff${text}`).data.toString(), text);
    assert.equal(forwarded(`\ufeff \r\n${text}\n`).data.toString(), text);
  });

  it('may not begin with two of them', () => {
    const verdict = readEvent(Buffer.from(`\ufeff\ufeff${text}`));
    assert.ok(
      verdict.kind === 'rejected' && verdict.code === 'not_json' && /two byte order marks/.test(verdict.detail),
    );
  });

  it('is named when it is UTF-16, with or without its mark', () => {
    const little = Buffer.from(text, 'utf16le');
    const big = Buffer.from(little).swap16();
    for (const bytes of [
      little,
      big,
      Buffer.concat([Buffer.of(0xff, 0xfe), little]),
      Buffer.concat([Buffer.of(0xfe, 0xff), big]),
    ]) {
      const verdict = readEvent(bytes);
      assert.ok(verdict.kind === 'rejected' && verdict.code === 'invalid_utf8');
      assert.match(verdict.detail, /UTF-16/);
    }
  });

  it('that lost its line feeds is recognised', () => {
    const verdict = judge(text + text);
    assert.ok(verdict.kind === 'rejected' && verdict.code === 'not_json');
    assert.match(verdict.detail, /--data-binary/);
  });
});

describe('the id of an event', () => {
  const event = {
    ...plain,
    'App-Name': 'ecallmgr',
    'App-Version': '4.0.0',
    Node: 'ecallmgr@one',
    'Custom-Channel-Vars': { 'Account-ID': 'a', 'Ecallmgr-Node': 'ecallmgr@one' },
  };
  const fromOther = {
    'Custom-Channel-Vars': { 'Ecallmgr-Node': 'ecallmgr@two', 'Account-ID': 'a' },
    'Server-ID': 'x',
    Node: 'ecallmgr@two',
    'App-Version': '5',
    'App-Name': 'freeswitch',
    ...plain,
  };

  it('is the same for the same event from two ecallmgr nodes', () => {
    const id = forwarded(event).eventId;
    assert.match(id, /^[a-z2-7]{26}$/);
    assert.equal(forwarded(fromOther).eventId, id);
    assert.equal(forwarded(JSON.stringify(event, null, 2)).eventId, id);
  });

  it('never changes between versions: producers and replicas of two versions meet in one log', () => {
    assert.equal(forwarded(plain).eventId, 'kzxcannijq37ej7fyuj4beihjm');
  });

  it('differs when anything else of the body does, though Msg-ID is the same', () => {
    const ids = [{}, { 'DTMF-Digit': '1' }, { 'DTMF-Digit': '2' }, { 'DTMF-Digit': 1 }, { 'Call-ID': 'b' }].map(
      (more) => forwarded({ ...event, ...more }).eventId,
    );
    assert.equal(new Set(ids).size, ids.length);
  });

  it('differs when the bytes do, though a double or a parser would not see it', () => {
    const values = ['1234567890123456788', '1234567890123456789', '0.12345678901234567', '0.123456789012345678'];
    const others = [
      '1e3',
      '1000',
      '1e400',
      '1e401',
      '{"a":1,"a":2}',
      '{"a":2}',
      '{"a":[{"b":1,"b":1}]}',
      '{"a":[{"b":1}]}',
    ];
    const ids = [...values, ...others].map(
      (value) => forwarded(`{"Event-Name":"DTMF","Call-ID":"c","x":${value}}`).eventId,
    );
    assert.equal(new Set(ids).size, ids.length);
  });

  it('is what the producer gives, when it is well-formed', () => {
    assert.equal(forwarded(plain, { id: 'a:B.c_d-9' }).eventId, 'a:B.c_d-9');
    for (const id of ['', 'a b', 'x'.repeat(129), 'ä']) {
      assert.equal(codeOf(plain, { id }), 'invalid_id');
    }
  });

  it('is derived of halves of surrogate pairs and of numbers beyond a double too', () => {
    const texts = ['"\\ud800"', '"\\udfff"', '1e999', '-1e999'].map(
      (value) => `{"Event-Name":"DTMF","Call-ID":"c","x":[${value}],"y\\ud800":1}`,
    );
    const ids = texts.map((text) => forwarded(text).eventId);
    assert.equal(new Set(ids).size, texts.length);
  });
});

describe('an event', () => {
  it('keeps its bytes, but for the whitespace around them, and in a copy', () => {
    const text = '{ "Call-ID":"c",\r\n "n":1.0, "t":"\\u00e9\\/é", "Event-Name":"DTMF" }';
    const bytes = Buffer.from(`\r\n ${text}\t\n`);
    const verdict = readEvent(bytes);
    bytes.fill(0);
    assert.equal(verdict.kind === 'forward' && verdict.event.data.toString(), text);
  });

  it('is rejected with a stable code and the field at fault', () => {
    assert.deepEqual(judge({ ...plain, _firehose: 1 }), {
      kind: 'rejected',
      code: 'reserved_key',
      detail: 'The gateway itself uses this key',
      field: '_firehose',
    });
    assert.equal(codeOf('{"\\u005ffirehose":1,"Event-Name":"DTMF","Call-ID":"c"}'), 'reserved_key');
    for (const callId of [undefined, 7, '', '\ud800'])
      assert.equal(codeOf({ ...plain, 'Call-ID': callId }), 'invalid_call_id');
    for (const text of ['null', '[]', '7', '"{}"']) assert.equal(codeOf(text), 'not_an_object');
    for (const text of ['', '\ufeff', '{', '{}{}', '{"a":1,}', '{a:1}', '{"a":1}}', '{"a":[}]}', '{"a":"\n"}']) {
      assert.equal(codeOf(text), 'not_json', text);
    }
    const latin1 = Buffer.from('{"Event-Name":"DTMF","Call-ID":"é"}', 'latin1');
    assert.equal((readEvent(latin1) as { code?: string }).code, 'invalid_utf8');
  });

  it('has at most 64 KiB and is nested at most 32 deep', () => {
    const frame = JSON.stringify({ ...plain, x: '' }).length;
    assert.equal(codeOf({ ...plain, x: 'x'.repeat(65_536 - frame) }), 'forward');
    assert.equal(codeOf({ ...plain, x: 'x'.repeat(65_537 - frame) }), 'too_large');
    const nested = (depth: number) =>
      `{"Event-Name":"DTMF","Call-ID":"c","x":${'['.repeat(depth - 1)}"]]"${']'.repeat(depth - 1)}}`;
    assert.equal(codeOf(nested(32)), 'forward');
    assert.equal(codeOf(nested(33)), 'too_deep');
    assert.equal(codeOf(nested(500_000)), 'too_deep');
  });

  it('keeps a traceparent of version 00 and passes over any other', () => {
    const good = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    assert.equal(forwarded(plain, { traceparent: good }).traceparent, good);
    const bad = [good.toUpperCase(), good.replace('00-', '01-'), `${good}-x`, good.replace(/a/g, '0'), ''];
    for (const traceparent of bad) assert.equal(forwarded(plain, { traceparent }).traceparent, '');
  });

  it('does not pollute a prototype', () => {
    forwarded(
      '{"Event-Name":"DTMF","Call-ID":"c","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    );
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  });
});

describe('a wrapped event', () => {
  const inner = '{"event":{}, "n":1.0,"Event-Name":"DTMF","Call-ID":"c"}';

  it('gives the exact bytes of the event and what is beside it, which wins over headers', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const line = `{"id":"i" , "\\u0065vent" : ${inner} ,"account":"\\u0061cme"}`;
    const verdict = readWrapped(Buffer.from(line), { account: 'header', id: 'header', traceparent });
    assert.deepEqual(verdict, {
      kind: 'forward',
      event: { name: 'DTMF', account: 'acme', callId: 'c', eventId: 'i', traceparent, data: Buffer.from(inner) },
    });
  });

  it('may name its account by a number, as it is written, and says so when it is no id', () => {
    const wrapped = (account: string) => readWrapped(Buffer.from(`{"event":${inner},"account": ${account} }`));
    for (const id of ['7', '0', '12345678901234567890123456789012']) {
      const verdict = wrapped(id);
      assert.equal(verdict.kind === 'forward' && verdict.event.account, id);
    }
    for (const id of ['1e10', '1.5', '-7', '1'.repeat(65)]) {
      const verdict = wrapped(id);
      assert.ok(verdict.kind === 'rejected' && verdict.code === 'invalid_account', id);
      assert.deepEqual([verdict.field, /digits/.test(verdict.detail)], ['account', true]);
    }
  });

  it('is rejected when a key of the wrapping is unknown, missing, of another type or there twice', () => {
    const bad = [
      '"acount":"a"',
      '"account":null',
      '"account":[7]',
      '"id":7',
      '"id":"a","id":"a"',
      `"event":${inner}`,
      '"__proto__":{}',
    ];
    const lines = [...bad.map((more) => `{"event":${inner},${more}}`), '{"account":"a"}', '{}'];
    for (const line of lines) {
      const verdict = readWrapped(Buffer.from(line));
      assert.equal(verdict.kind === 'rejected' && verdict.code, 'invalid_wrapper', line);
    }
  });
});

it('refuses a key that is there twice with two values, at the top or in the channel variables: two readers would see two accounts', () => {
  const twice = [
    '"Account-ID":"a","\\u0041ccount-ID":"b"',
    '"Custom-Channel-Vars":{"Account-ID":"a","Account-ID":"b"}',
  ];
  for (const more of twice) assert.equal(codeOf(`{"Event-Name":"DTMF","Call-ID":"c",${more}}`), 'duplicate_key');
  const equal = [
    '"Account-ID":"a","Account-ID": "\\u0061"',
    '"Custom-Channel-Vars":{"Account-ID":"a","Account-ID":"a"}',
  ];
  for (const more of equal) assert.equal(forwarded(`{"Event-Name":"DTMF","Call-ID":"c",${more}}`).account, 'a');
});

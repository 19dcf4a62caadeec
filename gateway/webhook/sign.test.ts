import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Webhook as Verifier, WebhookVerificationError } from 'standardwebhooks';
import { parseSecret, signatureOf, verifySignature, type SigningKey } from './sign.ts';

const keyOf = (secret: string): SigningKey => {
  const parsed = parseSecret(secret);
  assert.ok('key' in parsed);
  return parsed.key;
};
const secret = () => `whsec_${randomBytes(32).toString('base64')}`;
const now = () => Math.floor(Date.now() / 1_000);

test('the example of the specification has its signature', () => {
  const signature = signatureOf(
    { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: Buffer.from('{"test": 2432232314}') },
    [keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
  );
  assert.equal(signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('W4: the official library of npm verifies whatever is signed, with each of several secrets', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\x21-\x7e]{1,40}$/), fc.jsonValue(), (id, value) => {
      const [current, previous, other] = [secret(), secret(), secret()];
      const body = Buffer.from(JSON.stringify({ value }));
      const timestamp = now();
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatureOf({ id, timestamp, body }, [keyOf(current), keyOf(previous)]),
      };
      for (const one of [current, previous])
        assert.deepEqual(new Verifier(one).verify(body.toString(), headers), JSON.parse(body.toString()));
      assert.throws(() => new Verifier(other).verify(body.toString(), headers), WebhookVerificationError);
      assert.throws(() => new Verifier(current).verify(`${body.toString()} `, headers), WebhookVerificationError);
    }),
    { numRuns: 200 },
  );
});

test('a secret may be written without its prefix, and with a line feed at its end', () => {
  const text = secret();
  for (const one of [text, `${text}\n`, text.slice('whsec_'.length)])
    assert.ok(keyOf(one).secret.equals(keyOf(text).secret));
});

test('W5: a secret that cannot be used is refused without being repeated', () => {
  const faulty = ['', 'whsec_', 'whsec_sesame!', 'whsec_sesame', `whsec_${randomBytes(65).toString('base64')}`, 'a b'];
  for (const text of faulty) {
    const parsed = parseSecret(text);
    assert.ok('fault' in parsed && !parsed.fault.includes('sesame'), text);
  }
});

test('what is verified here is what the official library verifies', () => {
  const given = secret();
  const body = Buffer.from('{"a":1}');
  const timestamp = now();
  const signature = signatureOf({ id: 'evt', timestamp, body }, [keyOf(given)]);
  const headers = { 'webhook-id': 'evt', 'webhook-timestamp': String(timestamp), 'webhook-signature': signature };
  assert.deepEqual(new Verifier(given).verify(body.toString(), headers), { a: 1 });
  const request = { id: 'evt', timestamp: String(timestamp), signature, body };
  assert.equal(verifySignature(request, [keyOf(given)], Date.now()), null);
  assert.match(verifySignature(request, [keyOf(secret())], Date.now()) ?? '', /no signature/);
});

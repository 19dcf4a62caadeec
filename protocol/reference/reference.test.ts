import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import asyncApiSchema from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' };
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { KNOWN_EVENTS } from '../catalogue.ts';
import { createSimulator } from '../simulator/simulator.ts';
import { asyncApi } from './asyncapi.ts';
import { openApi } from './openapi.ts';
import { allSchemas } from './schemas.ts';

const OPTIONS = { version: '1.2.3', additionalEvents: ['SCREEN_POP'] };

test('R4: the OpenAPI document is valid', async () => {
  const { valid, errors } = await new Validator().validate(openApi(OPTIONS));
  assert.ok(valid, JSON.stringify(errors));
});

test('R4: the AsyncAPI document is valid', () => {
  const validate = new Ajv({ strict: false, logger: false, validateFormats: false }).compile(asyncApiSchema);
  assert.ok(validate(asyncApi(OPTIONS)), JSON.stringify(validate.errors?.slice(0, 3)));
});

test('each event, frame and the events that a resource adds have a schema, and each compiles', () => {
  const schemas = allSchemas(OPTIONS.additionalEvents);
  for (const name of [
    ...KNOWN_EVENTS,
    'SCREEN_POP',
    'event',
    'meta',
    'problem',
    'server-frame-hello',
    'client-frame-ack',
  ]) {
    assert.ok(schemas.has(name), name);
  }
  const ajv = new Ajv2020({ strict: false, logger: false, validateFormats: false });
  for (const [name, schema] of schemas) assert.doesNotThrow(() => ajv.compile(schema), name);
});

test('R2: every event of the simulator is one by the schema of its name, and no field of it is unknown', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validators = new Map([...allSchemas()].map(([name, schema]) => [name, ajv.compile(schema)]));
  const account = { id: 'north', name: 'north', realm: 'north.sip.example.com' };
  const simulator = createSimulator({ seed: 3, accounts: [account], callsPerSecond: 20, startAt: 1_763_979_370_000 });
  const fields = new Set(Object.keys((allSchemas().get('event') as { properties: object }).properties));
  const events = simulator.next(1_763_979_370_000 + 120_000);
  assert.ok(events.length > 1_000);
  const unknown = new Set<string>();
  for (const { name, json } of events) {
    const event = JSON.parse(json) as Record<string, unknown>;
    for (const kind of ['event', name]) {
      const validate = validators.get(kind);
      assert.ok(validate?.(event), `${name}: ${JSON.stringify(validate?.errors)}`);
    }
    for (const field of Object.keys(event)) if (!fields.has(field)) unknown.add(field);
  }
  assert.deepEqual([...unknown], []);
});

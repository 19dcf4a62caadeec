import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { allSchemas } from '../protocol/reference/schemas.ts';
import { mapAll, recordings } from './testing/recordings.ts';

/** The mappers' output for real switches agrees with the reference of events. */
test('R2: every event that a recording becomes is one by the schema of its name', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validators = new Map([...allSchemas()].map(([name, schema]) => [name, ajv.compile(schema)]));
  const fields = new Set(Object.keys((allSchemas().get('event') as { properties: object }).properties));
  const unknown = new Set<string>();
  let events = 0;
  for (const { name: recording, events: recorded, mapper } of recordings()) {
    for (const { name, json } of mapAll(mapper(), recorded)) {
      const event = JSON.parse(json) as object;
      const validate = validators.get(name);
      assert.ok(validate?.(event), `${recording} ${name}: ${JSON.stringify(validate?.errors)}`);
      for (const field of Object.keys(event)) if (!fields.has(field)) unknown.add(field);
      events += 1;
    }
  }
  assert.ok(events > 1_000, `${events}`);
  assert.deepEqual([...unknown], []);
});

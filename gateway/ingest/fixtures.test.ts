import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { allSchemas } from '../../protocol/reference/schemas.ts';

const EVENTS = [
  './fixtures/call-events-2015.ndjson',
  './fixtures/derived-call-events.ndjson',
  '../../docs/events.ndjson',
];

test('R2: every event of the fixtures and of the documentation is one by the schema of its name', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validators = new Map([...allSchemas()].map(([name, schema]) => [name, ajv.compile(schema)]));
  let events = 0;
  for (const file of EVENTS) {
    for (const line of readFileSync(new URL(file, import.meta.url), 'utf8')
      .trim()
      .split('\n')) {
      const event = JSON.parse(line) as { 'Event-Name': string };
      const validate = validators.get(event['Event-Name']) ?? validators.get('event');
      assert.ok(validate?.(event), `${file} ${event['Event-Name']}: ${JSON.stringify(validate?.errors)}`);
      events += 1;
    }
  }
  assert.ok(events > 10, `${events}`);
});

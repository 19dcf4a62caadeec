import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings, settingFaults } from './settings.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

test('nothing is exported without an endpoint, for what is no service, and where it is switched off', () => {
  assert.equal(readSettings({}, ['gateway']), null);
  assert.equal(readSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, ['gateway']), null);
  assert.equal(readSettings(ENDPOINT, []), null);
  assert.equal(readSettings(ENDPOINT, ['hash-password']), null);
  assert.equal(readSettings({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }, ['gateway']), null);
  assert.equal(
    readSettings({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }, ['gateway']),
    null,
  );
});

test('one endpoint serves both signals, by protobuf over HTTP', () => {
  assert.deepEqual(readSettings(ENDPOINT, ['gateway']), {
    service: 'firehose-gateway',
    traces: 'http/protobuf',
    metrics: 'http/protobuf',
    metricIntervalMs: 60_000,
    guard: null,
  });
});

test('each signal has an endpoint, a protocol and a switch of its own', () => {
  const environment = {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4317',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
    OTEL_SERVICE_NAME: 'streams',
  };
  assert.deepEqual(readSettings(environment, ['operator', '--workers', '2']), {
    service: 'streams',
    traces: 'grpc',
    metrics: null,
    metricIntervalMs: 60_000,
    guard: null,
  });
  const both = { ...environment, ...ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL: '5000' };
  assert.deepEqual(readSettings(both, ['operator']), {
    service: 'streams',
    traces: 'grpc',
    metrics: 'http/json',
    metricIntervalMs: 5_000,
    guard: null,
  });
  assert.equal(readSettings({ ...both, OTEL_METRICS_EXPORTER: 'prometheus' }, ['operator'])?.metrics, null);
});

test('what cannot be read is named with what is done instead, and never with its value', () => {
  const wrong = {
    ...ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grcp',
    OTEL_TRACES_EXPORTER: 'otlp,console',
    OTEL_METRICS_EXPORTER: 'statsd',
    OTEL_METRIC_EXPORT_INTERVAL: '5s',
    OTEL_TRACES_SAMPLER: 'sometimes',
  };
  assert.deepEqual(settingFaults(wrong, ['gateway']), [
    'OTEL_EXPORTER_OTLP_PROTOCOL: grpc, http/protobuf or http/json; http/protobuf is used',
    'OTEL_TRACES_EXPORTER: otlp or none; no traces are exported',
    'OTEL_METRICS_EXPORTER: otlp, prometheus or none; no metrics are exported',
    'OTEL_METRIC_EXPORT_INTERVAL: milliseconds; 60000 is used',
    'OTEL_TRACES_SAMPLER: no sampler of the SDK; its default is used',
  ]);
  const ratio = { ...ENDPOINT, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' };
  assert.deepEqual(settingFaults({ ...ratio, OTEL_TRACES_SAMPLER_ARG: '5%' }, ['gateway']), [
    'OTEL_TRACES_SAMPLER_ARG: a number from 0 to 1; 1 is used',
  ]);
  assert.deepEqual(settingFaults({ ...ratio, OTEL_TRACES_SAMPLER_ARG: '0.05' }, ['gateway']), []);
  // Nothing is exported, so nothing is logged.
  assert.deepEqual(settingFaults({ ...wrong, OTEL_EXPORTER_OTLP_ENDPOINT: '' }, ['gateway']), []);
  assert.deepEqual(settingFaults(wrong, ['hash-password']), []);
});

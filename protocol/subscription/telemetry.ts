import { z } from 'zod';
import { objectName } from './rules.ts';

/** Nothing but host, port and path: credentials are in the Secret, and Kubernetes would expand `$(...)`. */
const ENDPOINT = /^https?:\/\/([A-Za-z0-9][-A-Za-z0-9.]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\/[-A-Za-z0-9._~/]*)?$/;

/** Where traces and metrics go, by the OpenTelemetry protocol. Absent: nowhere. */
const otlp = z.strictObject({
  endpoint: z.string().max(512).regex(ENDPOINT, 'an address as http://collector.monitoring:4318'),
  protocol: z.enum(['http/protobuf', 'grpc']).default('http/protobuf'),
  /** A Secret whose key `headers` holds `name=value` pairs with commas between them. */
  headersSecretName: objectName().optional(),
  /** Percent of the traces that begin here; for a trace that began elsewhere its origin has decided. */
  samplePercent: z.int().min(0).max(100).default(5),
});

export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

export const telemetry = z.strictObject({ otlp: otlp.optional() });

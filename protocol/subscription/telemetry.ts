import { z } from 'zod';
import { objectName } from './rules.ts';

/** Only host, port and path: credentials are in the Secret, and Kubernetes would expand `$(...)`. */
const ENDPOINT = /^https?:\/\/([A-Za-z0-9][-A-Za-z0-9.]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\/[-A-Za-z0-9._~/]*)?$/;

/** Where traces and metrics are sent, by the OpenTelemetry protocol. Absent: they are not sent. */
const otlp = z.strictObject({
  endpoint: z.string().max(512).regex(ENDPOINT, 'an address as http://collector.monitoring:4318'),
  protocol: z.enum(['http/protobuf', 'grpc']).default('http/protobuf'),
  /** A Secret whose key `headers` contains `name=value` pairs separated by commas. */
  headersSecretName: objectName().optional(),
  /** Percent of the traces that begin here; the origin of other traces has decided already. */
  samplePercent: z.int().min(0).max(100).default(5),
});

export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

export const telemetry = z.strictObject({ otlp: otlp.optional() });

import { createServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Server as GrpcServer, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { decodeMetricNames, decodeSpans, type RecordedSpan } from './otlp-messages.ts';
import { until } from './until.ts';

/** A collector that records the received data, by HTTP (protobuf) and by gRPC. */
export interface OtlpReceiver extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT with OTEL_EXPORTER_OTLP_PROTOCOL http/protobuf and grpc. */
  readonly http: string;
  readonly grpc: string;
  readonly spans: readonly RecordedSpan[];
  readonly metricNames: ReadonlySet<string>;
  /** Every body as received: texts are in it unchanged. */
  readonly bodies: readonly Buffer[];
  /** Settles once the received spans fulfil the condition. */
  until(isThere: (spans: readonly RecordedSpan[]) => boolean): Promise<readonly RecordedSpan[]>;
}

const SERVICES = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};
/** The answer to an export without errors is empty. */
const NOTHING = Buffer.alloc(0);

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const record = new Record();
  const http = await startHttp(record);
  const grpc = await startGrpc(record);
  return {
    http: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    grpc: `http://127.0.0.1:${grpc.port}`,
    spans: record.spans,
    metricNames: record.metricNames,
    bodies: record.bodies,
    until: (isThere) => record.until(isThere),
    async [Symbol.asyncDispose]() {
      grpc.server.forceShutdown();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

class Record {
  readonly spans: RecordedSpan[] = [];
  readonly metricNames = new Set<string>();
  readonly bodies: Buffer[] = [];

  take(signal: 'traces' | 'metrics', body: Buffer): void {
    this.bodies.push(body);
    if (signal === 'traces') this.spans.push(...decodeSpans(body));
    else for (const name of decodeMetricNames(body)) this.metricNames.add(name);
  }

  async until(isThere: (spans: readonly RecordedSpan[]) => boolean): Promise<readonly RecordedSpan[]> {
    return until('spans at the collector', () => this.spans, { holds: isThere });
  }
}

async function startHttp(record: Record): Promise<HttpServer> {
  const take = async (request: IncomingMessage) => {
    record.take(request.url === '/v1/traces' ? 'traces' : 'metrics', await buffer(request));
  };
  const server = createServer((request, response) => {
    take(request).then(
      () => response.setHeader('Content-Type', 'application/x-protobuf').end(NOTHING),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function startGrpc(record: Record): Promise<{ server: GrpcServer; port: number }> {
  const server = new GrpcServer();
  for (const signal of ['traces', 'metrics'] as const) {
    const handle: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
      record.take(signal, call.request);
      answer(null, NOTHING);
    };
    const asItIs = (bytes: Buffer) => bytes;
    const method = {
      path: SERVICES[signal],
      requestStream: false,
      responseStream: false,
      requestSerialize: asItIs,
      requestDeserialize: asItIs,
      responseSerialize: asItIs,
      responseDeserialize: asItIs,
    } as const;
    server.addService({ export: method }, { export: handle });
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { server, port };
}

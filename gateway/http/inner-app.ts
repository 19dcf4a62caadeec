import express, { type Express, type RequestHandler, type Router } from 'express';
import { answerErrors, notFound } from './respond.ts';

/** One condition for this replica to get traffic. */
export interface ReadinessCheck {
  readonly ok: boolean;
  readonly detail: string;
}

export interface InnerAppOptions {
  readonly checks: () => Readonly<Record<string, ReadinessCheck>>;
  readonly metrics: RequestHandler;
  /** Null: producers write to Redis themselves. */
  readonly ingest: Router | null;
  /** Null where `ingest` is null. Receives the calls that a switch still has. */
  readonly reconcile: Router | null;
  /** Null: the directory is a file. */
  readonly directory: Router | null;
  readonly administration: Router;
  /** Null: the console is off. */
  readonly console: Router | null;
  readonly unexpected: (error: unknown) => void;
}

/** Endpoints for the platform that clients cannot reach: health, metrics, ingest, administration. */
export function createInnerApp(options: InnerAppOptions): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.get('/livez', (_request, response) => {
    response.type('text').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const checks = options.checks();
    const ready = Object.values(checks).every((check) => check.ok);
    response.status(ready ? 200 : 503).json({ ready, checks });
  });
  app.get('/metrics', options.metrics);
  if (options.ingest !== null) app.use(options.ingest);
  if (options.reconcile !== null) app.use(options.reconcile);
  if (options.directory !== null) app.use(options.directory);
  app.use(options.administration);
  if (options.console !== null) app.use(options.console);
  app.use(notFound);
  app.use(answerErrors(options.unexpected));
  return app;
}

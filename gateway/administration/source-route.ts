import { Router, type Response } from 'express';
import type { SourcesAnswer } from '../../protocol/administration.ts';
import { SOURCES_PATH } from '../../protocol/paths.ts';
import type { SourceGap } from '../../protocol/source-gap.ts';
import type { SourceEntry } from '../../protocol/source-report.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import { readSource, readSourceEntries, type ReplicaReport, type SourceLook } from './read-sources.ts';

export interface SourceRouteOptions {
  /** Where sources write their reports; null with the embedded log, into which no other process writes. */
  readonly sources: { readonly client: RedisClient; readonly keyPrefix: string } | null;
}

type ShownSource = SourcesAnswer['sources'][number];
type ShownEndpoint = ShownSource['endpoints'][number];

/** Most sources in one answer. */
const MOST = 200;

/** `GET` lists the sources that write into this Redis, with the reports of each replica on each switch or broker. */
export function sourceRouter({ sources }: SourceRouteOptions): Router {
  const router = Router();
  router
    .route(SOURCES_PATH)
    .get((_request, response) => list(response, sources))
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}

async function list(response: Response, place: SourceRouteOptions['sources']): Promise<void> {
  let answer: ShownSource[];
  try {
    answer = place === null ? [] : await look(place);
  } catch (error) {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    return sendProblem(response, unavailable(code));
  }
  response.set('Cache-Control', 'no-store').json({ sources: answer } satisfies SourcesAnswer);
}

async function look({ client, keyPrefix }: NonNullable<SourceRouteOptions['sources']>): Promise<ShownSource[]> {
  const entries = (await readSourceEntries(client, keyPrefix)).slice(0, MOST);
  return Promise.all(entries.map(async (entry) => shown(entry, await readSource(client, keyPrefix, entry.name))));
}

function shown(
  { name, kind, at }: SourceEntry & { readonly name: string },
  { reports, told, untold }: SourceLook,
): ShownSource {
  const endpoints = [...new Set([...reports, ...told, ...untold].map(({ endpoint }) => endpoint))].toSorted();
  return {
    source: name,
    kind,
    seen_at: timeOf(at),
    endpoints: endpoints.map((endpoint) => {
      const last = told.find((gap) => gap.endpoint === endpoint);
      return {
        endpoint,
        replicas: reports.filter((one) => one.endpoint === endpoint).map(shownReport),
        last_gap: last === undefined ? null : shownGap(last),
        gaps_not_in_log: untold.filter((gap) => gap.endpoint === endpoint).length,
      };
    }),
  };
}

function shownReport({ replica, report }: ReplicaReport): ShownEndpoint['replicas'][number] {
  const { state, since, reason, leading, bound, heard, at } = report;
  return {
    replica,
    state,
    since: timeOf(since),
    reason,
    leading,
    bound,
    heard_from: heard === null ? null : timeOf(heard.from),
    heard_until: heard === null ? null : timeOf(heard.to),
    at: timeOf(at),
  };
}

function shownGap({ reason, from, to, legs_ended, legs_begun }: SourceGap): ShownEndpoint['last_gap'] {
  return { reason, from: timeOf(from), to: timeOf(to), legs_ended, legs_begun };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function unavailable(reason: string): Problem {
  return {
    status: 503,
    code: 'sources_unavailable',
    detail: `Redis is unavailable now (${reason}): try again.`,
    headers: { 'Retry-After': '2' },
  };
}

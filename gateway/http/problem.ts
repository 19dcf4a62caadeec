import type { ProblemCode } from '../../protocol/problem-code.ts';
/** Every HTTP error (RFC 9457). `code` is stable; `detail` says what to do and never contains a secret. */
export interface Problem {
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  /** The faulty request field, as a JSON path such as `accounts[3]`. */
  readonly field?: string;
  /** Further help, for example the known event names. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export const PROBLEM_TYPE = 'application/problem+json';

/** The body of a problem, with `title` and `type` as RFC 9457 has them. */
export function problemBody(problem: Problem): string {
  const { status, code, detail, field, extra } = problem;
  return JSON.stringify({
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    code,
    detail,
    ...(field !== undefined && { field }),
    ...extra,
  });
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

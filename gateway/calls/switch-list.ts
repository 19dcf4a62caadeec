import { z } from 'zod';
import { switchPseudonym } from '../../event-log/switch-pseudonym.ts';
import type { Problem } from '../http/problem.ts';
import type { SwitchList } from './reconcile.ts';

/** A list without a time was made at most this long before its arrival. */
const YOUNG_MS = 10_000;

const time = z.iso.datetime({ offset: true });

const listSchema = z.strictObject({
  switch: z.string().min(1).max(256),
  live: z.array(z.string().min(1).max(512)),
  listed_at: time.optional(),
  started_at: time.optional(),
});

/** Reads the body of a reconcile request. Pure; `now` in Unix milliseconds. */
export function readSwitchList(body: Buffer, now: number): { list: SwitchList } | { problem: Problem } {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return { problem: { status: 400, code: 'not_json', detail: 'The body is not JSON' } };
  }
  const read = listSchema.safeParse(value);
  if (!read.success) {
    const wrong = new Set(read.error.issues.map(wrongOf));
    return { problem: { status: 400, code: 'invalid_request', detail: [...wrong].slice(0, 10).join('; ') } };
  }
  const { switch: name, live, listed_at: listed, started_at: started } = read.data;
  // A list from the future would end calls that begin after it.
  const listedAt = Math.min(now, listed === undefined ? now - YOUNG_MS : Date.parse(listed));
  const startedAt = started === undefined ? null : Math.min(now, Date.parse(started));
  const names = new Set([name, switchPseudonym(name)]);
  return { list: { switch: names, live: new Set(live), listedAt, startedAt } };
}

/** The place and kind of the fault, but nothing of the body itself. */
function wrongOf({ code, path, message }: z.core.$ZodIssue): string {
  if (code === 'unrecognized_keys') return 'the body has keys other than switch, live, listed_at and started_at';
  return `${path.length === 0 ? 'the body' : String(path[0])}: ${message}`;
}

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

type Read<T> = T | { readonly problem: Problem };

/**
 * Reads the body of a reconcile request: one list, or with `isLines` a list on each line, of as many switches. Pure;
 * `now` in Unix milliseconds.
 */
export function readSwitchLists(
  body: Buffer,
  isLines: boolean,
  now: number,
): Read<{ readonly lists: readonly SwitchList[] }> {
  if (!isLines) {
    const read = readSwitchList(body.toString(), now);
    return 'problem' in read ? read : { lists: [read.list] };
  }
  const lists: SwitchList[] = [];
  const faults: string[] = [];
  const named = new Set<string>();
  for (const [at, line] of body.toString().split('\n').entries()) {
    if (line.trim() === '') continue;
    const read = readSwitchList(line, now);
    const names = 'list' in read ? read.list.switch : new Set<string>();
    if ('problem' in read) faults.push(`line ${at + 1}: ${read.problem.detail}`);
    else if (!named.isDisjointFrom(names)) faults.push(`line ${at + 1}: an earlier line has this switch`);
    else lists.push(read.list);
    for (const name of names) named.add(name);
  }
  if (lists.length === 0 && faults.length === 0) faults.push('the body has no list');
  return faults.length === 0 ? { lists } : { problem: invalid(faults) };
}

function invalid(faults: Iterable<string>): Problem {
  return { status: 400, code: 'invalid_request', detail: [...new Set(faults)].slice(0, 10).join('; ') };
}

function readSwitchList(text: string, now: number): Read<{ readonly list: SwitchList }> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: { status: 400, code: 'not_json', detail: 'The body is not JSON' } };
  }
  const read = listSchema.safeParse(value);
  if (!read.success) return { problem: invalid(read.error.issues.map(wrongOf)) };
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

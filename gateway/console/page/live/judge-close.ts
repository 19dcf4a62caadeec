import { CLOSE_MEANINGS } from '../../../../protocol/close-meaning.ts';
import { problemMeaning } from '../../../../protocol/problem-code.ts';
import { parsed, text } from '../base/read.ts';

/** What the end of a connection means for the page. */
export interface CloseVerdict {
  /** `wait`: connect again; `login`: after another login; `no`: not by itself. */
  readonly again: 'wait' | 'login' | 'no';
  readonly isReplayDone: boolean;
  /** The place that the page knew is none any more. */
  readonly forgetsCursor: boolean;
  readonly text: string;
}

/** Reads the code and reason of a Close by the tables of the contract. Pure. */
export function judgeClose(code: number, reason: string): CloseVerdict {
  const said = parsed(reason);
  const name = text(said['e']) ?? '';
  const meanings: Readonly<Record<string, { readonly again: CloseVerdict['again']; readonly cause: string }>> =
    CLOSE_MEANINGS;
  const known = Object.hasOwn(meanings, name) ? meanings[name] : problemMeaning(name);
  return {
    again: known?.again ?? (code === 4401 ? 'login' : code >= 4500 ? 'no' : 'wait'),
    isReplayDone: name === 'replay_done',
    forgetsCursor: name === 'invalid_cursor' || name === 'cursor_from_future',
    text: known === undefined ? textOf(code) : withDetail(known.cause, text(said['d'])),
  };
}

function withDetail(cause: string, detail: string | null): string {
  return detail === null ? cause : `${cause}: ${detail}`;
}

function textOf(code: number): string {
  return code === 1006 ? 'The gateway does not answer' : `The connection was closed with ${code}`;
}

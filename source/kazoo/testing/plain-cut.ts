import type { HiddenFields } from '../../legs/hidden-fields.ts';
import { sliceMembers } from '../../../event-log/intake/json-slice.ts';

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;

/** What happens to a member: kept as it is, cut out, or kept with another value. */
type Cut = 'keep' | 'cut' | Buffer;

/**
 * What `cut-members` does, in a plain way: an object without some of its members, piece by piece. `object` is JSON that
 * JSON.parse accepted, without white space around it; the same buffer comes back when nothing changes.
 */
function plainCut(object: Buffer, judge: (key: string, value: Buffer) => Cut): Buffer {
  const pieces: Buffer[] = [];
  let changed = false;
  /** Where the bytes begin that have not been given, and where the member before ended. */
  let end = 1;
  let isFirst = true;
  for (const { key, value } of sliceMembers(object)) {
    const start = object.indexOf(QUOTE, end);
    const valueStart = value.byteOffset - object.byteOffset;
    const valueEnd = valueStart + value.length;
    const verdict = judge(key, value);
    if (pieces.length === 0) pieces.push(object.subarray(0, start));
    if (verdict === 'cut') {
      changed = true;
    } else {
      if (!isFirst) pieces.push(object.subarray(end, start));
      isFirst = false;
      if (verdict === 'keep') {
        pieces.push(object.subarray(start, valueEnd));
      } else {
        changed = true;
        pieces.push(object.subarray(start, valueStart), verdict);
      }
    }
    end = valueEnd;
  }
  if (!changed) return object;
  pieces.push(object.subarray(end));
  return Buffer.concat(pieces);
}

const VARIABLES = 'Custom-Channel-Vars';
/** May name a file of the switch: cut when they hold a path, kept when they hold a name. */
const MAY_HOLD_PATHS: ReadonlySet<string> = new Set([
  'Media-Recordings',
  'Media-Name',
  'Application-Data',
  'Raw-Application-Data',
]);
const SLASH = '/';

/** What `hide-fields` does, in the same plain way. */
export function plainHide(body: Buffer, isHidden: HiddenFields, isKept: HiddenFields): Buffer {
  return plainCut(body, (key, value): Cut => {
    if (isHidden(key)) return 'cut';
    if (key === VARIABLES && value[0] === OPEN_OBJECT) return unlessSame(value, plainCut(value, hiddenIn(isHidden)));
    if (key === 'Recording' && value[0] === OPEN_OBJECT) return unlessSame(value, plainCut(value, pathsIn(isKept)));
    return MAY_HOLD_PATHS.has(key) && !isKept(key) && value.includes(SLASH) ? 'cut' : 'keep';
  });
}

function hiddenIn(isHidden: HiddenFields) {
  return (key: string): Cut => (isHidden(key) ? 'cut' : 'keep');
}

function pathsIn(isKept: HiddenFields) {
  return (key: string, value: Buffer): Cut => (!isKept(key) && value.includes(SLASH) ? 'cut' : 'keep');
}

function unlessSame(before: Buffer, after: Buffer): Cut {
  return before === after ? 'keep' : after;
}

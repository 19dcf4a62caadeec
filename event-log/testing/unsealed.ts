import { splitId, type Position } from '../../protocol/position.ts';

/** A cursor in the form of versions before 0.2. */
export function encodeUnsealed({ epoch, ids }: Position): string {
  const bytes = [1, epoch.length, ...Buffer.from(epoch, 'latin1')];
  const push = (value: number) => {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
    bytes.push(rest);
  };
  let previous = 0;
  for (const [milliseconds, sequence] of ids.map(splitId)) {
    const difference = milliseconds - previous;
    push(difference < 0 ? -difference * 2 - 1 : difference * 2);
    push(sequence);
    previous = milliseconds;
  }
  return Buffer.from(bytes).toString('base64url');
}

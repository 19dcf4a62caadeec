const MOST_MEMBERS = 8;
const REASON = 'More than eight members:';

/**
 * Interfaces named as a value that functions are given (options, context, settings, parts) with more than eight members
 * whose comment does not state why, as `name: number of members`. Pure.
 */
export function bagsWithoutReason(source: string): readonly string[] {
  const declared =
    /(\/\*\*(?:(?!\*\/).)*\*\/\s*)?(?:export )?interface (\w*(?:Options|Context|Config|Parts|Pass|Api|Meta))\b[^{]*\{\n(.*?)\n\}/gs;
  return [...source.matchAll(declared)].flatMap(([, comment = '', name = '', body = '']) => {
    const members = [...body.matchAll(/^ {2}(?:readonly )?\w+\??[:(<]/gm)].length;
    return members > MOST_MEMBERS && !comment.includes(REASON) ? [`${name}: ${members} members`] : [];
  });
}

import type { Line } from './split-lines.ts';

const [OPEN, CLOSE, QUOTE, ESCAPE, LINE_FEED] = [0x7b, 0x7d, 0x22, 0x5c, 0x0a];

/**
 * The objects of a JSON array, or of a file of objects over several lines as `jq` writes them, each with the number of
 * its first line. Skips anything between them. Returns the available part of an object that does not end, and null for
 * one that is longer than the limit.
 */
export async function* splitValues(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let [length, depth, line, begun] = [0, 0, 1, 1];
  let [isText, isEscaped] = [false, false];
  const take = (): Line => {
    const taken = { number: begun, bytes: length > maxBytes ? null : Buffer.concat(parts) };
    [parts, length, depth, isText, isEscaped] = [[], 0, 0, false, false];
    return taken;
  };
  const add = (part: Buffer) => {
    length += part.length;
    if (length > maxBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  for await (const chunk of chunks) {
    let from = depth > 0 ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === LINE_FEED) line += 1;
      if (depth === 0 && byte !== OPEN) continue;
      if (isText) {
        // A JSON text contains no line feed: a line that was cut must not consume the rest of the file.
        if (byte === LINE_FEED || (byte === QUOTE && !isEscaped)) isText = false;
        isEscaped = byte === ESCAPE && !isEscaped;
      } else if (byte === QUOTE) isText = true;
      else if (byte === OPEN) {
        depth += 1;
        if (depth === 1) [from, begun] = [at, line];
      } else if (byte === CLOSE) {
        depth -= 1;
        if (depth > 0) continue;
        add(chunk.subarray(from, at + 1));
        from = -1;
        yield take();
      }
    }
    if (from >= 0) add(chunk.subarray(from));
  }
  if (length > 0) yield take();
}

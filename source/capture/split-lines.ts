const LINE_FEED = 0x0a;

/** One line of a file; null when it is longer than the limit. Its bytes are not kept then. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly bytes: Buffer | null;
}

/** The lines of a stream without their line feeds. Keeps one line in memory at a time. */
export async function* splitLines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 1;
  const add = (part: Buffer) => {
    length += part.length;
    if (length > maxBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const take = (): Line => {
    const line = { number, bytes: length > maxBytes ? null : Buffer.concat(parts) };
    parts = [];
    length = 0;
    number += 1;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, from);
      if (end < 0) break;
      add(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield take();
}

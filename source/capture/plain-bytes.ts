import { PassThrough, Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** A compressed file that is cut off or invalid. */
export class BrokenCapture extends Error {
  override readonly name = 'BrokenCapture';
}

const UTF_8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const GZIP_MARK = Buffer.from([0x1f, 0x8b]);
const UTF_16 = [
  { mark: Buffer.from([0xff, 0xfe]), encoding: 'utf-16le' },
  { mark: Buffer.from([0xfe, 0xff]), encoding: 'utf-16be' },
] as const;
const LONGEST_MARK = 3;

/**
 * The bytes of a capture as UTF-8 without a byte order mark. A file may be compressed with gzip, and a shell may have
 * written it in UTF-16. Throws a BrokenCapture after the part that could be decompressed.
 */
export async function* plainBytes(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { head, rest } = await startOf(chunks);
  if (head.subarray(0, 2).equals(GZIP_MARK)) {
    yield* plainBytes(gunzipped(rest));
    return;
  }
  const utf16 = UTF_16.find(({ mark }) => head.subarray(0, 2).equals(mark));
  if (utf16 !== undefined) {
    yield* decoded(rest, utf16.encoding);
    return;
  }
  let skip = head.subarray(0, LONGEST_MARK).equals(UTF_8_MARK) ? LONGEST_MARK : 0;
  for await (const chunk of rest) {
    const from = Math.min(skip, chunk.length);
    skip -= from;
    if (from < chunk.length) yield chunk.subarray(from);
  }
}

async function* gunzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const output = new PassThrough();
  // A failure reaches the reader through the output stream.
  pipeline(Readable.from(chunks), createGunzip(), output, () => undefined);
  try {
    for await (const chunk of output) yield chunk as Buffer;
  } catch (error) {
    throw new BrokenCapture('the compressed file breaks off, or is damaged', { cause: error });
  }
}

async function* decoded(chunks: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

/** The first bytes, then all chunks from the start. */
async function startOf(chunks: AsyncIterable<Buffer>) {
  const iterator = chunks[Symbol.asyncIterator]();
  const early: Buffer[] = [];
  let length = 0;
  while (length < LONGEST_MARK) {
    const next = await iterator.next();
    if (next.done === true) break;
    early.push(next.value);
    length += next.value.length;
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* early;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { head: Buffer.concat(early), rest: all() };
}

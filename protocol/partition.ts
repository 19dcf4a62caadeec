const TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

const encoder = new TextEncoder();

/** CRC-32 (IEEE 802.3) of the UTF-8 bytes of `text`, unsigned. */
export function crc32(text: string): number {
  let value = 0xffffffff;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return crc32Of(encoder.encode(text));
    value = (TABLE[(value ^ unit) & 0xff] ?? 0) ^ (value >>> 8);
  }
  return (value ^ 0xffffffff) >>> 0;
}

function crc32Of(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** The partition that keeps a call in order: by Call-ID, else by account. */
export function partitionOf(event: { readonly callId: string; readonly account: string }, partitions: number): number {
  return crc32(event.callId === '' ? event.account : event.callId) % partitions;
}

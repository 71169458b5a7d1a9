/** A stream that anybody can tell the bytes of: its block's length is a prime, so that no loss or shift goes unseen. */

/** Length of the block that repeats. */
export const PATTERN_BYTES = 65521;

/** Bytes that `patternAt` can hand out in one piece. */
const PIECE_BYTES = 1 << 18;

const pattern = new Uint8Array(PATTERN_BYTES + PIECE_BYTES);
for (let i = 0, x = 1; i < PATTERN_BYTES; i++) {
  x = (Math.imul(x, 1103515245) + 12345) >>> 0;
  pattern[i] = x >>> 16;
}
for (let at = PATTERN_BYTES; at < pattern.length; at += PATTERN_BYTES) {
  pattern.set(pattern.subarray(0, Math.min(PATTERN_BYTES, pattern.length - at)), at);
}

/** Up to `length` bytes of the stream from `offset` on, at least one; not to be written to. */
export function patternAt(offset: number, length: number): Uint8Array {
  const start = offset % PATTERN_BYTES;
  return pattern.subarray(start, start + Math.min(length, PIECE_BYTES));
}

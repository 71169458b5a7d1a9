/**
 * Lists of what waits, without a chain from one to the next: to follow one is a wait for each. Entries of eight bytes
 * stand in chunks of a cache line, and only the chunks are chained, the newest first.
 *
 *      | chunk before | entry | entry | entry |   free   |
 *                                             ^ the list: where its next entry goes; 0 when it is empty
 *
 * An entry is an event or a packet in the lower half, and in the upper the lower half of its time.
 */
import { Engine } from "../layout/engine";
import { reserve } from "../base/arena";

export const ENTRY: u32 = 8;
export const CHUNK: u32 = 64;
/** Chunks taken at a time. */
const CHUNKS: u32 = 1024;

/** Writes an entry behind the newest; returns the list. */
@inline
export function addEntry(e: Engine, list: u32, event: u32, time: u64): u32 {
  // Full, or empty
  const end = list & (CHUNK - 1) ? list : addChunk(e, list);
  store<u64>(<usize>end, (time << 32) | (<u64>event));
  return end + ENTRY;
}

function addChunk(e: Engine, list: u32): u32 {
  if (!e.chunks_free) refill(e);
  const chunk = e.chunks_free;
  e.chunks_free = load<u32>(<usize>chunk);
  store<u32>(<usize>chunk, list);
  return chunk + ENTRY;
}

function refill(e: Engine): void {
  let chunk = <u32>reserve(CHUNKS * CHUNK);
  for (const end = chunk + CHUNKS * CHUNK; chunk < end; chunk += CHUNK) giveChunk(e, chunk);
}

@inline
export function giveChunk(e: Engine, chunk: u32): void {
  store<u32>(<usize>chunk, e.chunks_free);
  e.chunks_free = chunk;
}

/** The chunk with a list's newest entry. */
@inline
export function chunkOf(list: u32): u32 {
  return (list - 1) & ~(CHUNK - 1);
}

/** Chains the chunks of a list by what comes behind each; returns the oldest. */
export function oldestFirst(list: u32): u32 {
  let next: u32 = 0;
  while (list) {
    const chunk = chunkOf(list);
    list = load<u32>(<usize>chunk);
    store<u32>(<usize>chunk, next);
    next = chunk;
  }
  return next;
}

/** What of the core's memory is in use, counted from its free lists. */
import type { Engine } from "../../src/core/engine.ts";
import { Engine as Root, Opt, Segment, SegmentExt } from "../../src/core/layout.gen.ts";

/** Segments are made by the batch, some multiple of this: when none is in use, all of every batch are free. */
const BATCH = 512;
/** What a pool takes from the arena when it is empty. */
export const POOL_BYTES = 65536;

/** Makes both pools of segments, so that the first segment does not count as memory that was kept. */
export function fillPools(engine: Engine): void {
  const short = engine.exports.takeSegment();
  const long = engine.exports.takeLongSegment();
  engine.set(short, Segment.opts, 0);
  engine.set(long, Segment.opts, Opt.EXT);
  engine.set(long + Segment.size, SegmentExt.payload, 0);
  engine.exports.giveSegment(short);
  engine.exports.giveSegment(long);
}

/** Bytes of the slab that holds `bytes`. */
export function slabSize(bytes: number): number {
  return 2 ** Math.max(5, Math.ceil(Math.log2(bytes)));
}

/** Bytes that were taken from the arena and have not been given back. What pools of nodes have taken stays taken. */
export function bytesInUse(engine: Engine): number {
  return engine.exports.bytesInUse() >>> 0;
}

/** How many segments are missing from their pools; 0 when nothing travels. */
export function segmentsInUse(engine: Engine): number {
  return [Root.segment_free, Root.segment_ext_free].reduce((missing, list) => {
    let free = 0;
    for (let at = engine.get(engine.root, list); at !== 0; at = engine.get(at, Segment.next)) free++;
    return missing + (BATCH - free % BATCH) % BATCH;
  }, 0);
}

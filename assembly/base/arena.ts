/**
 * Memory: a bump pointer for what lives as long as the run, and power-of-two slabs with free lists
 * for what comes and goes. A slab's class is log2 of its size. Nothing is ever given back to the
 * runtime; what was freed is handed out again before memory grows.
 */
import { engine, ARENA_LISTS } from "./root";

const PAGE: u64 = 65536;
const SMALLEST_CLASS: u32 = 5;
const CLASSES: u32 = 32;

export function arenaInit(): void {
  engine().arena_top = <u32>((__heap_base + 63) & ~63);
}

/** Bytes for good, zeroed, aligned to 64. */
export function reserve(bytes: u64): usize {
  return reserveAligned(bytes, 64);
}

/** Bytes for good, zeroed, aligned to a power of two. */
export function reserveAligned(bytes: u64, align: u32): usize {
  const e = engine();
  const at = (e.arena_top + align - 1) & ~(align - 1);
  const top = <u64>at + bytes;
  assert(top < 0xffff0000, "out of memory: the run needs more than 4 GiB");
  const have = <u64>memory.size() * PAGE;
  if (top > have) {
    // A sixteenth more than asked for: growing is a call into the runtime, and views are rebuilt
    const least = <i32>((top - have + PAGE - 1) / PAGE);
    let pages = least + <i32>(have >> 20);
    if (<u64>memory.size() + pages > 65535) pages = least;
    assert(memory.grow(pages) >= 0, "out of memory: the runtime refused to grow it");
  }
  e.arena_top = <u32>top;
  return <usize>at;
}

/** The class that holds `bytes`. */
export function slabClass(bytes: u32): u32 {
  return max(SMALLEST_CLASS, 32 - <u32>clz<u32>(bytes - 1));
}

/** A slab of 2^klass bytes; not zeroed when it was in use before. */
export function takeSlab(klass: u32): usize {
  const list = ARENA_LISTS + ((<usize>klass) << 2);
  const p = load<u32>(list);
  if (p) {
    store<u32>(list, load<u32>(p));
    return <usize>p;
  }
  if (klass >= 6) return reserve((<u64>1) << klass);
  // Small slabs are cut from a line of 64
  const line = reserve(64);
  for (let at: usize = line + ((<usize>1) << klass); at < line + 64; at += (<usize>1) << klass) giveSlab(at, klass);
  return line;
}

export function giveSlab(p: usize, klass: u32): void {
  const list = ARENA_LISTS + ((<usize>klass) << 2);
  store<u32>(p, load<u32>(list));
  store<u32>(list, <u32>p);
}

/** Bytes handed out and not given back, counted the slow way. The pools of nodes count as handed out. */
export function bytesInUse(): u32 {
  let free: u32 = 0;
  for (let klass = SMALLEST_CLASS; klass < CLASSES; klass++) {
    let at = load<u32>(ARENA_LISTS + ((<usize>klass) << 2));
    for (; at; at = load<u32>(<usize>at)) free += (<u32>1) << klass;
  }
  return engine().arena_top - free;
}

/** Time is u64 nanoseconds and an argument everywhere; these turn it into a protocol's coarser units. */
import { engine } from "./root";

export const NS_PER_US: u64 = 1000;
export const NS_PER_MS: u64 = 1000000;
export const NS_PER_S: u64 = 1000000000;
export const NEVER: u64 = u64.MAX_VALUE;

/** Microseconds in a span. Up to half a minute it is a multiplication: a 64-bit division costs some forty cycles. */
export function microseconds(ns: u64): u32 {
  if (ns >> 35) return <u32>min<u64>(ns / 1000, u32.MAX_VALUE);
  // 2^38 / 1000, rounded up: off by one at most, beyond a second
  return <u32>((ns * 274877907) >> 38);
}

/** The clock in milliseconds, RFC 7323's timestamp clock; divided out once a tick. */
export function timestampClock(now: u64): u32 {
  const e = engine();
  if (now - e.now_ms_at >= NS_PER_MS) {
    const ms = now / NS_PER_MS;
    e.now_ms_at = ms * NS_PER_MS;
    e.now_ms = <u32>ms;
  }
  return e.now_ms;
}

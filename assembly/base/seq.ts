/** Sequence numbers, RFC 9293 §3.4: u32 on a circle, compared only through these. */

export function seqLt(a: u32, b: u32): bool {
  return <i32>(a - b) < 0;
}

export function seqLeq(a: u32, b: u32): bool {
  return <i32>(a - b) <= 0;
}

export function seqGt(a: u32, b: u32): bool {
  return <i32>(a - b) > 0;
}

export function seqGeq(a: u32, b: u32): bool {
  return <i32>(a - b) >= 0;
}

export function seqMax(a: u32, b: u32): u32 {
  return <i32>(a - b) >= 0 ? a : b;
}

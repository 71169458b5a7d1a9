/**
 * The digest of a run: two runs with one digest had the same events, in the same order what happened event by event or
 * passed one gate.
 */
import { Gate } from "../layout/link";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";

/** Takes what happens into a digest: when, what kind, which header; the numbers tell the connection. */
@inline
export function mixed(digest: u64, time: u64, head: u32, numbers: u64): u64 {
  return (rotl(digest, 29) ^ time ^ rotl(numbers, 17) ^ ((<u64>head) << 33)) * 0x9e3779b97f4a7c15;
}

/** Counts a deadline of a connection that was met. Those of different connections are met in any order. */
@inline
export function countDeadline(tcb: Tcb, at: u64): void {
  const e = engine();
  e.events++;
  e.digest_deadlines += mixed(0, at, 0, load<u64>(changetype<usize>(tcb), offsetof<Tcb>("local_addr")));
}

/** Of the events, of the deadlines that were met, and of what has passed each gate. */
export function runDigest(): u64 {
  const e = engine();
  let digest = mixed(e.digest, 0, 0, e.digest_deadlines);
  for (let gate = changetype<Gate>(<usize>e.gates); gate; gate = changetype<Gate>(<usize>gate.next)) {
    digest = mixed(digest, 0, 0, gate.digest);
  }
  return digest;
}

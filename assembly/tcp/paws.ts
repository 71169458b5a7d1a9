/**
 * Protection against wrapped sequence numbers, RFC 7323 §5: a segment whose timestamp is older than TS.Recent is of
 * another age. Left out, as in Linux: segments without the option are not refused (§3.2), some middleboxes strip it.
 */
import { Opt, TcbFlag } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { seqLt } from "../base/seq";

/** TS.Recent's age is kept in turns of 2^47 ns, 1.6 days: fifteen are more than 24 days (RFC 7323 §5.5). */
const AGE_SHIFT: u64 = 47;
const OUTDATED: u8 = 15;

@inline
export function storeTimestamp(tcb: Tcb, tsval: u32, now: u64): void {
  tcb.ts_recent = tsval;
  tcb.ts_recent_age = <u8>(now >> AGE_SHIFT);
}

/** Whether the segment's timestamp is older than TS.Recent. That of a SYN may be 0 and mean nothing. */
export function isOlder(tcb: Tcb, segment: Segment, now: u64): bool {
  if (!(tcb.flags & TcbFlag.TIMESTAMPS) || !((<u32>segment.opts) & Opt.TIMESTAMPS)) return false;
  if (!seqLt(segment.tsval, tcb.ts_recent) || tcb.ts_recent == 0) return false;
  // The clock has turned halfway since: neither is older
  return <u8>(now >> AGE_SHIFT) - tcb.ts_recent_age < OUTDATED;
}

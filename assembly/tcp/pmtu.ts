/**
 * The effective send MSS: what the peer takes (RFC 9293 §3.7.1, RFC 6691), what the path takes (RFC 1191, RFC 8201), less
 * the options of every segment, and no more than half of the peer's window.
 */
import { TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { boundToHalfWindow } from "./push";

/** RFC 7323 §3.2: the option with its padding, on every segment. */
export const TIMESTAMPS_LENGTH: u32 = 12;
/** A forged MSS of a few bytes would make a sender spend its time on headers. */
const MSS_MIN: u32 = 64;

/** IP and TCP headers without options. */
@inline
export function headersLength(_tcb: Tcb): u32 {
  return 40;
}

/** Works out `Tcb.mss` anew. */
export function syncMss(tcb: Tcb): void {
  let mss = min<u32>(tcb.snd_mss, tcb.rcv_mss);
  if (tcb.ext) {
    const path = <u32>changetype<TcbExt>(<usize>tcb.ext).path_mss;
    if (path) mss = min(mss, path);
  }
  mss = max(MSS_MIN, mss);
  if (tcb.flags & TcbFlag.TIMESTAMPS) mss -= TIMESTAMPS_LENGTH;
  tcb.mss = <u16>boundToHalfWindow(tcb, mss);
}

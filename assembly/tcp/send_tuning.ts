/**
 * A send buffer that follows the congestion window (Linux's tcp_sndbuf_expand): room for twice what may be in flight, so
 * that an application that writes in time never keeps the window empty. SO_SNDBUF ends it.
 */
import { TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { inFlight } from "./sent";
import { ringsGrow } from "./extension";

/** What a segment takes of memory beside its data: headers and the structs that describe it. */
const SEGMENT_OVERHEAD: u32 = 640;
const SEGMENT_STRUCT: u32 = 256;
const SEGMENTS_MIN: u32 = 10;

/** Room for twice the window; never less than before. */
export function expandSendBuffer(tcb: Tcb): void {
  if (!(tcb.flags & TcbFlag.TUNED_BUFFER) || isLocked(tcb)) return;
  const data = <u32>tcb.mss + SEGMENT_OVERHEAD;
  const each = ((<u32>1) << (32 - <u32>clz(data - 1))) + SEGMENT_STRUCT;
  const segments = <u64>max(max<u32>(SEGMENTS_MIN, tcb.cwnd), engine().reordering + 1);
  const room = min<u64>(2 * segments * each, engine().wmem_max);
  if (room <= tcb.snd_buf) return;
  tcb.snd_buf = <u32>room;
  ringsGrow(tcb);
}

/** The application waits for room: more of it helps when the window is not what holds it up. */
export function sendBufferIsShort(tcb: Tcb): void {
  if (inFlight(tcb) < tcb.cwnd) expandSendBuffer(tcb);
}

function isLocked(tcb: Tcb): bool {
  return tcb.ext != 0 && changetype<TcbExt>(<usize>tcb.ext).sndbuf_locked != 0;
}

/** What hangs off a control block beside its queues: inherited by what a listener accepts, given back at the end. */
import { TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { giveSlab, slabClass, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { ecnRelease } from "./ecn";
import { fastOpenRelease } from "./fast_open";
import { growRing, receiveRingClass } from "./receive_tuning";
import { largerRing } from "./real_bytes";
import { reassemblyRelease } from "./reassembly";
import { releaseReceiver } from "./receiver";
import { releaseSender } from "./sender";
import { sentRelease } from "./sent";

/** The connection's `TcbExt`, made when it has none. */
export function connectionExt(tcb: Tcb): TcbExt {
  if (!tcb.ext) {
    const ext = takeSlab(slabClass(offsetof<TcbExt>()));
    memory.fill(ext, 0, offsetof<TcbExt>());
    tcb.ext = <u32>ext;
  }
  return changetype<TcbExt>(<usize>tcb.ext);
}

/** After a copy of a listener's block: the settings are its own now, what was allocated is not. */
export function connectionInherits(tcb: Tcb): void {
  tcb.sent = 0;
  tcb.tx = 0;
  tcb.rx = 0;
  if (!tcb.ext) return;
  const from = <usize>tcb.ext;
  tcb.ext = 0;
  const ext = connectionExt(tcb);
  memory.copy(changetype<usize>(ext), from, offsetof<TcbExt>());
  ext.send = 0;
  ext.receive = 0;
  ext.rtt_histogram = 0;
  ext.ecn = 0;
  ext.fast_open = 0;
  ext.mtu_probing = 0;
}

/** Gives back all that the block holds: nobody will look at it again. */
export function connectionRelease(tcb: Tcb): void {
  sentRelease(tcb);
  releaseSender(tcb);
  reassemblyRelease(tcb);
  releaseReceiver(tcb);
  ecnRelease(tcb);
  fastOpenRelease(tcb);
  if (!tcb.ext) return;
  ringsRelease(changetype<TcbExt>(<usize>tcb.ext));
  giveSlab(tcb.ext, slabClass(offsetof<TcbExt>()));
  tcb.ext = 0;
}

/** Rings that hold a full send and a full receive buffer. */
export function ringsTake(tcb: Tcb): void {
  const ext = connectionExt(tcb);
  if (ext.send) return;
  const send = sendClass(tcb);
  const receive = receiveRingClass(tcb);
  ext.send = <u32>takeSlab(send);
  ext.send_mask = ((<u32>1) << send) - 1;
  ext.receive = <u32>takeSlab(receive);
  ext.receive_mask = ((<u32>1) << receive) - 1;
}

@inline
function sendClass(tcb: Tcb): u32 {
  // A host takes whole bursts as long as the buffer is not full
  // A host takes whole bursts as long as the buffer is not full, and the rest of the last one
  return slabClass(tcb.snd_buf + (engine().tso_bytes_max ? 0x20000 : 0));
}

/** A buffer has grown: its ring has to hold it. What it holds moves over. */
export function ringsGrow(tcb: Tcb): void {
  if (!(tcb.flags & TcbFlag.REAL_BYTES) || !tcb.ext) return;
  const ext = changetype<TcbExt>(<usize>tcb.ext);
  if (!ext.send) return;
  const send = ((<u32>1) << sendClass(tcb)) - 1;
  if (send > ext.send_mask) {
    ext.send = largerRing(ext.send, ext.send_mask, send, tcb.snd_una);
    ext.send_mask = send;
  }
  growRing(tcb);
}

function ringsRelease(ext: TcbExt): void {
  if (!ext.send) return;
  giveSlab(ext.send, 32 - <u32>clz(ext.send_mask));
  giveSlab(ext.receive, 32 - <u32>clz(ext.receive_mask));
  ext.send = 0;
  ext.receive = 0;
}

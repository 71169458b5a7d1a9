/** The `Sender` of an end that has sent data. */
import { TcbFlag, Timer } from "../layout/enums";
import { Retransmission, Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { giveSlab, slabClass, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { sendsWithCare } from "./mtu_probing";
import { findNextPush, releaseMarks } from "./push";
import { timerClear } from "./timers";
import { beginDeviation } from "./rtt";

/** Only of a connection that has sent data. */
@inline
export function senderOf(tcb: Tcb): Sender {
  return changetype<Sender>(<usize>tcb.tx);
}

@inline
export function takeSender(tcb: Tcb): void {
  if (!tcb.tx) makeSender(tcb);
}

function makeSender(tcb: Tcb): void {
  const at = takeSlab(slabClass(offsetof<Sender>()));
  memory.fill(at, 0, offsetof<Sender>());
  tcb.tx = <u32>at;
  const sender = changetype<Sender>(at);
  sender.reordering = engine().reordering;
  sender.reo_wnd_steps = 1;
  // Only the handshake has been measured so far, if anything
  beginDeviation(tcb);
  sender.snd_sml = tcb.snd_una;
  // What was written while the connection opened counts as one write
  sender.tail_start = tcb.snd_nxt;
  sender.pushed_seq = tcb.write_seq;
  // Nothing was sent since
  sender.established_ms = tcb.last_sent_ms;
  sender.heard_ms = tcb.last_sent_ms;
  sender.tail_push = 1;
  sender.rtt_min_before_us = u32.MAX_VALUE;
  sender.rtt_min_ever_us = u32.MAX_VALUE;
  sender.rtt_min_since_ms = engine().now_ms;
  findNextPush(tcb, sender);
  if (sendsWithCare(tcb)) tcb.flags |= TcbFlag.SEND_CARE;
}

export function releaseSender(tcb: Tcb): void {
  if (!tcb.tx) return;
  const sender = senderOf(tcb);
  // What is left of the account is that of all its time
  tcb.rtt_min_us = min(tcb.rtt_min_us, sender.rtt_min_ever_us);
  releaseMarks(sender);
  timerClear(tcb, Timer.PACING);
  if (sender.rtx_ring) giveSlab(sender.rtx_ring, sender.rtx_bits + 4);
  giveSlab(tcb.tx, slabClass(offsetof<Sender>()));
  tcb.tx = 0;
}

if (offsetof<Retransmission>() != 16) ERROR("Retransmission is not 16 bytes");

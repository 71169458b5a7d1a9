/** The `Sender` of an end that has sent data. */
import { Retransmission, Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { giveSlab, slabClass, takeSlab } from "../base/arena";
import { engine } from "../base/root";

/** Only of a connection that has sent data. */
@inline
export function senderOf(tcb: Tcb): Sender {
  return changetype<Sender>(<usize>tcb.tx);
}

export function takeSender(tcb: Tcb): void {
  if (tcb.tx) return;
  const at = takeSlab(slabClass(offsetof<Sender>()));
  memory.fill(at, 0, offsetof<Sender>());
  tcb.tx = <u32>at;
  const sender = changetype<Sender>(at);
  sender.reordering = engine().reordering;
  sender.reo_wnd_steps = 1;
  // Only the handshake has been measured so far, if anything: its deviation is half the sample
  sender.mdev_us4 = tcb.srtt_us8 >> 2;
  sender.mdev_max_us4 = tcb.rttvar_us4;
  sender.rtt_seq = tcb.snd_nxt;
}

export function releaseSender(tcb: Tcb): void {
  if (!tcb.tx) return;
  const sender = senderOf(tcb);
  if (sender.rtx_ring) giveSlab(sender.rtx_ring, sender.rtx_bits + 4);
  giveSlab(tcb.tx, slabClass(offsetof<Sender>()));
  tcb.tx = 0;
}

if (offsetof<Retransmission>() != 16) ERROR("Retransmission is not 16 bytes");

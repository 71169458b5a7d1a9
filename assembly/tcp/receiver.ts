/** The `Receiver` of a connection: made when there is something to keep in it, given back when the connection ends. */
import { Receiver } from "../layout/receiver";
import { Tcb } from "../layout/tcb";
import { giveSlab, takeSlab } from "../base/arena";

const CLASS: u32 = 7;

if (offsetof<Receiver>() != 128) ERROR("Receiver is not 128 bytes");

/** Only of a connection that has one. */
@inline
export function receiverOf(tcb: Tcb): Receiver {
  return changetype<Receiver>(<usize>tcb.rx);
}

/** The connection's receiver, made when it has none. */
export function takeReceiver(tcb: Tcb): Receiver {
  if (tcb.rx) return receiverOf(tcb);
  const at = takeSlab(CLASS);
  memory.fill(at, 0, 1 << CLASS);
  tcb.rx = <u32>at;
  return changetype<Receiver>(at);
}

export function releaseReceiver(tcb: Tcb): void {
  if (!tcb.rx) return;
  assert(receiverOf(tcb).reassembly == 0, "a receiver is given back with text out of order");
  giveSlab(<usize>tcb.rx, CLASS);
  tcb.rx = 0;
}

/** The `Receiver` of a connection: made when there is something to keep in it, given back when the connection ends. */
import { Receiver } from "../layout/receiver";
import { Tcb } from "../layout/tcb";
import { giveSlab, takeSlab } from "../base/arena";

const CLASS: u32 = 7;

if (offsetof<Receiver>() != 128) ERROR("Receiver is not 128 bytes");

/** The connection's receiver, made when it has none. */
@inline
export function receiverOf(tcb: Tcb): Receiver {
  return tcb.rx ? changetype<Receiver>(<usize>tcb.rx) : makeReceiver(tcb);
}

function makeReceiver(tcb: Tcb): Receiver {
  const p = takeSlab(CLASS);
  memory.fill(p, 0, 1 << CLASS);
  tcb.rx = <u32>p;
  return changetype<Receiver>(p);
}

/** Gives the slab back; what it held out of order must be gone. */
export function releaseReceiver(tcb: Tcb): void {
  if (!tcb.rx) return;
  assert(changetype<Receiver>(<usize>tcb.rx).reassembly == 0, "a receiver is given back with text out of order");
  giveSlab(<usize>tcb.rx, CLASS);
  tcb.rx = 0;
}

/** What a user set of the congestion control before the connection opened: `CcOption` bits in cc_priv7. */
import { Tcb } from "../layout/tcb";

@inline
export function ccOptions(tcb: Tcb): u32 {
  return <u32>tcb.cc_priv7;
}

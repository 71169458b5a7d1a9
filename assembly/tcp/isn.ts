/** Initial sequence numbers, RFC 6528: ISN = M + F(addresses, ports, secret), M a clock of 4 microseconds. */
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { siphash } from "../base/siphash";

export function initialSequenceNumber(tcb: Tcb, now: u64): u32 {
  const e = engine();
  const addresses = ((<u64>tcb.local_addr) << 32) | tcb.remote_addr;
  const ports = ((<u64>tcb.local_port) << 16) | tcb.remote_port;
  return <u32>(now / 4000) + <u32>siphash(e.secret0, e.secret1, addresses, ports);
}

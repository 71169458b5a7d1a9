/** What a segment may be long on the way to a peer. */
import { TcbExt } from "../layout/reassembly";
import { Socket } from "../layout/stack";
import { Tcb } from "../layout/tcb";
import { connectionExt } from "../tcp/extension";
import { isIpv4 } from "./address";
import { stack } from "./stack";

const IPV4_HEADERS: u32 = 40;
const IPV6_HEADERS: u32 = 60;

/** The MSS to announce, RFC 9293 §3.7.1: the MTU less the fixed headers, or less when TCP_MAXSEG says so. */
export function maximumSegment(socket: Socket, tcb: Tcb): u16 {
  const headers = isIpv4(socket.remote_hi, socket.remote_lo) ? IPV4_HEADERS : IPV6_HEADERS;
  if (headers != IPV4_HEADERS) connectionExt(tcb).header_bytes = <u8>headers;
  const own = stack();
  const mss = own.advmss ? min(own.advmss, own.mtu - headers) : own.mtu - headers;
  const user = tcb.ext ? <u32>changetype<TcbExt>(<usize>tcb.ext).user_mss : 0;
  return <u16>(user ? min(user, mss) : mss);
}

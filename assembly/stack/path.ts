/** What a segment may be long on the way to a peer. */
import { Socket } from "../layout/stack";
import { Tcb } from "../layout/tcb";
import { isIpv4 } from "./address";
import { stack } from "./stack";

const IPV4_HEADERS: u32 = 40;
const IPV6_HEADERS: u32 = 60;

/** The MSS to announce, RFC 9293 §3.7.1: the MTU less the fixed headers. */
export function maximumSegment(socket: Socket, tcb: Tcb): u16 {
  return <u16>(stack().mtu - (isIpv4(socket.remote_hi, socket.remote_lo) ? IPV4_HEADERS : IPV6_HEADERS));
}

/** The host's root: made once, reached through `Engine.stack`. */
import { Stack, Socket } from "../layout/stack";
import { Tcb } from "../layout/tcb";
import { reserve, takeSlab } from "../base/arena";
import { takeLongSegment } from "../base/pool";
import { engine } from "../base/root";

const TABLE_BITS: u32 = 8;
/** log2 of the chains of ports. */
export const PORT_BITS: u32 = 10;
/** The longest packet that IP can say, with room for a header before it. */
const INPUT_BYTES: u32 = 65536 + 64;
/** log2 of the output buffer's first size. */
export const OUTPUT_CLASS: u32 = 16;
/** A socket and its `Tcb` share a slab of 2^SOCKET_CLASS bytes. */
export const SOCKET_CLASS: u32 = 9;

if (offsetof<Socket>() != 128 || offsetof<Socket>() + offsetof<Tcb>() != 512) ERROR("a socket and its Tcb do not fit");

@inline
export function stack(): Stack {
  return changetype<Stack>(<usize>engine().stack);
}

/** Makes the run a host with `addresses` local addresses, which the caller fills in. Comes after `init`. */
export function stackInit(addresses: u32): usize {
  const s = changetype<Stack>(reserve(offsetof<Stack>()));
  engine().stack = <u32>changetype<usize>(s);
  s.table_bits = TABLE_BITS;
  s.table = <u32>takeSlab(TABLE_BITS + 2);
  memory.fill(s.table, 0, 4 << TABLE_BITS);
  s.ports = <u32>reserve(4 << PORT_BITS);
  s.address_count = addresses;
  s.addresses = <u32>reserve((<u64>addresses) << 4);
  s.input = <u32>reserve(INPUT_BYTES);
  s.output = <u32>takeSlab(OUTPUT_CLASS);
  s.output_size = 1 << OUTPUT_CLASS;
  s.template = <u32>reserve((<u64>1) << SOCKET_CLASS);
  s.nobody = <u32>reserve((<u64>1) << SOCKET_CLASS);
  s.segment = <u32>changetype<usize>(takeLongSegment());
  return changetype<usize>(s);
}

@inline
export function tcbOf(socket: Socket): Tcb {
  return changetype<Tcb>(changetype<usize>(socket) + offsetof<Socket>());
}

@inline
export function socketOf(tcb: Tcb): Socket {
  return changetype<Socket>(changetype<usize>(tcb) - offsetof<Socket>());
}

@inline
export function socketAt(address: u32): Socket {
  return changetype<Socket>(<usize>address);
}

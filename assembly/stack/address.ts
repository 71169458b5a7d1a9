/**
 * Addresses: 16 bytes in network order, two words as they lie in memory; IPv4 as ::ffff:a.b.c.d.
 *
 *      hi                      lo
 *      | 00 00 00 00 00 00 00 00 | 00 00 ff ff  a  b  c  d |
 */
import { LocalAddress } from "../layout/stack";
import { Packet } from "../layout/wire";
import { siphash } from "../base/siphash";
import { engine } from "../base/root";
import { stack } from "./stack";

/** The first half of an IPv4 address's second word. */
const MAPPED: u64 = 0xffff0000;

@inline
export function isIpv4(hi: u64, lo: u64): bool {
  return hi == 0 && (lo & 0xffffffff) == MAPPED;
}

/** An IPv4 address, a number in host order, as the second word; the first is 0. */
@inline
export function mapped(address: u32): u64 {
  return MAPPED | ((<u64>bswap(address)) << 32);
}

/** The IPv4 address, in host order, that the second word holds. */
@inline
export function unmapped(lo: u64): u32 {
  return bswap(<u32>(lo >> 32));
}

/** :: or 0.0.0.0: any address of the host. */
export function isAny(hi: u64, lo: u64): bool {
  return hi == 0 && (lo == 0 || lo == MAPPED);
}

/** The place of an address in `Stack.addresses`; their number when it is none of the host's. */
export function localPlace(hi: u64, lo: u64): u32 {
  const s = stack();
  let i: u32 = 0;
  for (; i < s.address_count; i++) {
    const own = changetype<LocalAddress>(<usize>s.addresses + ((<usize>i) << 4));
    if (own.lo == lo && own.hi == hi) break;
  }
  return i;
}

export function isLocal(hi: u64, lo: u64): bool {
  return localPlace(hi, lo) < stack().address_count;
}

/** An address that no packet comes from, RFC 1812 §5.3.7: loopback, multicast, broadcast, none. */
export function isMartian(hi: u64, lo: u64): bool {
  if (isIpv4(hi, lo)) {
    const net = unmapped(lo) >> 24;
    return net == 0 || net == 127 || net >= 224;
  }
  return (hi & 0xff) == 0xff || (hi == 0 && (lo == 0 || lo == (<u64>1) << 56));
}

/** The host's first address of a family; null when it has none. */
export function localAddress(ipv4: bool): LocalAddress | null {
  const s = stack();
  for (let i: u32 = 0; i < s.address_count; i++) {
    const own = changetype<LocalAddress>(<usize>s.addresses + ((<usize>i) << 4));
    if (isIpv4(own.hi, own.lo) == ipv4) return own;
  }
  return null;
}

/** The parser leaves IPv4 addresses as numbers: gives the packet both forms. */
export function mapAddresses(packet: Packet): void {
  if (packet.version == 6) return;
  packet.src_hi = 0;
  packet.dst_hi = 0;
  packet.src_lo = mapped(packet.src_addr);
  packet.dst_lo = mapped(packet.dst_addr);
}

/** Four bytes that stand for an address where there is room for no more: the hash of a connection's ISN. */
export function shortAddress(hi: u64, lo: u64): u32 {
  if (isIpv4(hi, lo)) return unmapped(lo);
  const e = engine();
  return <u32>siphash(e.secret1, e.secret0, hi, lo);
}

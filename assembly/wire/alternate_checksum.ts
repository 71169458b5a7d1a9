/**
 * RFC 1146's alternate checksums of a TCP segment: 8-bit Fletcher's two bytes stand in the checksum field, A first; of
 * 16-bit Fletcher A stands there and B in the Alternate Checksum Data option. SYNs and RSTs have TCP's own always.
 */
import { fletcherAdd } from "../base/fletcher";
import { AltChecksum, Flag } from "../layout/enums";
import { OptionKind, Packet } from "../layout/wire";

const CHECKSUM_AT: u32 = 16;
const FLAGS_AT: u32 = 13;
const OPTIONS_AT: u32 = 20;
const IP_PROTOCOL_TCP: u32 = 6;
const PSEUDO: usize = memory.data(40, 8);

/** Whether a segment with these flags has the alternate checksum that `packet` asks for. */
@inline
export function isAlternate(packet: Packet, flags: u32): bool {
  return packet.alt_checksum != 0 && (flags & (Flag.SYN | Flag.RST)) == 0;
}

/** The sum over pseudo-header, header and payload; the checksum's own places must be zero. */
function sumOf(packet: Packet, at: usize, header: u32, payload: usize, length: u32): u64 {
  const wide = packet.alt_checksum == <u8>AltChecksum.FLETCHER_16;
  let sum = fletcherAdd(0, PSEUDO, pseudoHeader(packet, header + length), wide);
  sum = fletcherAdd(sum, at, header, wide);
  return fletcherAdd(sum, payload, length, wide);
}

/** Writes the pseudo-header at PSEUDO; its length. */
function pseudoHeader(packet: Packet, length: u32): u32 {
  if (packet.version == 6) {
    memory.copy(PSEUDO, changetype<usize>(packet) + offsetof<Packet>("src_hi"), 32);
    store<u32>(PSEUDO, bswap<u32>(length), 32);
    store<u32>(PSEUDO, bswap<u32>(IP_PROTOCOL_TCP), 36);
    return 40;
  }
  store<u32>(PSEUDO, bswap(packet.src_addr));
  store<u32>(PSEUDO, bswap(packet.dst_addr), 4);
  store<u32>(PSEUDO, bswap<u32>((IP_PROTOCOL_TCP << 16) | length), 8);
  return 12;
}

/** Where the two bytes of the data option stand in the header at `at`; 0 when there is no such option. */
function dataOption(at: usize, header: u32): usize {
  let option = at + OPTIONS_AT;
  const end = at + header;
  while (option + 1 < end) {
    const kind = <u32>load<u8>(option);
    if (kind == <u32>OptionKind.END) return 0;
    if (kind == <u32>OptionKind.NOP) {
      option++;
      continue;
    }
    const length = <u32>load<u8>(option, 1);
    if (length < 2 || option + length > end) return 0;
    if (kind == <u32>OptionKind.ALT_CHECKSUM_DATA) return length == 4 ? option + 2 : 0;
    option += length;
  }
  return 0;
}

/** Puts the checksum into a header whose places for it are zero. */
export function writeAlternate(packet: Packet, at: usize, header: u32, length: u32): void {
  const sum = sumOf(packet, at, header, packet.payload, length);
  if (packet.alt_checksum == <u8>AltChecksum.FLETCHER_8) {
    store<u8>(at, <u8>sum, CHECKSUM_AT);
    store<u8>(at, <u8>(sum >> 32), CHECKSUM_AT + 1);
    return;
  }
  const data = dataOption(at, header);
  assert(data != 0, "a segment with 16-bit Fletcher's checksum has no place for it");
  store<u16>(at, bswap<u16>(<u16>sum), CHECKSUM_AT);
  store<u16>(data, bswap<u16>(<u16>(sum >> 32)));
}

/** Whether the checksum of the segment of `length` bytes at `at` is right. Leaves the bytes as they were. */
export function alternateHolds(packet: Packet, at: usize, header: u32, length: u32): bool {
  const data = packet.alt_checksum == <u8>AltChecksum.FLETCHER_16 ? dataOption(at, header) : 0;
  if (packet.alt_checksum == <u8>AltChecksum.FLETCHER_16 && !data) return false;
  const field = load<u16>(at, CHECKSUM_AT);
  const rest = data ? load<u16>(data) : 0;
  store<u16>(at, 0, CHECKSUM_AT);
  if (data) store<u16>(data, 0);
  const sum = sumOf(packet, at, header, at + header, length - header);
  store<u16>(at, field, CHECKSUM_AT);
  if (data) store<u16>(data, rest);
  if (!data) return field == <u16>(((<u16>sum) & 0xff) | ((<u16>(sum >> 32)) << 8));
  return field == bswap<u16>(<u16>sum) && rest == bswap<u16>(<u16>(sum >> 32));
}

/** The flags of the header at `at`. */
@inline
export function flagsAt(at: usize): u32 {
  return load<u8>(at, FLAGS_AT);
}

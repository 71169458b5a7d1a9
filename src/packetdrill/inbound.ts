/** The bytes of the packets that a script injects, with live numbers in place of the script's. */
import type { Config } from "./config.ts";
import type { Connection } from "./connection.ts";
import { TcpFlag } from "./flags.ts";
import { icmpNumbers } from "./icmp_names.ts";
import type { IcmpPacket, IpInfo, TcpPacket } from "./syntax.ts";
import { addressBytes, encodeIcmp, encodeSegment, type IpHeader } from "./wire.ts";

const TTL = 255;
/** A quoted segment carries its first 8 bytes at least (RFC 792): ports and sequence number. */
const QUOTED_TCP = 8;

/** Encodes a packet; `missing` is told of an echoed timestamp that was never seen. */
export function inboundPacket(
  packet: TcpPacket | IcmpPacket,
  connection: Connection,
  config: Config,
  missing: (timestamp: string) => never,
): Uint8Array {
  const ip = ipHeader(config.remoteIp, config.localIp, packet.ip);
  if (packet.kind === "icmp") return icmpBytes(packet, connection, config, ip);
  const options = connection.liveOptions(packet.options!);
  if (typeof options === "string") return missing(options);
  return encodeSegment({
    ip,
    srcPort: connection.remotePort,
    dstPort: connection.localPort ?? 0,
    seq: packet.seq.start,
    ack: (packet.flags & TcpFlag.ACK) === 0 ? packet.ack : connection.toLive(packet.ack),
    flags: packet.flags,
    win: packet.win!,
    urg: packet.urg ?? 0,
    options,
    length: packet.seq.length,
  });
}

function ipHeader(src: string, dst: string, info: IpInfo): IpHeader {
  const tos = (info.tos ?? 0) & ~(info.ecn === undefined ? 0 : 3) | (info.ecn ?? 0);
  return { src: addressBytes(src), dst: addressBytes(dst), tos, ttl: info.ttl ?? TTL, flowLabel: info.flowLabel ?? 0 };
}

/** The message quotes a segment that the local host has sent. */
function icmpBytes(packet: IcmpPacket, connection: Connection, config: Config, ip: IpHeader): Uint8Array {
  const numbers = icmpNumbers(config.ipVersion === "ipv6", packet.type, packet.code);
  if (typeof numbers === "string") throw new Error(numbers);
  const segment = encodeSegment({
    ip: ipHeader(config.localIp, config.remoteIp, {}),
    srcPort: connection.localPort ?? 0,
    dstPort: connection.remotePort,
    seq: connection.toLive(packet.quoted?.start ?? 1),
    ack: 0,
    flags: TcpFlag.ACK,
    win: 0,
    urg: 0,
    options: [],
    length: packet.quoted?.length ?? 0,
  });
  const header = ip.src.length === 16 ? 40 : 20;
  return encodeIcmp(ip, numbers.type, numbers.code, packet.mtu ?? 0, segment.subarray(0, header + QUOTED_TCP));
}

/** Packets in the notation of scripts, for messages. */
import { flagsText } from "./flags.ts";
import type { IcmpPacket, IpInfo, TcpOption, TcpPacket } from "./syntax.ts";
import { optionText } from "./tcp_options.ts";

const ECN_TEXTS = ["noecn", "ect1", "ect0", "ce"];

/** What is printed of a segment; sequence numbers relative to the script's. */
export interface Shown {
  readonly ip?: IpInfo;
  readonly flags: number;
  readonly seq: number;
  readonly length: number;
  readonly ack: number;
  readonly win?: number;
  readonly urg?: number;
  readonly options?: readonly TcpOption[];
}

/** The name of an ECN codepoint: `ect0`. */
export function ecnText(ecn: number): string {
  return ECN_TEXTS[ecn];
}

/** `[ect0] P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>` */
export function segmentText(shown: Shown): string {
  const ip = shown.ip === undefined ? "" : ipText(shown.ip);
  const ack = (shown.flags & 0x10) !== 0 || shown.ack !== 0 ? ` ack ${shown.ack}` : "";
  const win = shown.win === undefined ? "" : ` win ${shown.win}`;
  const urg = shown.urg === undefined || shown.urg === 0 ? "" : ` urg ${shown.urg}`;
  const end = (shown.seq + shown.length) >>> 0;
  return `${ip}${flagsText(shown.flags)} ${shown.seq}:${end}(${shown.length})${ack}${win}${urg}${
    optionsText(shown.options)
  }`;
}

/** A packet of a script. */
export function packetText(packet: TcpPacket | IcmpPacket): string {
  if (packet.kind === "tcp") return segmentText({ ...packet, seq: packet.seq.start, length: packet.seq.length });
  const words = ["icmp", packet.type, packet.code, packet.mtu === undefined ? undefined : `mtu ${packet.mtu}`];
  return words.filter((word) => word !== undefined).join(" ");
}

function ipText(ip: IpInfo): string {
  const words = [
    ip.ecn === undefined ? "" : ecnText(ip.ecn),
    ip.tos === undefined ? "" : `tos 0x${ip.tos.toString(16)}`,
    ip.ttl === undefined ? "" : `ttl ${ip.ttl}`,
    ip.flowLabel === undefined ? "" : `flowlabel 0x${ip.flowLabel.toString(16)}`,
  ].filter((word) => word !== "");
  return words.length === 0 ? "" : `[${words.join(", ")}] `;
}

/** ` <mss 1460,nop,wscale 8>`, with its leading blank; empty without options. */
function optionsText(options: readonly TcpOption[] | undefined): string {
  if (options === undefined) return " <...>";
  return options.length === 0 ? "" : ` ${optionListText(options)}`;
}

/** `<mss 1460,nop,wscale 8>` */
export function optionListText(options: readonly TcpOption[]): string {
  return `<${options.map(optionText).join(",")}>`;
}

/** Microseconds as seconds: `0.104000`. */
export function secondsText(micros: number): string {
  return (micros / 1e6).toFixed(6);
}

/** ICMP types and codes by name (RFC 792, RFC 1122, RFC 1812; RFC 4443 for IPv6). */

interface IcmpType {
  readonly type: number;
  readonly codes: Readonly<Record<string, number>>;
}

/** Types of ICMP for IPv4. */
const V4: Record<string, IcmpType> = {
  unreachable: {
    type: 3,
    codes: {
      net_unreachable: 0,
      host_unreachable: 1,
      protocol_unreachable: 2,
      port_unreachable: 3,
      frag_needed: 4,
      source_route_failed: 5,
      net_unknown: 6,
      host_unknown: 7,
      source_host_isolated: 8,
      net_prohibited: 9,
      host_prohibited: 10,
      net_unreachable_for_tos: 11,
      host_unreachable_for_tos: 12,
      packet_filtered: 13,
      precedence_violation: 14,
      precedence_cutoff: 15,
    },
  },
  source_quench: { type: 4, codes: {} },
  time_exceeded: { type: 11, codes: { exc_ttl: 0, exc_fragtime: 1 } },
  parameter_problem: { type: 12, codes: {} },
};

/** Types of ICMPv6. */
const V6: Record<string, IcmpType> = {
  unreachable: {
    type: 1,
    codes: { no_route: 0, admin_prohibited: 1, not_neighbour: 2, address_unreachable: 3, port_unreachable: 4 },
  },
  packet_too_big: { type: 2, codes: {} },
  time_exceeded: { type: 3, codes: { exc_hoplimit: 0, exc_fragtime: 1 } },
  parameter_problem: { type: 4, codes: { hdr_field: 0, unknown_nexthdr: 1, unknown_option: 2 } },
};

/** Names of all types. */
export const ICMP_TYPES: readonly string[] = [...new Set([...Object.keys(V4), ...Object.keys(V6)])];

/** Names of all codes. */
export const ICMP_CODES: readonly string[] = [
  ...new Set([...Object.values(V4), ...Object.values(V6)].flatMap((type) => Object.keys(type.codes))),
];

/** Numbers of a type and code on one version of IP; what that version does not have comes back as a complaint. */
export function icmpNumbers(
  ipv6: boolean,
  type: string | number,
  code: string | number | undefined,
): { type: number; code: number } | string {
  const known = typeof type === "string" ? (ipv6 ? V6 : V4)[type] : undefined;
  if (typeof type === "string" && known === undefined) return `${version(ipv6)} has no type "${type}"`;
  const number = known === undefined ? type as number : known.type;
  if (typeof code !== "string") return { type: number, code: code ?? 0 };
  const found = known?.codes[code];
  if (found === undefined) return `${version(ipv6)} type "${type}" has no code "${code}"`;
  return { type: number, code: found };
}

function version(ipv6: boolean): string {
  return ipv6 ? "ICMPv6" : "ICMP";
}

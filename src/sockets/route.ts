/** Attributes of the route to everywhere, as `ip route` names them, and what each sets in the core. */
import { Engine as Root, LocalAddress, Stack, Tcb, TcbFlag } from "../core/layout.gen.ts";
import type { CoreHost } from "./core_host.ts";

/** Attributes of the route to everywhere. */
export interface RouteSettings {
  /** Largest packet: 68 to 65535 bytes, and 1280 at least when the host has an IPv6 address. */
  mtu?: number;
  /** The MSS to announce, at most; 0: as the MTU says. */
  advmss?: number;
  /** First congestion window, segments; 0: ten. */
  initcwnd?: number;
  /** Segments offered at first; 0: as many as fit the buffer. */
  initrwnd?: number;
  /** The most that is ever offered, bytes; 0: no limit. */
  window?: number;
  /** Acknowledge at once. */
  quickack?: boolean;
  /** `features ecn`: connections ask for ECN even if `tcp_ecn` does not. */
  ecn?: boolean;
  /** Smallest retransmission time-out, milliseconds. */
  rto_min_ms?: number;
  /** What the queue discipline `fq` does: every connection is paced. */
  pacing?: boolean;
}

interface Attribute {
  /** Least and largest; the core counts on it. */
  range: [number, number];
  set: (core: CoreHost, value: number) => void;
}

/** The smallest packet that every host takes, and that every one with IPv6 does: RFC 791 §3.2, RFC 8200 §5. */
const MTU_MIN = 68;
/** The same for IPv6. */
export const IPV6_MTU_MIN = 1280;
/** An IPv4 packet's length has 16 bits. */
const MTU_MAX = 65_535;
const HEADERS = 40;
const INITIAL_WINDOW = 10;
/** The host doubles what a buffer holds in 32 bits, and keeps times in microseconds. */
const WINDOW_MAX = 0x7fffffff;
const RTO_MIN_MS_MAX = 120_000;
const SWITCH: [number, number] = [0, 1];

const ROUTE: Record<keyof RouteSettings, Attribute> = {
  mtu: { range: [MTU_MIN, MTU_MAX], set: (core, value) => core.setStack(Stack.mtu, value) },
  advmss: { range: [0, MTU_MAX - HEADERS], set: (core, value) => core.setStack(Stack.advmss, value) },
  initcwnd: {
    range: [0, 0xffff],
    set: (core, value) => core.setTcb(core.template, Tcb.initial_cwnd, value || INITIAL_WINDOW),
  },
  initrwnd: { range: [0, 0xffff], set: (core, value) => core.setRoot(Root.route_initrwnd, value) },
  window: { range: [0, WINDOW_MAX], set: (core, value) => core.setRoot(Root.route_window, value) },
  quickack: { range: SWITCH, set: (core, value) => core.setRoot(Root.route_quickack, value) },
  ecn: { range: SWITCH, set: (core, value) => core.setFlag(core.template, TcbFlag.OFFER_ECN, value !== 0) },
  rto_min_ms: {
    range: [0, RTO_MIN_MS_MAX],
    set: (core, value) => core.setTcb(core.template, Tcb.rto_min_us, value * 1000),
  },
  pacing: { range: SWITCH, set: (core, value) => core.setRoot(Root.pacing, value) },
};

/** Sets them; throws an Error that names an unknown or impossible one. */
export function setRoute(core: CoreHost, settings: RouteSettings): void {
  for (const [name, given] of Object.entries(settings)) {
    if (given === undefined) continue;
    if (!Object.hasOwn(ROUTE, name)) {
      throw new Error(`route attribute ${JSON.stringify(name)}: not one that this host has`);
    }
    const { range: [least, most], set } = ROUTE[name as keyof RouteSettings];
    const value = Number(given);
    const found = `route attribute ${name}: found ${given}`;
    if (!(value >= least && value <= most) || (name !== "rto_min_ms" && !Number.isInteger(value))) {
      throw new Error(`${found}, expected ${name === "rto_min_ms" ? "a" : "a whole"} number from ${least} to ${most}`);
    }
    if (name === "mtu" && value < IPV6_MTU_MIN && hasIpv6(core)) {
      throw new Error(`${found}, expected ${IPV6_MTU_MIN} or more: the host has an IPv6 address`);
    }
    set(core, value);
  }
}

function hasIpv6(core: CoreHost): boolean {
  const list = core.stack(Stack.addresses);
  for (let i = 0; i < core.stack(Stack.address_count); i++) {
    const at = list + i * LocalAddress.size;
    const [hi, lo] = [LocalAddress.hi, LocalAddress.lo].map((word) => core.engine.getBig(at, word));
    // ::ffff:a.b.c.d is IPv4
    if (hi !== 0n || (lo & 0xffffffffn) !== 0xffff0000n) return true;
  }
  return false;
}

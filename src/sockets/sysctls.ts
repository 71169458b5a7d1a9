/**
 * Linux's `net.*` parameters that the engine knows, with the defaults of a freshly booted Linux, and what each does to
 * the core. A parameter that is not here is refused by name.
 */
import { Engine as Root, Stack, Tcb, TcbFlag } from "../core/layout.gen.ts";
import type { Field } from "../core/engine.ts";
import type { CoreHost } from "./core_host.ts";

/** What a parameter does with its values. */
type Apply = (core: CoreHost, values: number[]) => void;

interface Parameter {
  value: string;
  apply?: Apply;
}

/** A field of the whole run, in the parameter's unit times `unit`. */
const run = (field: Field, unit = 1): Apply => (core, [value]) => core.setRoot(field, value * unit);
/** A field of the host. */
const host = (field: Field): Apply => (core, [value]) => core.setStack(field, value);
/** A bit of what new sockets are made like. */
const flag = (bit: number): Apply => (core, [value]) => core.setFlag(core.template, bit, value !== 0);

const PARAMETERS: Record<string, Parameter> = {
  "net.core.somaxconn": { value: "4096", apply: host(Stack.somaxconn) },
  "net.core.rmem_max": { value: "212992" },
  "net.core.wmem_max": { value: "212992" },
  "net.ipv4.icmp_echo_ignore_all": { value: "0", apply: host(Stack.icmp_echo_ignore_all) },
  "net.ipv4.icmp_msgs_per_sec": { value: "1000", apply: host(Stack.icmp_msgs_per_sec) },
  "net.ipv4.icmp_msgs_burst": { value: "50", apply: host(Stack.icmp_msgs_burst) },
  "net.ipv4.ip_local_port_range": {
    value: "32768 60999",
    apply: (core, [first, last]) => {
      core.setStack(Stack.ip_local_port_first, first);
      core.setStack(Stack.ip_local_port_last, last);
    },
  },
  "net.ipv4.tcp_abort_on_overflow": { value: "0", apply: host(Stack.tcp_abort_on_overflow) },
  "net.ipv4.tcp_ecn": { value: "2", apply: run(Root.ecn) },
  "net.ipv4.tcp_ecn_fallback": { value: "1", apply: run(Root.ecn_fallback) },
  "net.ipv4.tcp_ecn_option": { value: "2", apply: run(Root.ecn_option) },
  "net.ipv4.tcp_ecn_option_beacon": { value: "3", apply: run(Root.ecn_option_beacon) },
  "net.ipv4.tcp_fin_timeout": { value: "60", apply: run(Root.fin_timeout_ms, 1000) },
  "net.ipv4.tcp_max_orphans": { value: "65536", apply: host(Stack.tcp_max_orphans) },
  "net.ipv4.tcp_max_syn_backlog": { value: "4096", apply: host(Stack.tcp_max_syn_backlog) },
  "net.ipv4.tcp_max_tw_buckets": { value: "65536", apply: host(Stack.tcp_max_tw_buckets) },
  "net.ipv4.tcp_retries2": { value: "15", apply: run(Root.data_retries) },
  "net.ipv4.tcp_rfc1337": { value: "0", apply: run(Root.rfc1337) },
  "net.ipv4.tcp_rmem": {
    value: "4096 131072 6291456",
    apply: (core, [, initial]) => core.setTcb(core.template, Tcb.rcv_buf, initial),
  },
  "net.ipv4.tcp_sack": { value: "1", apply: flag(TcbFlag.OFFER_SACK) },
  "net.ipv4.tcp_syn_retries": { value: "6", apply: run(Root.syn_retries) },
  "net.ipv4.tcp_synack_retries": { value: "5", apply: run(Root.synack_retries) },
  "net.ipv4.tcp_syncookies": { value: "1", apply: host(Stack.tcp_syncookies) },
  "net.ipv4.tcp_timestamps": { value: "1", apply: flag(TcbFlag.OFFER_TIMESTAMPS) },
  "net.ipv4.tcp_window_scaling": { value: "1", apply: flag(TcbFlag.OFFER_WINDOW_SCALING) },
  "net.ipv4.tcp_wmem": {
    value: "4096 16384 4194304",
    apply: (core, [, initial]) => core.setTcb(core.template, Tcb.snd_buf, initial),
  },
};

/** The parameters of one host. */
export class Sysctls {
  readonly #core: CoreHost;
  readonly #values: Map<string, string> = new Map<string, string>();

  constructor(core: CoreHost) {
    this.#core = core;
    for (const [name, { value }] of Object.entries(PARAMETERS)) this.set(name, value);
  }

  /** Sets a parameter: a number, or numbers as the file in /proc/sys would take them. */
  set(name: string, value: number | string): void {
    const parameter = PARAMETERS[name];
    if (parameter === undefined) throw new Error(`sysctl ${JSON.stringify(name)}: not a parameter that this host has`);
    const text = String(value).trim();
    const values = text.split(/\s+/).map(Number);
    const wanted = parameter.value.split(" ").length;
    if (values.length !== wanted || !values.every(Number.isInteger)) {
      throw new Error(
        `sysctl ${name}: found ${JSON.stringify(text)}, expected ${wanted === 1 ? "a number" : `${wanted} numbers`}`,
      );
    }
    this.#values.set(name, values.join(" "));
    parameter.apply?.(this.#core, values);
  }

  /** The numbers that a parameter has. */
  get(name: string): number[] {
    return (this.#values.get(name) ?? "").split(" ").map(Number);
  }
}

/**
 * Linux's `net.*` parameters that the engine knows, with the defaults of a freshly booted Linux, and what each does to
 * the core. A parameter that is not here is refused by name.
 */
import { CC_NAMES, Engine as Root, FastOpenKeys, Recovery, Stack, Tcb, TcbFlag } from "../core/layout.gen.ts";
import type { Field } from "../core/engine.ts";
import type { CoreHost } from "./core_host.ts";

/** What a parameter does with its values. */
type Apply = (core: CoreHost, values: number[]) => void;

interface Parameter {
  value: string;
  /** Least and largest; others are refused, as Linux does: the core counts on it. */
  range?: [number, number];
  apply?: Apply;
  /** Its value is text, not numbers: false refuses it. */
  text?: (core: CoreHost, value: string) => boolean;
}

/** A field of the whole run, in the parameter's unit times `unit`. */
const run = (field: Field, unit = 1): Apply => (core, [value]) => core.setRoot(field, value * unit);
/** A field of the host. */
const host = (field: Field): Apply => (core, [value]) => core.setStack(field, value);
/** A bit of what new sockets are made like. */
const flag = (bit: number): Apply => (core, [value]) => core.setFlag(core.template, bit, value !== 0);
/** A field of what new sockets are made like. */
const socket = (field: Field): Apply => (core, [value]) => core.setTcb(core.template, field, value);
/** Bits of `Recovery`, when `on` says so of the value. */
const recovery = (bits: number, on: (value: number) => boolean): Apply => (core, [value]) => {
  const known = core.root(Root.recovery);
  core.setRoot(Root.recovery, on(value) ? known | bits : known & ~bits);
};
/** tcp_recovery: RACK, without its growing window, without the threshold of three. */
const rack: Apply = (core, values) => {
  recovery(Recovery.RACK, (value) => (value & 1) !== 0)(core, values);
  recovery(Recovery.STATIC_WINDOW, (value) => (value & 2) !== 0)(core, values);
  recovery(Recovery.NO_DUP_THRESH, (value) => (value & 4) !== 0)(core, values);
};
/** A limit whose largest value means that there is none. */
const limit = (field: Field): Apply => (core, [value]) => core.setRoot(field, value >= 0x7fffffff ? 0 : value);

/** Four words in hex, each of them little-endian in the key. Of two keys, parted by a comma, the first makes cookies. */
function setFastOpenKey(core: CoreHost, text: string): boolean {
  const keys = text.split(",").map((key) => key.trim().split("-"));
  if (keys.length > 2 || !keys.every((words) => words.length === 4)) return false;
  if (!keys.flat().every((word) => /^[0-9a-f]{1,8}$/i.test(word))) return false;
  useFastOpenKeys(core, hostFastOpenKeys(core), keys.map((words) => words.map((word) => BigInt(`0x${word}`))));
  return true;
}

/** Puts the key that makes cookies, and perhaps the one before, four words each, to `FastOpenKeys` at `at`. */
export function useFastOpenKeys(core: CoreHost, at: number, [key, backup = [0n, 0n, 0n, 0n]]: bigint[][]): void {
  core.engine.set(at, FastOpenKeys.key0, key[1] << 32n | key[0]);
  core.engine.set(at, FastOpenKeys.key1, key[3] << 32n | key[2]);
  core.engine.set(at, FastOpenKeys.backup0, backup[1] << 32n | backup[0]);
  core.engine.set(at, FastOpenKeys.backup1, backup[3] << 32n | backup[2]);
}

/** Where the host's keys are. */
export function hostFastOpenKeys(core: CoreHost): number {
  return core.engine.root + Root.fastopen_key0.offset;
}

/** Parameters of what this host does not have, or whose effect no peer and no call can see here. */
const IDLE: Record<string, string> = {
  "net.core.netdev_max_backlog": "1000",
  "net.core.rmem_default": "212992",
  "net.core.wmem_default": "212992",
  "net.ipv4.ip_forward": "0",
  "net.ipv4.ip_forward_use_pmtu": "0",
  "net.ipv4.ip_nonlocal_bind": "0",
  "net.ipv4.tcp_adv_win_scale": "1",
  "net.ipv4.tcp_app_win": "31",
  "net.ipv4.tcp_autocorking": "1",
  "net.ipv4.tcp_backlog_ack_defer": "1",
  "net.ipv4.tcp_comp_sack_delay_ns": "1000000",
  "net.ipv4.tcp_comp_sack_nr": "44",
  "net.ipv4.tcp_comp_sack_slack_ns": "100000",
  "net.ipv4.tcp_fack": "0",
  "net.ipv4.tcp_limit_output_bytes": "1048576",
  "net.ipv4.tcp_low_latency": "0",
  "net.ipv4.tcp_no_metrics_save": "0",
  "net.ipv4.tcp_no_ssthresh_metrics_save": "1",
  "net.ipv4.tcp_stdurg": "0",
  "net.ipv4.tcp_thin_linear_timeouts": "0",
  "net.ipv4.tcp_tw_reuse": "2",
  "net.ipv4.tcp_tw_reuse_delay": "1000",
  "net.ipv4.tcp_workaround_signed_windows": "0",
};

const PARAMETERS: ReadonlyMap<string, Parameter> = new Map(Object.entries<Parameter>({
  ...Object.fromEntries(Object.entries(IDLE).map(([name, value]) => [name, { value }])),
  "net.core.rmem_max": { value: "212992" },
  "net.core.wmem_max": { value: "212992" },
  "net.core.somaxconn": { value: "4096", apply: host(Stack.somaxconn) },
  "net.ipv4.icmp_echo_ignore_all": { value: "0", apply: host(Stack.icmp_echo_ignore_all) },
  "net.ipv4.icmp_msgs_burst": {
    value: "50",
    apply: (core, [value]) => {
      core.setStack(Stack.icmp_msgs_burst, value);
      core.setStack(Stack.icmp_credit, value);
    },
  },
  "net.ipv4.icmp_msgs_per_sec": { value: "1000", apply: host(Stack.icmp_msgs_per_sec) },
  "net.ipv4.ip_local_port_range": {
    value: "32768 60999",
    apply: (core, [first, last]) => {
      core.setStack(Stack.ip_local_port_first, first);
      core.setStack(Stack.ip_local_port_last, last);
    },
  },
  "net.ipv4.ip_no_pmtu_disc": { value: "0", apply: run(Root.ip_no_pmtu_disc) },
  "net.ipv4.tcp_abort_on_overflow": { value: "0", apply: host(Stack.tcp_abort_on_overflow) },
  "net.ipv4.tcp_allowed_congestion_control": { value: "reno cubic", text: () => true },
  "net.ipv4.tcp_base_mss": { value: "1024", apply: run(Root.base_mss) },
  "net.ipv4.tcp_challenge_ack_limit": { value: "2147483647", apply: limit(Root.challenge_ack_limit) },
  "net.ipv4.tcp_congestion_control": {
    value: "cubic",
    text: (core, value) => {
      const cc = CC_NAMES.indexOf(value.toUpperCase());
      if (cc >= 0) core.setTcb(core.template, Tcb.cc, cc);
      return cc >= 0;
    },
  },
  "net.ipv4.tcp_delack_max_us": { value: "200000" },
  "net.ipv4.tcp_dsack": { value: "1", apply: run(Root.dsack) },
  "net.ipv4.tcp_early_retrans": { value: "3", apply: recovery(Recovery.TLP, (value) => value === 3 || value === 4) },
  "net.ipv4.tcp_ecn": { value: "2", apply: run(Root.ecn) },
  "net.ipv4.tcp_ecn_fallback": { value: "1", apply: run(Root.ecn_fallback) },
  "net.ipv4.tcp_ecn_option": { value: "2", apply: run(Root.ecn_option) },
  "net.ipv4.tcp_ecn_option_beacon": { value: "3", apply: run(Root.ecn_option_beacon) },
  "net.ipv4.tcp_fastopen": { value: "1", apply: run(Root.fastopen) },
  "net.ipv4.tcp_fastopen_blackhole_timeout_sec": { value: "0" },
  "net.ipv4.tcp_fastopen_key": { value: "00000000-00000000-00000000-00000000", text: setFastOpenKey },
  "net.ipv4.tcp_fin_timeout": { value: "60", apply: run(Root.fin_timeout_ms, 1000) },
  "net.ipv4.tcp_frto": { value: "2", apply: recovery(Recovery.FRTO, (value) => value !== 0) },
  "net.ipv4.tcp_invalid_ratelimit": { value: "500", apply: run(Root.invalid_ratelimit_ms) },
  "net.ipv4.tcp_keepalive_intvl": { value: "75", apply: run(Root.keepalive_interval_s) },
  "net.ipv4.tcp_keepalive_probes": { value: "9", apply: run(Root.keepalive_probes) },
  "net.ipv4.tcp_keepalive_time": { value: "7200", apply: run(Root.keepalive_time_s) },
  "net.ipv4.tcp_max_orphans": { value: "65536", apply: host(Stack.tcp_max_orphans) },
  "net.ipv4.tcp_max_syn_backlog": { value: "4096", apply: host(Stack.tcp_max_syn_backlog) },
  "net.ipv4.tcp_max_tw_buckets": { value: "65536", apply: host(Stack.tcp_max_tw_buckets) },
  "net.ipv4.tcp_min_rtt_wlen": { value: "300", range: [0, 86400], apply: run(Root.min_rtt_wlen_s) },
  "net.ipv4.tcp_min_snd_mss": { value: "48", range: [48, 65535], apply: run(Root.min_snd_mss) },
  "net.ipv4.tcp_min_tso_segs": { value: "2", apply: run(Root.tso_segs_min) },
  "net.ipv4.tcp_moderate_rcvbuf": { value: "1", apply: run(Root.moderate_rcvbuf) },
  "net.ipv4.tcp_mtu_probe_floor": { value: "48", apply: run(Root.mtu_probe_floor) },
  "net.ipv4.tcp_mtu_probing": { value: "0", apply: run(Root.mtu_probing) },
  "net.ipv4.tcp_notsent_lowat": {
    value: "4294967295",
    apply: (core, [value]) => core.setRoot(Root.notsent_lowat, value === 0xffffffff ? 0 : value),
  },
  "net.ipv4.tcp_orphan_retries": { value: "0", apply: run(Root.orphan_retries) },
  "net.ipv4.tcp_pacing_ca_ratio": { value: "120", apply: run(Root.pacing_ca_ratio) },
  "net.ipv4.tcp_pacing_ss_ratio": { value: "200", apply: run(Root.pacing_ss_ratio) },
  "net.ipv4.tcp_probe_interval": { value: "600", apply: run(Root.probe_interval_s) },
  "net.ipv4.tcp_probe_threshold": { value: "8", apply: run(Root.probe_threshold) },
  "net.ipv4.tcp_recovery": { value: "1", apply: rack },
  "net.ipv4.tcp_max_reordering": { value: "300", apply: run(Root.max_reordering) },
  "net.ipv4.tcp_reordering": { value: "3", apply: run(Root.reordering) },
  "net.ipv4.tcp_retries1": { value: "3", range: [0, 255], apply: run(Root.path_retries) },
  "net.ipv4.tcp_retries2": { value: "15", range: [0, 255], apply: run(Root.data_retries) },
  "net.ipv4.tcp_rfc1337": { value: "0", apply: run(Root.rfc1337) },
  "net.ipv4.tcp_rmem": {
    value: "4096 131072 6291456",
    apply: (core, [, initial, largest]) => {
      core.setTcb(core.template, Tcb.rcv_buf, initial);
      core.setRoot(Root.rmem_max, largest);
    },
  },
  "net.ipv4.tcp_rto_max_ms": { value: "120000", apply: run(Root.rto_max_us, 1000) },
  "net.ipv4.tcp_rto_min_us": { value: "200000", apply: socket(Tcb.rto_min_us) },
  "net.ipv4.tcp_sack": { value: "1", apply: flag(TcbFlag.OFFER_SACK) },
  "net.ipv4.tcp_shrink_window": { value: "0", apply: run(Root.shrink_window) },
  "net.ipv4.tcp_slow_start_after_idle": { value: "1", apply: run(Root.slow_start_after_idle) },
  "net.ipv4.tcp_syn_linear_timeouts": { value: "4", range: [0, 127], apply: run(Root.syn_linear_timeouts) },
  "net.ipv4.tcp_syn_retries": { value: "6", range: [1, 127], apply: run(Root.syn_retries) },
  "net.ipv4.tcp_synack_retries": { value: "5", range: [0, 255], apply: run(Root.synack_retries) },
  "net.ipv4.tcp_syncookies": { value: "1", apply: host(Stack.tcp_syncookies) },
  "net.ipv4.tcp_timestamps": { value: "1", apply: flag(TcbFlag.OFFER_TIMESTAMPS) },
  "net.ipv4.tcp_tso_rtt_log": { value: "9", apply: run(Root.tso_rtt_log) },
  "net.ipv4.tcp_tso_win_divisor": { value: "3", apply: run(Root.tso_win_divisor) },
  "net.ipv4.tcp_window_scaling": { value: "1", apply: flag(TcbFlag.OFFER_WINDOW_SCALING) },
  "net.ipv4.tcp_wmem": {
    value: "4096 16384 4194304",
    apply: (core, [, initial, largest]) => {
      core.setTcb(core.template, Tcb.snd_buf, initial);
      core.setRoot(Root.wmem_max, largest);
    },
  },
}));

/** The parameters of one host. */
export class Sysctls {
  readonly #core: CoreHost;
  readonly #values: Map<string, string> = new Map<string, string>();

  /** Linux's defaults, put into the core. */
  constructor(core: CoreHost) {
    this.#core = core;
    for (const [name, { value }] of PARAMETERS) this.set(name, value);
  }

  /** Sets a parameter: a number, or what the file in /proc/sys would take. */
  set(name: string, value: number | string): void {
    const parameter = PARAMETERS.get(name);
    if (parameter === undefined) throw new Error(`sysctl ${JSON.stringify(name)}: not a parameter that this host has`);
    const text = String(value).trim();
    const refuse = (expected: string): Error =>
      new Error(`sysctl ${name}: found ${JSON.stringify(text)}, expected ${expected}`);
    if (parameter.text !== undefined) {
      if (!parameter.text(this.#core, text)) throw refuse("a name that this host knows");
      this.#values.set(name, text);
      return;
    }
    const values = text.split(/\s+/).map(Number);
    const wanted = parameter.value.split(" ").length;
    if (text === "" || values.length !== wanted || !values.every(Number.isInteger)) {
      throw refuse(wanted === 1 ? "a number" : `${wanted} numbers`);
    }
    const [least, most] = parameter.range ?? [-Infinity, Infinity];
    if (values[0] < least || values[0] > most) throw refuse(`a number from ${least} to ${most}`);
    this.#values.set(name, values.join(" "));
    parameter.apply?.(this.#core, values);
  }

  /** What a parameter is, as text. */
  text(name: string): string {
    return this.#values.get(name) ?? "";
  }

  /** The numbers that a parameter has. */
  get(name: string): number[] {
    return this.text(name).split(" ").map(Number);
  }
}

/** Time series: one column a quantity, sampled from the core between slices at fixed instants. */
import type { Engine } from "../core/engine.ts";
import type { Field } from "../core/engine.ts";
import { State, Tcb } from "../core/layout.gen.ts";
import type { Compiled } from "../scenario/compile.ts";
import type { RecordSpec } from "../scenario/types.ts";
import type { FlowSeries, LinkSeries, Series } from "./types.ts";

/** Larger ssthresh values mean that there is none yet, RFC 5681 §3.1. */
const SSTHRESH_INFINITE = 0x7fffffff;

type FlowColumn = keyof FlowSeries;

const COLUMN_OF: Record<string, FlowColumn> = {
  cwnd: "cwnd",
  ssthresh: "ssthresh",
  inflight: "inflight",
  srtt: "srtt_ms",
  rto: "rto_ms",
  throughput: "throughput_bps",
};

/** Samples a run's flows and links into columns. */
export class Sampler {
  #engine: Engine;
  #compiled: Compiled;
  #columns: FlowColumn[];
  #queue: boolean;
  #interval_ns: number;
  #rows: number;
  #used = 0;
  #time_s: Float64Array;
  #flows: FlowSeries[];
  #links: LinkSeries[];
  #ipBytes: Float64Array;

  /** Makes columns for samples every `record.interval_ns` up to `duration_ns`. */
  constructor(engine: Engine, compiled: Compiled, record: RecordSpec, duration_ns: number) {
    this.#engine = engine;
    this.#compiled = compiled;
    this.#interval_ns = record.interval_ns ?? Infinity;
    this.#rows = record.interval_ns === null ? 0 : Math.floor(duration_ns / record.interval_ns);
    this.#columns = record.series.flatMap((name) => COLUMN_OF[name] ?? []);
    this.#queue = record.series.includes("queue");
    this.#time_s = new Float64Array(this.#rows);
    this.#flows = compiled.flows.map(() =>
      Object.fromEntries(this.#columns.map((column) => [column, new Float64Array(this.#rows)]))
    );
    this.#links = compiled.links.map(() => this.#queue ? { queue_packets: new Float64Array(this.#rows) } : {});
    this.#ipBytes = new Float64Array(compiled.flows.length);
  }

  /** When the next sample is due, nanoseconds; Infinity when there is none. */
  get next_ns(): number {
    return this.#used < this.#rows ? (this.#used + 1) * this.#interval_ns : Infinity;
  }

  /** Goes on from a restored clock: what lies before stays empty. */
  skipTo(now_ns: number): void {
    if (this.#rows === 0) return;
    this.#used = Math.min(this.#rows, Math.floor(now_ns / this.#interval_ns));
    this.#compiled.flows.forEach(({ b }, i) => this.#ipBytes[i] = this.#engine.get(b, Tcb.ip_bytes_received));
    const columns = [...this.#flows.map(Object.values), ...this.#links.map(Object.values)].flat() as Float64Array[];
    for (const column of columns) column.fill(NaN, 0, this.#used);
    for (let row = 0; row < this.#used; row++) this.#time_s[row] = (row + 1) * this.#interval_ns / 1e9;
  }

  /** Takes the sample that is due. */
  sample(): void {
    const row = this.#used++;
    this.#time_s[row] = (row + 1) * this.#interval_ns / 1e9;
    this.#compiled.flows.forEach(({ a, b }, i) => {
      const state = this.#engine.get(a, Tcb.state);
      // A connection that is not there yet, or over, has no window and no round-trip time
      const open = state >= State.ESTABLISHED && state !== State.TIME_WAIT;
      for (const column of this.#columns) {
        const values = this.#flows[i][column];
        if (values !== undefined) values[row] = column === "throughput_bps" || open ? this.#read(column, a, b, i) : NaN;
      }
    });
    if (!this.#queue) return;
    this.#compiled.links.forEach(({ ext }, i) => {
      const values = this.#links[i].queue_packets;
      if (values !== undefined) values[row] = this.#engine.exports.queuePackets(ext);
    });
  }

  #read(column: FlowColumn, a: number, b: number, flow: number): number {
    const get = (field: Field): number => this.#engine.get(a, field);
    switch (column) {
      case "cwnd":
        return get(Tcb.cwnd);
      case "ssthresh":
        return get(Tcb.ssthresh) >= SSTHRESH_INFINITE ? NaN : get(Tcb.ssthresh);
      case "inflight":
        return get(Tcb.packets_out) - get(Tcb.sacked_out) - get(Tcb.lost_out) + get(Tcb.retrans_out);
      case "srtt_ms":
        return get(Tcb.srtt_us8) === 0 ? NaN : get(Tcb.srtt_us8) / 8e3;
      case "rto_ms":
        return get(Tcb.rto_us) / 1e3;
      case "throughput_bps": {
        const bytes = this.#engine.get(b, Tcb.ip_bytes_received);
        const rate = (bytes - this.#ipBytes[flow]) * 8e9 / this.#interval_ns;
        this.#ipBytes[flow] = bytes;
        return rate;
      }
    }
  }

  /** The columns so far; a run that was stopped has shorter ones. */
  get series(): Series {
    const cut = (column: Float64Array): Float64Array => column.subarray(0, this.#used);
    const cutAll = <T extends object>(columns: T): T =>
      Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, cut(column)])) as T;
    return {
      time_s: cut(this.#time_s),
      flows: this.#columns.length === 0
        ? {}
        : Object.fromEntries(this.#flows.map((columns, i) => [String(this.#compiled.flows[i].id), cutAll(columns)])),
      links: this.#queue
        ? Object.fromEntries(this.#links.map((columns, i) => [this.#compiled.links[i].id, cutAll(columns)]))
        : {},
    };
  }
}

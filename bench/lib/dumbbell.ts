/** The one workload of the whole-scenario benchmarks, the same that the yardstick and ns-3 run. */
import type { Scenario } from "../../src/scenario/types.ts";

/** What differs between the sizes of the dumbbell. */
export interface DumbbellSize {
  flows: number;
  rate_bps: number;
  /** Simulated seconds. */
  duration_s: number;
  /** Base round-trip time, split like the yardstick's: a quarter on each link. 20 ms when absent. */
  rtt_s?: number;
  /** Between the starts of two flows. 1 ms when absent. */
  stagger_s?: number;
  /** Bytes that each receiver can hold. 4 MiB when absent. */
  receive_buffer?: number;
}

/** Payload bytes of a full segment with timestamps on. */
export const MSS = 1448;

/**
 * n CUBIC flows through a drop-tail bottleneck of one bandwidth-delay product, SACK, timestamps and delayed ACK on,
 * statistics on, series and captures off.
 */
export function dumbbell(size: DumbbellSize): Scenario {
  const { flows, rate_bps, duration_s, rtt_s = 0.02, stagger_s = 0.001, receive_buffer = 4 * 2 ** 20 } = size;
  return {
    name: `${flows} CUBIC flows, ${rate_bps / 1e6} Mbit/s`,
    duration: duration_s,
    topology: {
      kind: "dumbbell",
      bottleneck: { rate: rate_bps, delay: rtt_s / 4, queue: { kind: "droptail", limit: "1bdp" } },
      access: { rate: "1Gbps", delay: rtt_s / 8 },
    },
    flows: [{ count: flows, cc: "cubic", stagger: stagger_s, bytes: "unlimited" }],
    tcp: {
      mss: MSS,
      initialWindow: 10,
      sack: true,
      timestamps: true,
      windowScaling: true,
      delayedAck: true,
      sendBuffer: "4MiB",
      receiveBuffer: receive_buffer,
      minRto: "200ms",
    },
    record: { series: [] },
  };
}

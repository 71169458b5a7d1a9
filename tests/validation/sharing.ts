/** V19: how Reno flows share a bottleneck, by their round-trip times. */
import { type FlowResult, simulate } from "../../src/mod.ts";
import { atLeast, between, type Origin, type Row } from "./row.ts";

const RTT_ORIGIN: Origin = { id: "V19", source: "Lakshman and Madhow 1997" };
const JAIN_ORIGIN: Origin = { id: "V19", source: "Chiu and Jain 1989" };
/**
 * Two services of the bottleneck. Without a random part the paths are in phase, and which flow finds the drop-tail
 * queue full is decided by a fraction of a round trip: Floyd and Jacobson, "On traffic phase effects", 1991.
 */
const JITTER = "480us";
const PER_GROUP = 10;
const CYCLES = 100;

function mean(flows: readonly FlowResult[], of: (flow: FlowResult) => number): number {
  return flows.reduce((sum, flow) => sum + of(flow), 0) / flows.length;
}

/** a, where throughput goes as RTT^-a; the round-trip times are those that the flows measured. */
async function rttExponent(buffer: string, extraDelay: string): Promise<number> {
  const { flows } = await simulate({
    duration: 200,
    warmup: 40,
    topology: {
      kind: "dumbbell",
      bottleneck: { rate: "50Mbps", delay: "10ms", queue: { limit: buffer } },
      access: { rate: "1Gbps", delay: "5ms", jitter: JITTER },
    },
    flows: [
      { name: "short", count: PER_GROUP, cc: "reno", stagger: "37ms" },
      { name: "long", count: PER_GROUP, cc: "reno", stagger: "41ms", accessDelay: extraDelay },
    ],
    tcp: { delayedAck: false },
  });
  const [short, long] = ["short", "long"].map((name) => flows.filter(({ group }) => group === name));
  const goodputs = mean(short, (flow) => flow.goodput_bps) / mean(long, (flow) => flow.goodput_bps);
  const rtts = mean(long, (flow) => flow.rtt_ms_mean) / mean(short, (flow) => flow.rtt_ms_mean);
  return Math.log(goodputs) / Math.log(rtts);
}

async function equalRtt(count: number): Promise<{ jain: number; cycles: number }> {
  const { flows, aggregate } = await simulate({
    duration: 400,
    warmup: 30,
    topology: {
      kind: "dumbbell",
      bottleneck: { rate: "20Mbps", delay: "10ms", queue: { limit: "1bdp" } },
      access: { rate: "1Gbps", delay: "5ms" },
    },
    flows: [{ count, cc: "reno", stagger: "137ms" }],
    tcp: { delayedAck: false },
  });
  return { jain: aggregate.jain, cycles: Math.min(...flows.map((flow) => flow.retransmits)) };
}

export async function sharing(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [buffer, delay] of [["0.5bdp", "70ms"], ["1bdp", "30ms"], ["1bdp", "70ms"]]) {
    const what = `Reno's share goes as RTT^-a: a, ${delay} apart one way, buffer ${buffer}`;
    rows.push(between(RTT_ORIGIN, what, 1, 2, await rttExponent(buffer, delay)));
  }
  for (const count of [2, 10]) {
    const { jain, cycles } = await equalRtt(count);
    rows.push(atLeast(JAIN_ORIGIN, `Jain's index of ${count} Reno flows alike`, 0.99, jain));
    rows.push(atLeast(JAIN_ORIGIN, "losses of each flow in that run", CYCLES, cycles));
  }
  return rows;
}

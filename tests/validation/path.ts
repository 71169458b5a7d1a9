/** The one path that most validations run on: so fast and so deep that nothing but the drops on purpose limits a flow. */
import type { FlowGroup, FlowResult, Loss, Scenario, TcpParameters } from "../../src/mod.ts";
import { simulate } from "../../src/mod.ts";

/** A flow on an unlimited path. */
export interface LossyPath {
  flow: FlowGroup;
  rtt_s: number;
  loss?: Loss;
  /** A single loss, of this data packet, on a link ahead of the other's. */
  firstLoss?: number;
  duration_s: number;
  warmup_s?: number;
  tcp?: TcpParameters;
}

/** Payload bytes of a full segment, with timestamps. */
export const MSS = 1448;

/** The scenario of a flow over 100 Gbit/s, with an ACK for every segment unless `tcp` says otherwise. */
export function lossyPath({ flow, rtt_s, loss, firstLoss, duration_s, warmup_s = 0, tcp }: LossyPath): Scenario {
  const fast = { rate: "100Gbps", queue: { limit: "unlimited" } };
  return {
    duration: duration_s,
    warmup: warmup_s,
    topology: {
      kind: "path",
      links: [
        { ...fast, delay: 0, ...(firstLoss ? { loss: { kind: "list", packets: [firstLoss] } } : {}) },
        { ...fast, delay: rtt_s / 2, ...(loss ? { loss } : {}) },
      ],
    },
    flows: [flow],
    tcp: { mss: MSS, delayedAck: false, sendBuffer: "256MiB", receiveBuffer: "256MiB", ...tcp },
  };
}

/** Runs it. */
export async function runLossyPath(path: LossyPath): Promise<FlowResult> {
  return (await simulate(lossyPath(path))).flows[0];
}

/** V12: how much of a link one Reno flow uses, by the size of the buffer in front of it. */
import { simulate } from "../../src/mod.ts";
import { atLeast, type Origin, type Row, withinPoints } from "./row.ts";

const ORIGIN: Origin = { id: "V12", source: "one AIMD flow (d)" };
const RTT_S = 0.1;
const BDP_PACKETS = 200;
const PACKET_BITS = 12_000;
const POINTS = 1.5;
const SAWTEETH = 20;

/**
 * The window climbs from (1 + b)/2 to 1 + b bandwidth-delay products, a packet a round trip; what a round trip takes
 * beyond 1 waits in the buffer. Packets over time, for b up to 1: 3/4 (1 + b)^2 / (1 + b + b^2).
 */
function utilization(b: number): number {
  return 0.75 * (1 + b) ** 2 / (1 + b + b ** 2);
}

export async function aimd(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const share of [0, 0.1, 0.25, 0.5, 1]) {
    // A queue of one packet takes the second of a pair, which every increase of the window sends
    const limit = Math.max(1, Math.round(share * BDP_PACKETS));
    const { flows, links } = await simulate({
      duration: 600,
      warmup: 60,
      topology: {
        kind: "path",
        links: [{
          rate: BDP_PACKETS * PACKET_BITS / RTT_S,
          delay: RTT_S / 2,
          queue: { limit: `${limit}pkt` },
          reverse: { queue: { limit: "unlimited" } },
        }],
      },
      flows: [{ cc: "reno" }],
      tcp: { delayedAck: false, sendBuffer: "16MiB", receiveBuffer: "16MiB" },
    });
    const b = limit / BDP_PACKETS;
    const measured = 100 * links[0].utilization;
    rows.push(withinPoints(ORIGIN, `Reno's utilization, buffer ${b} BDP`, 100 * utilization(b), measured, POINTS));
    if (share === 1) rows.push(atLeast(ORIGIN, "sawteeth in that run", SAWTEETH, flows[0].retransmits));
  }
  return rows;
}

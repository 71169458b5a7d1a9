/** V16: a link fed by a Poisson process waits as Pollaczek and Khinchine say. */
import { simulate, type Source } from "../../src/mod.ts";
import { type Origin, type Row, within } from "./row.ts";

const ORIGIN: Origin = { id: "V16", source: "queueing theory (d)" };
const SERVICE_S = 1e-3;
const PACKET_BYTES = 1500;
const RATE_BPS = PACKET_BYTES * 8 / SERVICE_S;
const TOLERANCE = 0.02;

/** Mean wait over mean service, load (1 + cv^2) / 2 (1 - load): constant sizes have cv 0, exponential ones 1. */
function wait(load: number, cv: number): number {
  return load * (1 + cv ** 2) / (2 * (1 - load));
}

/** Waits near saturation are correlated over 1 / (1 - load)^2 services: as many more packets for the same precision. */
function packets(load: number): number {
  return Math.max(1e6, Math.round(5e4 / (1 - load) ** 2));
}

async function measure(kind: Source["kind"], load: number): Promise<number> {
  const { links } = await simulate({
    duration: packets(load) * SERVICE_S / load,
    topology: { kind: "path", links: [{ rate: RATE_BPS, delay: 0, queue: { limit: "unlimited" } }] },
    flows: [{ app: { kind, rate: load * RATE_BPS, packetSize: PACKET_BYTES } }],
  });
  return links[0].queue_delay_ms_mean / (1e3 * SERVICE_S);
}

export async function queueing(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const load of [0.5, 0.7, 0.8, 0.9, 0.95]) {
    rows.push(
      within(ORIGIN, `M/D/1 wait over service, load ${load}`, wait(load, 0), await measure("poisson", load), TOLERANCE),
    );
  }
  for (const load of [0.5, 0.7, 0.8, 0.9]) {
    const measured = await measure("poisson-exponential", load);
    rows.push(within(ORIGIN, `M/M/1 wait over service, load ${load}`, wait(load, 1), measured, TOLERANCE));
  }
  return rows;
}

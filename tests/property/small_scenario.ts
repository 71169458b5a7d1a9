/** Random scenarios that are over soon: what `tests/scenario/random.ts` draws, within bounds. */
import type { FlowGroup, LinkDirection, PathLink, Scenario } from "../../src/mod.ts";
import { Random, randomScenario } from "../scenario/random.ts";

export function smallScenario(seed: number): Scenario {
  const scenario = randomScenario(seed);
  const random = new Random(seed + 0x5eed);
  const { topology } = scenario;
  const links: PathLink[] = topology.kind === "path" ? topology.links : [topology.bottleneck, topology.access];
  for (const link of links) {
    calmLink(link, random);
    link.rate = kbps(random, 200, 20_000);
    if (link.reverse) calmLink(link.reverse, random);
  }
  return {
    ...scenario,
    seed: String(seed),
    duration: "10s",
    warmup: 0,
    flows: scenario.flows.map((group) => calmGroup(group, random)),
    tcp: {
      ...scenario.tcp,
      synRetries: random.integer(3, 6),
      dataRetries: random.integer(3, 8),
      maxRto: "10s",
      // Without it one end stays in FIN_WAIT_2 for ever when all of the other's FINs are lost
      finWait2Timeout: "60s",
    },
    record: {},
  };
}

function kbps(random: Random, min: number, max: number): string {
  return `${random.integer(min, max)}kbps`;
}

/** Most links carry most packets; one in ten is as bad as it was drawn. */
function calmLink(link: LinkDirection, random: Random): void {
  if (link.rate !== undefined) link.rate = kbps(random, 200, 20_000);
  if (link.delay !== undefined) link.delay = `${random.integer(0, 60)}ms`;
  // Each link in a row that duplicates doubles what the next one has to carry
  if (link.duplicate) link.duplicate.p *= 0.3;
  if (random.chance(0.1)) return;
  if (link.loss?.kind === "bernoulli") link.loss.p *= 0.1;
  if (link.loss?.kind === "periodic") link.loss.every += 5;
  if (link.corrupt) link.corrupt.p *= 0.1;
}

function calmGroup(group: FlowGroup, random: Random): FlowGroup {
  if (group.app) {
    return { ...group, app: { ...group.app, rate: kbps(random, 50, 2000) }, count: 1, stop: "5s", stagger: 0 };
  }
  const endless = group.bytes === "unlimited" || group.bytes === undefined;
  return {
    ...group,
    count: Math.min(group.count ?? 1, 3),
    bytes: endless ? "unlimited" : random.integer(1, 300_000),
    // An endless flow ends some time, so that all of them do
    ...(endless ? { stop: `${random.integer(2000, 9000)}ms` } : {}),
    read: group.read === undefined ? undefined : kbps(random, 300, 5000),
    realBytes: false,
  };
}

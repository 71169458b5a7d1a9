/** Scenarios of one link, or of one link and a fast one behind it where its work can be seen. */
import type { FlowGroup, Link, PathLink, Scenario } from "../../src/mod.ts";

/** Full segments carry this much beside timestamps and make 1500 bytes of IP. */
export const MSS = 1448;

/** 8 Mbit/s: a microsecond a byte. */
export const US_PER_BYTE: Link = { rate: "8Mbps", delay: "10ms", queue: { limit: "unlimited" } };

/** Takes a packet off a link's hands at once, so that a capture there shows when it arrived. */
export const BEHIND: PathLink = { name: "behind", rate: "10Tbps", delay: "1ms", queue: { limit: "unlimited" } };

export function overLink(link: Link, flows: FlowGroup[], rest: Partial<Scenario> = {}): Scenario {
  return { duration: "10s", topology: { kind: "path", links: [{ name: "link", ...link }] }, flows, ...rest };
}

/** Captures in front of the link's wire and behind it. */
export function throughLink(link: Link, flows: FlowGroup[], rest: Partial<Scenario> = {}): Scenario {
  return {
    duration: "10s",
    topology: { kind: "path", links: [{ name: "link", ...link }, BEHIND] },
    flows,
    record: { capture: ["link", "behind"] },
    ...rest,
  };
}

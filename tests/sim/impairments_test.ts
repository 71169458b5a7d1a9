/** What happens to packets on the wire: which, how often, and what the flow makes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../src/core/engine.ts";
import { Engine as EngineLayout, LinkExt, RunStatus, Tcb } from "../../src/core/layout.gen.ts";
import { type Link, type Scenario, simulate } from "../../src/mod.ts";
import { compile } from "../../src/scenario/compile.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { runCaptured, type SeenPacket } from "./packets.ts";
import { MSS, overLink, throughLink, US_PER_BYTE } from "./paths.ts";

const FAST: Link = { rate: "1Gbps", delay: "1ms", queue: { limit: "unlimited" } };
const BYTES = 1000 * MSS;

/** A thousand datagrams of 1500 bytes a second. */
function datagrams(link: Link, duration_s: number, count = 1): Scenario {
  return overLink({ ...FAST, ...link }, [{ count, app: { kind: "cbr", rate: "12Mbps" } }], { duration: duration_s });
}

/** Four standard deviations of a binomial count: a good generator misses it once in 16,000 seeds. */
function assertRate(hits: number, packets: number, p: number): void {
  const deviation = 4 * Math.sqrt(packets * p * (1 - p));
  assert.ok(
    Math.abs(hits - packets * p) <= deviation,
    `${hits} of ${packets}, expected ${packets * p} +- ${deviation}`,
  );
}

/** A packet as it was before the link, with when it came out of it; several times, once, or never. */
interface Passage {
  packet: SeenPacket;
  transit_ns: number[];
}

/** Follows the data packets of a flow through the link of `throughLink`, which they leave within so many nanoseconds. */
function passages(packets: SeenPacket[], most_ns: number): Passage[] {
  const data = packets.filter(({ forth, len }) => forth && len > 0);
  const after = data.filter(({ link }) => link === "behind");
  return data.filter(({ link }) => link === "link").map((packet) => {
    const mine = after.map((p) => p.seq === packet.seq ? p.time_ns - packet.time_ns : NaN);
    return { packet, transit_ns: mine.filter((ns) => ns > 0 && ns <= most_ns) };
  });
}

/** Numbers of those that never came out, from 1. */
function lostOf(seen: Passage[]): number[] {
  return seen.flatMap(({ transit_ns }, k) => transit_ns.length === 0 ? [k + 1] : []);
}

/** From the beginning of a full packet's transmission to its arrival behind the link. */
const SLOW_TRANSIT_NS = 1_500_000 + 10_000_000;
const FAST_TRANSIT_NS = 12_000 + 1_000_000;
/** A packet that finds another leave at the link behind waits for it. */
const BEHIND_NS = 10;

test("bernoulli: drops its share of the packets, and the utilization keeps counting them", async () => {
  for (const p of [0, 0.001, 0.1, 0.5, 1]) {
    const { links } = await simulate(datagrams({ ...FAST, loss: { kind: "bernoulli", p } }, 50));
    assert.equal(links[0].packets, 50_001);
    assertRate(links[0].drops.loss, links[0].packets, p);
    assert.equal(links[0].drops.overflow, 0);
  }
});

test("periodic: drops data packets number n, 2n, ... of each flow by itself", async () => {
  const { links } = await simulate(datagrams({ ...FAST, loss: { kind: "periodic", every: 7 } }, 1, 3));
  assert.equal(links[0].packets, 3 * 1001);
  assert.equal(links[0].drops.loss, 3 * Math.floor(1001 / 7));

  const link: Link = { ...US_PER_BYTE, loss: { kind: "periodic", every: 9 } };
  const { packets } = await runCaptured(throughLink(link, [{ count: 2, bytes: 60 * MSS }], { duration: "60s" }));
  for (const flow of [0, 1]) {
    const lost = lostOf(passages(packets.filter((packet) => packet.flow === flow), SLOW_TRANSIT_NS));
    assert.deepEqual(lost.slice(0, 6), [9, 18, 27, 36, 45, 54], `flow ${flow}`);
  }
});

test("list: drops these data packets and no other, retransmissions counted", async () => {
  // 12 is lost, and its retransmission, which comes as the first packet behind the window of 20: number 21 or later
  const { packets: calm } = await runCaptured(
    throughLink({ ...US_PER_BYTE, loss: { kind: "list", packets: [12] } }, [{ bytes: 60 * MSS }]),
  );
  const order = calm.filter(({ link, forth, len }) => link === "link" && forth && len > 0);
  const again = order.findIndex(({ seq }, k) => k > 11 && seq === order[11].seq) + 1;
  assert.ok(again > 12, "packet 12 was not sent again");

  const list = [3, 12, again, again + 5];
  const { packets, result } = await runCaptured(
    throughLink({ ...US_PER_BYTE, loss: { kind: "list", packets: list } }, [{ bytes: 60 * MSS }]),
  );
  assert.deepEqual(lostOf(passages(packets, SLOW_TRANSIT_NS)), list);
  assert.equal(result.links[0].drops.loss, list.length);
  assert.equal(result.flows[0].bytes_acked, 60 * MSS);
});

test("list: SYNs, FINs and bare ACKs are not data packets, and pass", async () => {
  const { flows, links } = await simulate(
    overLink({
      ...US_PER_BYTE,
      loss: { kind: "list", packets: [1, 2] },
      reverse: { loss: { kind: "list", packets: [1] } },
    }, [{
      bytes: 20 * MSS,
    }]),
  );
  assert.deepEqual([links[0].drops.loss, links[1].drops.loss], [2, 0]);
  assert.equal(flows[0].state, "TIME_WAIT");
  assert.equal(flows[0].bytes_acked, 20 * MSS);
});

test("jitter: delays each packet by up to so much, uniformly, and keeps the order", async () => {
  const link: Link = { rate: "12Mbps", delay: "10ms", queue: { limit: "unlimited" }, jitter: "800us" };
  const { packets } = await runCaptured(throughLink(link, [{ bytes: BYTES }]));
  const seen = passages(packets, 12_000_000);
  const extra = seen.map(({ transit_ns }) => transit_ns[0] - 11_000_000);
  assert.ok(Math.min(...extra) >= 0 && Math.max(...extra) <= 800_000, `${Math.min(...extra)} to ${Math.max(...extra)}`);
  // Packets leave a millisecond apart: the order never has to be kept by force, so the draws are seen as they are
  const mean = extra.reduce((sum, ns) => sum + ns, 0) / extra.length;
  assert.ok(Math.abs(mean - 400_000) < 4 * 800_000 / Math.sqrt(12 * extra.length), `mean ${mean}`);

  const { packets: dense } = await runCaptured(throughLink({ ...FAST, jitter: "5ms" }, [{ bytes: BYTES }]));
  const after = dense.filter(({ link, forth, len }) => link === "behind" && forth && len > 0);
  after.slice(1).forEach(({ seq }, k) => assert.ok((seq - after[k].seq | 0) > 0, "out of order"));
});

test("reorder: holds its share of the packets back for just so long", async () => {
  const link: Link = { ...FAST, reorder: { p: 0.05, delay: "2ms" } };
  const { packets, result } = await runCaptured(throughLink(link, [{ bytes: 5 * BYTES }]));
  const held_ns = FAST_TRANSIT_NS + 2_000_000;
  const seen = passages(packets, held_ns + BEHIND_NS);
  for (const { transit_ns } of seen) {
    assert.equal(transit_ns.length, 1);
    const after_ns = [FAST_TRANSIT_NS, held_ns].map((ns) => transit_ns[0] - ns);
    assert.ok(after_ns.some((ns) => ns >= 0 && ns < BEHIND_NS), `${transit_ns[0]} ns`);
  }
  assertRate(seen.filter(({ transit_ns }) => transit_ns[0] >= held_ns).length, seen.length, 0.05);
  assert.equal(result.flows[0].bytes_acked, 5 * BYTES);
});

test("duplicate: its share of the packets comes twice, and is read once", async () => {
  const link: Link = { ...FAST, duplicate: { p: 0.2 } };
  const { packets, result } = await runCaptured(throughLink(link, [{ bytes: BYTES }]));
  const seen = passages(packets, FAST_TRANSIT_NS + BEHIND_NS);
  assert.ok(seen.every(({ transit_ns }) => transit_ns.length === 1 || transit_ns.length === 2));
  assertRate(seen.filter(({ transit_ns }) => transit_ns.length === 2).length, seen.length, 0.2);
  assert.equal(result.flows[0].bytes_acked, BYTES);
  assert.equal(result.flows[0].goodput_bps * 10 / 8, BYTES);
});

test("corrupt: its share of the packets is dropped by the receiver's checksum", async () => {
  const engine = await Engine.load();
  const link: Link = { ...FAST, corrupt: { p: 0.03 }, reverse: { corrupt: { p: 0.02 } } };
  const { flows: [{ a, b }], links } = compile(
    engine,
    normalize(overLink(link, [{ bytes: 5 * BYTES }], { duration: "60s" })),
    false,
  );
  assert.equal(engine.exports.run(60_000_000_000n, 0xffffffff), RunStatus.DONE);
  const [forth, back] = links.map(({ ext }) => ({
    packets: engine.get(ext, LinkExt.packets),
    bytes: engine.get(ext, LinkExt.bytes),
    corrupted: engine.get(ext, LinkExt.corrupted),
    lost: engine.get(ext, LinkExt.drops_loss),
  }));
  assertRate(forth.corrupted, forth.packets, 0.03);
  assertRate(back.corrupted, back.packets, 0.02);
  assert.deepEqual([forth.lost, back.lost], [0, 0]);
  assert.equal(engine.get(a, Tcb.segments_sent), forth.packets);
  assert.equal(engine.get(b, Tcb.bytes_received), 5 * BYTES);
  assert.ok(engine.get(engine.root, EngineLayout.segments_delivered) < forth.packets - forth.corrupted);
  assert.ok(engine.get(b, Tcb.ip_bytes_received) < forth.bytes - forth.corrupted * 52);
});

test("corrupt: when every packet is damaged no connection opens, and the flow says why", async () => {
  const { flows } = await simulate(
    overLink({ ...FAST, corrupt: { p: 1 } }, [{ bytes: 1 }], { duration: "300s", tcp: { synRetries: 3 } }),
  );
  assert.equal(flows[0].state, "CLOSED");
  assert.equal(flows[0].fct_s, null);
  assert.equal(flows[0].segments_sent, 4);
});

test("impairments: those of the reverse direction hit acknowledgments alone", async () => {
  const reverse = { loss: { kind: "bernoulli", p: 0.3 } } as const;
  const { flows, links } = await simulate(overLink({ ...FAST, reverse }, [{ bytes: BYTES }], { duration: "60s" }));
  assert.equal(links[0].drops.loss, 0);
  assertRate(links[1].drops.loss, links[1].packets, 0.3);
  assert.equal(flows[0].bytes_acked, BYTES);
  // Cumulative acknowledgments make up for lost ones: hardly anything is sent again
  assert.ok(flows[0].retransmits < 20, `${flows[0].retransmits} retransmissions`);
});

test("impairments: each draws from a stream of its own", async () => {
  const lost = async (link: Link): Promise<number[]> => {
    const { packets } = await runCaptured(throughLink({ ...FAST, ...link }, [{ bytes: 20 * MSS }]));
    return lostOf(passages(packets, FAST_TRANSIT_NS + 2000)).filter((k) => k <= 10);
  };
  const loss = { kind: "bernoulli", p: 0.3 } as const;
  const alone = await lost({ ...FAST, loss });
  assert.ok(alone.length > 0);
  assert.deepEqual(await lost({ ...FAST, loss, jitter: "1us", duplicate: { p: 0.5 } }), alone);
});

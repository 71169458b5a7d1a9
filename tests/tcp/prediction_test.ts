/** Header prediction is a short cut: with and without it every event is the same, and so is every connection. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../src/core/engine.ts";
import { Engine as EngineLayout, RunStatus, Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import type { Scenario, TcpParameters } from "../../src/mod.ts";
import { compile } from "../../src/scenario/compile.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { randomScenario } from "../scenario/random.ts";
import { testSeed } from "../wire/random.ts";
import { controlBlock } from "./control_blocks.ts";

const RANDOM_SCENARIOS = 60;
const EVENTS_MAX = 60_000;

/** What counts only with RACK or when something is in doubt, and is brought up to date then. */
const LAZY = [
  "rack_time",
  "rack_end_seq",
  "rack_rtt_us",
  "rack_advanced",
  "rtx_head",
  "dsack_round_set",
  "reo_wnd_steps",
];

interface Outcome {
  digest: bigint;
  events: number;
  connections: Record<string, number>[];
}

/** A connection with what both ways keep alike. */
function connection(engine: Engine, tcb: number): Record<string, number> {
  const values = controlBlock(engine, tcb, LAZY);
  values.flags = (values.flags & ~TcbFlag.SEND_CARE) >>> 0;
  // Marks that lie behind the oldest segment all mean that one
  for (const mark of ["lost_frontier", "rtx_hint"]) values[mark] = Math.max(values[mark], values.sent_head);
  return values;
}

/** A connection that is to be handled with care takes no short cut, and nothing else changes. */
async function run(scenario: Scenario, careful: boolean, memory_s?: number): Promise<Outcome> {
  const engine = await Engine.load();
  const spec = normalize(scenario);
  const { flows } = compile(engine, spec, false);
  if (memory_s !== undefined) engine.set(engine.root, EngineLayout.min_rtt_wlen_s, memory_s);
  const tcbs = flows.flatMap(({ a, b }) => [a, b]);
  if (careful) {
    for (const tcb of tcbs) engine.set(tcb, Tcb.flags, (engine.get(tcb, Tcb.flags) | TcbFlag.SEND_CARE) >>> 0);
  }
  let events = 0;
  while (events < EVENTS_MAX) {
    const status = engine.exports.run(BigInt(Math.round(spec.duration_ns)), EVENTS_MAX - events);
    events = engine.get(engine.root, EngineLayout.events);
    if (status === RunStatus.DONE) break;
  }
  const connections = tcbs.map((tcb) => connection(engine, tcb));
  return { digest: engine.exports.runDigest(), events, connections };
}

async function assertSame(scenario: Scenario, said: string, memory_s?: number): Promise<void> {
  const [short, long] = [await run(scenario, false, memory_s), await run(scenario, true, memory_s)];
  assert.deepEqual(short.connections, long.connections, said);
  assert.deepEqual([short.events, short.digest], [long.events, long.digest], said);
}

const SETTINGS: Record<string, TcpParameters> = {
  "as they are": {},
  "a small fixed buffer": { receiveBuffer: "64KiB" },
  "no delayed ACKs": { delayedAck: false },
  "no timestamps": { timestamps: false },
  "no SACK": { sack: false },
  "the RFCs' letter": { profile: "rfc" },
};

for (const [said, tcp] of Object.entries(SETTINGS)) {
  test(`header prediction changes nothing: ${said}`, async () => {
    for (const count of [1, 5, 40]) {
      await assertSame({
        duration: "3s",
        topology: {
          kind: "dumbbell",
          bottleneck: { rate: "50Mbps", delay: "5ms", queue: { limit: "1bdp" } },
          access: { rate: "1Gbps", delay: "2ms" },
        },
        flows: [{ count, stagger: "3ms" }, { count, cc: "reno" }, {
          count,
          bytes: "200KB",
          stagger: "7ms",
          from: "right",
        }],
        tcp,
      }, `${count} flows`);
    }
  });
}

test("header prediction changes nothing: paths that lose and reorder", async () => {
  const impairments = { loss: { kind: "bernoulli", p: 0.01 }, reorder: { p: 0.05, delay: "5ms" } } as const;
  const queue = { limit: "8pkt" };
  // With 119 an ACK that delivers nothing follows calm ones, and has RACK look
  for (let seed = 100; seed < 120; seed++) {
    await assertSame({
      seed: `${seed}`,
      duration: "20s",
      topology: {
        kind: "path",
        links: [{ rate: "375kbps", delay: "1ms", queue, ...impairments }, { rate: "26kbps", delay: "2ms", queue }],
      },
      flows: [{ count: 4, stagger: "2ms", cc: "reno" }, { from: "right" }],
    }, `seed ${seed}`);
  }
});

test("header prediction changes nothing: the smallest round-trip time is forgotten at the same time", async () => {
  const link = { rate: "1Mbps", delay: "150ms", jitter: "10ms", queue: { limit: "20pkt" } };
  for (const count of [1, 2]) {
    await assertSame({ duration: "60s", topology: { kind: "path", links: [link] }, flows: [{ count }] }, `${count}`, 1);
  }
});

test("header prediction changes nothing: random scenarios", async () => {
  const first = testSeed() * 1000;
  for (let seed = first; seed < first + RANDOM_SCENARIOS; seed++) {
    await assertSame(randomScenario(seed), `seed ${seed}`);
  }
});

/** Header prediction is a short cut: with and without it every event is the same, and so is every connection. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, type Field } from "../../src/core/engine.ts";
import { Engine as EngineLayout, RunStatus, Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import type { Scenario, TcpParameters } from "../../src/mod.ts";
import { compile } from "../../src/scenario/compile.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { randomScenario } from "../scenario/random.ts";
import { testSeed } from "../wire/random.ts";

const RANDOM_SCENARIOS = 60;
const EVENTS_MAX = 60_000;

interface Outcome {
  digest: bigint;
  events: number;
  connections: Record<string, number>[];
}

/** A connection that is to be handled with care takes no short cut, and nothing else changes. */
async function run(scenario: Scenario, careful: boolean): Promise<Outcome> {
  const engine = await Engine.load();
  const spec = normalize(scenario);
  const { flows } = compile(engine, spec, false);
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
  const { size: _, ...layout } = Tcb;
  const fields = Object.entries<Field>(layout);
  const connections = tcbs.map((tcb) => {
    const values = Object.fromEntries(fields.map(([name, field]) => [name, engine.get(tcb, field)]));
    values.flags = (values.flags & ~TcbFlag.SEND_CARE) >>> 0;
    // Marks that lie behind the oldest segment all mean that one
    for (const mark of ["lost_frontier", "rtx_hint"]) values[mark] = Math.max(values[mark], values.sent_head);
    return values;
  });
  return { digest: engine.getBig(engine.root, EngineLayout.digest), events, connections };
}

async function assertSame(scenario: Scenario, said: string): Promise<void> {
  const [short, long] = [await run(scenario, false), await run(scenario, true)];
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

test("header prediction changes nothing: random scenarios", async () => {
  const first = testSeed() * 1000;
  for (let seed = first; seed < first + RANDOM_SCENARIOS; seed++) {
    await assertSame(randomScenario(seed), `seed ${seed}`);
  }
});

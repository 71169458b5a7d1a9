/** The byte stream: what is read is what was written, both ways at once, whatever the path does to the packets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Endpoint, type LinkDirection, type Scenario, Simulation } from "../../src/mod.ts";
import { Random } from "../scenario/random.ts";
import { forEachCase } from "./cases.ts";

function bytesFrom(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let k = 0; k < length; k++) bytes[k] = random.integer(0, 255);
  return bytes;
}

function impaired(random: Random): LinkDirection {
  return {
    loss: random.maybe(() => ({ kind: "bernoulli" as const, p: random.next() * 0.08 })),
    reorder: random.maybe(() => ({ p: random.next() * 0.2, delay: `${random.integer(1, 30)}ms` })),
    duplicate: random.maybe(() => ({ p: random.next() * 0.2 })),
    corrupt: random.maybe(() => ({ p: random.next() * 0.03 })),
    jitter: random.maybe(() => `${random.integer(1, 10)}ms`),
    queue: random.maybe(() => ({ limit: `${random.integer(3, 50)}pkt` })),
  };
}

const MSS = [64, 536, 1448, 8948];
/** Each turn that a stream's user takes is one of the event loop, a millisecond or so: some hundred segments a stream. */
const SEGMENTS_MAX = 120;

/** Bytes of a stream, and the MSS that cuts them. */
function sizes(random: Random): { mss: number; length: () => number } {
  const mss = random.pick(MSS);
  return { mss, length: () => random.integer(0, Math.min(SEGMENTS_MAX * mss, 200_000)) };
}

function scenario(random: Random, seed: number, mss: number): Scenario {
  return JSON.parse(JSON.stringify({
    seed: String(seed),
    duration: "3600s",
    topology: {
      kind: "path",
      links: [{
        ...impaired(random),
        rate: `${random.integer(1, 50)}Mbps`,
        delay: `${random.integer(0, 40)}ms`,
        reverse: impaired(random),
      }],
    },
    flows: [{ realBytes: true, cc: random.pick(["cubic", "reno"]) }],
    tcp: {
      mss,
      sack: random.chance(0.7),
      timestamps: random.chance(0.7),
      windowScaling: random.chance(0.7),
      delayedAck: random.chance(0.7),
      nagle: random.chance(0.5),
      sendBuffer: random.integer(2000, 200_000),
      receiveBuffer: random.chance(0.3) ? "auto" : random.integer(2000, 200_000),
      dataRetries: 20,
    },
  }));
}

/** Writes in pieces of any size, then closes this direction. */
async function writeAll(random: Random, { writable }: Endpoint, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  for (let at = 0; at < bytes.length;) {
    const size = random.chance(0.1) ? random.integer(1, 40) : random.integer(1, 30_000);
    await writer.write(bytes.subarray(at, at + size));
    at += size;
  }
  await writer.close();
}

async function readAll({ readable }: Endpoint): Promise<Uint8Array> {
  return new Uint8Array(await new Response(readable).arrayBuffer());
}

/** Both ends write and read; the run goes on until they have. */
async function exchange(simulation: Simulation, programs: Promise<unknown>[]): Promise<void> {
  let done = false;
  const all = Promise.all(programs).finally(() => done = true);
  all.catch(() => {});
  for (let t = 1; !done && t < 3600; t += 5) {
    await simulation.runUntil(t);
    // Streams take some turns to notice what has come
    for (let turn = 0; turn < 3 && !done; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.ok(done, "the streams do not end");
  await all;
}

function assertSame(read: Uint8Array, written: Uint8Array, way: string): void {
  const differs = written.findIndex((byte, k) => read[k] !== byte);
  assert.equal(read.length, written.length, `${way}: length`);
  assert.equal(differs, -1, `${way}: byte ${differs} of ${written.length}`);
}

test("streams: what is read is what was written, in both directions at once", async () => {
  await forEachCase(import.meta, 25, async (seed) => {
    const random = new Random(seed);
    const { mss, length } = sizes(random);
    const simulation = await Simulation.create(scenario(random, seed, mss));
    const [{ a, b }] = simulation.flows;
    const forth = bytesFrom(random, length());
    const back = bytesFrom(random, length());
    const read = [readAll(b), readAll(a)];
    await exchange(simulation, [writeAll(random, a, forth), writeAll(random, b, back), ...read]);
    assertSame(await read[0], forth, "forth");
    assertSame(await read[1], back, "back");
    await simulation.runUntil("3600s");
    assert.deepEqual([a.state, b.state], ["CLOSED", "CLOSED"]);
    assert.deepEqual([a.endReason, b.endReason].filter((reason) => reason !== "CLOSED" && reason !== "TIMED_OUT"), []);
    simulation.close();
  });
});

test("streams: half-close: after one end has closed, the other's data still flows", async () => {
  await forEachCase(import.meta, 12, async (seed) => {
    const random = new Random(seed);
    const { mss, length } = sizes(random);
    const simulation = await Simulation.create(scenario(random, seed, mss));
    const [{ a, b }] = simulation.flows;
    const question = bytesFrom(random, random.integer(1, 5000));
    const answer = bytesFrom(random, length());
    // The server answers when it has seen the whole question and its end
    const server = readAll(b).then(async (read) => {
      assertSame(read, question, "question");
      assert.equal(b.state, "CLOSE_WAIT");
      await writeAll(random, b, answer);
    });
    const read = readAll(a);
    await exchange(simulation, [writeAll(random, a, question), server, read]);
    assertSame(await read, answer, "answer");
    simulation.close();
  });
});

test("streams: several flows at once keep their bytes apart", async () => {
  await forEachCase(import.meta, 4, async (seed) => {
    const random = new Random(seed);
    const { mss, length } = sizes(random);
    const one = scenario(random, seed, mss);
    const simulation = await Simulation.create({ ...one, flows: [{ ...one.flows[0], count: 6, stagger: "5ms" }] });
    const written = simulation.flows.map(() => bytesFrom(random, length() >> 2));
    const read = simulation.flows.map(({ b }) => readAll(b));
    const writes = simulation.flows.map(({ a }, k) => writeAll(random, a, written[k]));
    const closes = simulation.flows.map(async ({ b }, k) => {
      await read[k];
      await b.writable.close();
    });
    await exchange(simulation, [...writes, ...closes]);
    for (const [k, bytes] of written.entries()) assertSame(await read[k], bytes, `flow ${k}`);
    simulation.close();
  });
});

/** How connections with the kernel begin, stand still and end: half-close, zero window, resets, ICMP. */
import assert from "node:assert/strict";
import type net from "node:net";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { ConnectionReport } from "../../src/endpoint/live_host.ts";
import { patternAt } from "../../src/endpoint/pattern.ts";
import { type ByteStream, echo, type Session, sink, source } from "../../src/endpoint/session.ts";
import {
  assertPattern,
  kernelAccept,
  kernelConnect,
  receiveAll,
  runProgram,
  sendPattern,
  type Wire,
  withWire,
} from "./wire.ts";

/** Longer than Linux's and our smallest time-outs, so that windows stay shut through several probes. */
const SHUT_MS = 10_000;

/** Waits until the host has no connection under way; what they were. */
async function allOver({ live }: Wire): Promise<ConnectionReport[]> {
  for (let i = 0; i < 300; i++) {
    const { connections } = live.statistics();
    if (connections.length > 0 && connections.every(({ closed_s }) => closed_s !== null)) return connections;
    await pause(10);
  }
  throw new Error("a connection did not end");
}

/** Sends a byte, closes its direction, and goes on reading. */
function closesFirst(): Session {
  let sent = false;
  const rest = sink(true);
  return {
    turn(stream: ByteStream) {
      if (!sent && stream.write(patternAt(0, 1)) === 0) return "waits";
      if (!sent) stream.end();
      sent = true;
      return rest.turn(stream);
    },
    received: rest.received,
  };
}

/** Does not read until it may; then what there is, to the end. */
function slowReader(mayRead: () => boolean): Session {
  const reader = sink(true);
  return { turn: (stream) => mayRead() ? reader.turn(stream) : "waits", received: reader.received };
}

function ended(socket: net.Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("error", ({ message }) => resolve(message));
    socket.once("close", () => resolve("closed"));
    socket.resume();
  });
}

test("half-close by Linux: the engine still sends, and both ends close", async () => {
  await withWire({}, async (wire) => {
    wire.live.listen(9, () => source(300_000, true));
    const socket = await kernelConnect(wire.engine, 9);
    socket.end();
    assertPattern(await receiveAll(socket), 300_000);
    const [{ error, bytes_received }] = await allOver(wire);
    assert.deepEqual({ error, bytes_received }, { error: null, bytes_received: 0 });
  });
});

test("half-close by the engine: Linux still sends, and both ends close", async () => {
  await withWire({}, async (wire) => {
    wire.live.listen(9, closesFirst);
    const socket = await kernelConnect(wire.engine, 9);
    assertPattern(await receiveAll(socket), 1);
    await pause(100);
    await sendPattern(socket, 300_000);
    const [{ error, bytes_received, sha256 }] = await allOver(wire);
    assert.equal(error, null);
    assertPattern({ bytes: bytes_received, sha256: sha256! }, 300_000);
  });
});

test("zero window for 10 s: Linux probes ours and we probe Linux's, and all bytes arrive in the end", async () => {
  const bytes = 8_000_000;
  await withWire({}, async (wire) => {
    let reading = false;
    wire.live.listen(9, () => slowReader(() => reading));
    wire.live.listen(19, () => source(bytes, false));
    const sender = await kernelConnect(wire.engine, 9);
    const sent = sendPattern(sender, bytes);
    const receiver = await kernelConnect(wire.engine, 19);
    await pause(1000);
    const halfway = await runProgram("ss", "-tinm", "dst", wire.engine);
    await pause(SHUT_MS - 1000);
    const before = wire.live.statistics().connections.map(({ info }) => info.tcpi_bytes_received ?? 0);
    reading = true;
    wire.live.poke();
    await sent;
    assertPattern(await receiveAll(receiver), bytes);
    receiver.end();
    sender.end();
    const [first] = await allOver(wire);
    assert.ok(before[0] < bytes, `the window never closed: ${before[0]} bytes had come; ${halfway.stdout}`);
    assertPattern({ bytes: first.bytes_received, sha256: first.sha256! }, bytes);
  });
});

test("reset by Linux: the engine's reader sees ECONNRESET", async () => {
  await withWire({}, async (wire) => {
    wire.live.listen(7, echo);
    const socket = await kernelConnect(wire.engine, 7);
    await pause(50);
    socket.resetAndDestroy();
    const [{ error }] = await allOver(wire);
    assert.equal(error, "ECONNRESET");
  });
});

test("reset by the engine: closing with unread bytes resets, and Linux sees it", async () => {
  await withWire({}, async (wire) => {
    // Long enough for the bytes to come, which it does not read
    const done = performance.now() + 500;
    wire.live.listen(19, () => ({ turn: () => performance.now() < done ? "more" : "done" }));
    const socket = await kernelConnect(wire.engine, 19);
    const how = ended(socket);
    socket.write(patternAt(0, 1000));
    assert.match(await how, /ECONNRESET|reset/i);
  });
});

test("reset by the engine: bytes that come after it has closed have no reader", async () => {
  await withWire({}, async ({ live, engine }) => {
    live.listen(9, () => ({ turn: () => "done" }));
    const socket = await kernelConnect(engine, 9);
    await new Promise<void>((end) => {
      socket.once("end", end);
      socket.resume();
    });
    const how = ended(socket);
    // The first is answered by a reset, the second finds that the connection is over
    for (let i = 0; i < 2; i++) {
      socket.write(patternAt(0, 1000), () => {});
      await pause(50);
    }
    assert.match(await how, /ECONNRESET|EPIPE|reset|broken/i);
  });
});

test("nobody listens: Linux's connection to the engine is refused, and the engine's to Linux", async () => {
  await withWire({}, async ({ live, engine, engine6, kernel, kernel6 }) => {
    await assert.rejects(kernelConnect(engine, 4), /refused/i);
    await assert.rejects(kernelConnect(engine6, 4), /refused/i);
    assert.equal((await live.connect(kernel, 4, echo)).error, "ECONNREFUSED");
    assert.equal((await live.connect(kernel6, 4, echo)).error, "ECONNREFUSED");
  });
});

test("ping: the engine answers over IPv4 and IPv6, whatever the length", async () => {
  await withWire({}, async ({ engine, engine6 }) => {
    for (const address of [engine, engine6]) {
      for (const size of ["0", "56", "1400"]) {
        const { status, stdout } = await runProgram("ping", "-c", "2", "-i", "0.05", "-W", "2", "-s", size, address);
        assert.equal(status, 0, stdout);
        assert.match(stdout, / 0% packet loss/);
      }
    }
  });
});

test("a datagram to the engine: Linux hears port unreachable", async () => {
  await withWire({}, async ({ engine, engine6 }) => {
    for (const [address, type] of [[engine, "UDP4"], [engine6, "UDP6"]]) {
      const target = type === "UDP6" ? `[${address}]` : address;
      const { stderr } = await runProgram(
        "sh",
        "-c",
        `(echo a; sleep 0.2; echo b; sleep 0.2) | socat - ${type}:${target}:5`,
      );
      assert.match(stderr, /refused/i);
    }
  });
});

test("two hundred connections at once, each with its own bytes", async () => {
  await withWire({}, async ({ live, engine }) => {
    live.listen(7, echo);
    const one = async (n: number): Promise<void> => {
      const socket = await kernelConnect(engine, 7);
      const received = receiveAll(socket);
      await sendPattern(socket, 1000 + n);
      assertPattern(await received, 1000 + n);
    };
    await Promise.all(Array.from({ length: 200 }, (_, n) => one(n)));
    const { connections } = live.statistics();
    assert.equal(connections.filter(({ error }) => error === null).length, 200);
  });
});

test("the engine as client: Linux accepts what half-closes at once", async () => {
  await withWire({}, async ({ live, kernel }) => {
    const server = await kernelAccept(kernel);
    const over = live.connect(kernel, server.port, () => source(0, true));
    const socket = await server.socket;
    assertPattern(await receiveAll(socket), 0);
    await sendPattern(socket, 100);
    const { bytes_received, sha256 } = await over;
    assertPattern({ bytes: bytes_received, sha256: sha256! }, 100);
    server.close();
  });
});

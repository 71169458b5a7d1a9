/** Two hosts in real time, one tunnel between them over the loopback device. */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { LiveHost } from "../../src/endpoint/live_host.ts";
import type { ByteStream, Session } from "../../src/endpoint/session.ts";

const [A, B] = ["10.9.0.1", "10.9.0.2"];
let nextPort = 20_000 + Math.floor(Math.random() * 20_000);

/** Both hosts, and an end for both. */
async function pair(): Promise<{ a: LiveHost; b: LiveHost; close: () => Promise<void> }> {
  const [left, right] = [nextPort++, nextPort++];
  const a = await LiveHost.open({ tunnel: { port: left, peerPort: right }, addresses: [A], seed: 1n });
  const b = await LiveHost.open({ tunnel: { port: right, peerPort: left }, addresses: [B], seed: 2n });
  return { a, b, close: async () => void await Promise.all([a.close(), b.close()]) };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await pause(10);
  assert.ok(holds(), "it did not come to pass in 5 s");
}

/** Writes once, ends, and has no more to do. */
function says(bytes: number): () => Session {
  return () => ({
    turn(stream: ByteStream) {
      stream.write(new Uint8Array(bytes));
      stream.end();
      return "done";
    },
  });
}

/** Reads when it is told to, and keeps its own direction open. */
class Reader implements Session {
  bytes = 0;
  static reads = false;

  turn(stream: ByteStream): "waits" {
    while (Reader.reads) {
      const bytes = stream.read();
      if (bytes === undefined || bytes.length === 0) break;
      this.bytes += bytes.length;
    }
    return "waits";
  }
}

test("LiveHost: a connection that lingers is asked for when it has news, not at every packet; its last ACK ends it", async () => {
  const { a, b, close } = await pair();
  try {
    const count = 20;
    const bytes = 100_000;
    a.listen(80, says(bytes));
    a.listen(81, () => ({ turn: (stream) => (stream.read(), "waits") }));
    const readers = Array.from({ length: count }, () => new Reader());
    Reader.reads = false;
    for (const reader of readers) b.connect(A, 80, () => reader);
    await until(() => a.statistics().connections.length === count);
    // More than the peer's buffer takes, which nobody reads: they linger
    await pause(100);
    assert.ok(a.statistics().connections.every(({ closed_s }) => closed_s === null));
    let asked = 0;
    const tcpInfo = a.host.tcpInfo.bind(a.host);
    a.host.tcpInfo = (fd) => (asked++, tcpInfo(fd));
    const { turns, packetsIn } = a.statistics().wire;
    asked = 0;
    let left = 200;
    b.connect(A, 81, () => ({
      turn(stream) {
        if (left-- > 0) stream.write(new Uint8Array(100));
        return "waits";
      },
    }));
    for (let i = 0; i < 100; i++) {
      b.poke();
      await pause(2);
    }
    const asks = asked;
    const passed = a.statistics().wire;
    assert.ok(passed.packetsIn - packetsIn > 50 && passed.turns - turns > 50, `${passed.turns - turns} turns`);
    assert.ok(asks < 3 * count, `${asks} structs for ${passed.turns - turns} turns`);
    Reader.reads = true;
    b.poke();
    await until(() => a.statistics().connections.filter(({ closed_s }) => closed_s !== null).length === count);
    const sent = a.statistics().connections.slice(0, count).map(({ bytes_sent }) => bytes_sent);
    assert.ok(Math.min(...sent) > 65_536);
    assert.deepEqual(readers.map((reader) => reader.bytes).sort(), sent.sort());
  } finally {
    await close();
  }
});

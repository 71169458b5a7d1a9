/** What the small applications do with a connection, on a stream of their own. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { http } from "../../src/endpoint/http.ts";
import { PATTERN_BYTES, patternAt } from "../../src/endpoint/pattern.ts";
import { type ByteStream, echo, type Session, sink, source } from "../../src/endpoint/session.ts";

/** A connection whose peer is the test. */
class Pipe implements ByteStream {
  incoming: Uint8Array[] = [];
  peerClosed = false;
  ended = false;
  /** Bytes that a write may hand over before the next `take`. */
  room = Infinity;
  #outgoing: Uint8Array[] = [];

  read(): Uint8Array | undefined {
    return this.incoming.shift() ?? (this.peerClosed ? new Uint8Array(0) : undefined);
  }

  write(bytes: Uint8Array): number {
    assert.ok(!this.ended, "written after the end");
    const taken = Math.min(bytes.length, this.room);
    this.room -= taken;
    if (taken > 0) this.#outgoing.push(bytes.slice(0, taken));
    return taken;
  }

  end(): void {
    this.ended = true;
  }

  describe(): string {
    return "state ESTABLISHED\n";
  }

  say(text: string): void {
    this.incoming.push(new TextEncoder().encode(text));
  }

  take(): Uint8Array {
    const length = this.#outgoing.reduce((sum, piece) => sum + piece.length, 0);
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of this.#outgoing.splice(0)) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  taken(): string {
    return new TextDecoder().decode(this.take());
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function patternBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const piece = patternAt(at, length - at);
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Turns with room for `room` bytes each until the session is done; what it wrote. */
function finish(session: Session, pipe: Pipe, room: number): Uint8Array {
  for (let i = 0; i < 10_000; i++) {
    pipe.room = room;
    if (session.turn(pipe) === "done") return pipe.take();
  }
  throw new Error("the session came to no end");
}

test("patternAt: one stream, wherever it is cut", () => {
  const whole = patternBytes(300_000);
  assert.ok(whole.every((byte, i) => byte === whole[i % PATTERN_BYTES]));
  for (const offset of [0, 1, PATTERN_BYTES - 1, PATTERN_BYTES, 200_000]) {
    const piece = patternAt(offset, 70_000);
    assert.ok(piece.length > 0 && piece.every((byte, i) => byte === whole[(offset + i) % PATTERN_BYTES]));
  }
  assert.ok(new Set(whole).size === 256);
});

test("echo: sends back what comes, however little is taken at a time, and ends after the peer has", () => {
  const pipe = new Pipe();
  const session = echo();
  pipe.incoming = [patternBytes(10_000), patternBytes(5)];
  assert.equal(session.turn(pipe), "waits");
  pipe.peerClosed = true;
  assert.equal(sha256(finish(session, pipe, 77)), sha256(Buffer.concat([patternBytes(10_000), patternBytes(5)])));
  assert.ok(pipe.ended);
});

test("sink: reads to the end and knows the sum of it", () => {
  const pipe = new Pipe();
  pipe.incoming = [patternBytes(100_000)];
  pipe.peerClosed = true;
  const session = sink(true);
  assert.deepEqual(finish(session, pipe, 0), new Uint8Array(0));
  assert.equal(session.received!(), sha256(patternBytes(100_000)));
});

test("source: sends as much as asked for, ends, and waits for the peer's end", () => {
  const pipe = new Pipe();
  const session = source(3_000_000, true);
  for (let i = 0; i < 100 && !pipe.ended; i++) {
    pipe.room = 100_000;
    assert.equal(session.turn(pipe), "waits");
  }
  assert.equal(sha256(pipe.take()), sha256(patternBytes(3_000_000)));
  pipe.incoming = [patternBytes(9)];
  pipe.peerClosed = true;
  assert.equal(session.turn(pipe), "done");
  assert.equal(session.received!(), sha256(patternBytes(9)));
});

test("http: GET / tells of the connection, and the connection stays", () => {
  const pipe = new Pipe();
  const session = http();
  pipe.say("GET / HTTP/1.1\r\nHost: x\r\n");
  assert.equal(session.turn(pipe), "waits");
  assert.equal(pipe.taken(), "", "answered half a request");
  pipe.say("\r\n");
  for (let i = 0; i < 2; i++) {
    assert.equal(session.turn(pipe), "waits");
    assert.match(pipe.taken(), /^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 18\r\n\r\nstate ESTABLISHED\n$/);
    pipe.say("GET / HTTP/1.1\r\n\r\n");
  }
});

test("http: GET /bytes/N sends N bytes of the pattern and closes when asked to", () => {
  const pipe = new Pipe();
  const session = http();
  pipe.say("GET /bytes/2500000 HTTP/1.1\r\nConnection: close\r\n\r\n");
  const answer = finish(session, pipe, 50_000);
  const head = new TextDecoder("latin1").decode(answer.subarray(0, 300)).split("\r\n\r\n")[0];
  assert.match(head, /Content-Length: 2500000/);
  assert.equal(sha256(answer.subarray(head.length + 4)), sha256(patternBytes(2_500_000)));
  assert.ok(pipe.ended);
});

test("http: PUT is counted and summed, after 100 Continue when the client waits for it", () => {
  const pipe = new Pipe();
  const session = http();
  pipe.say("PUT /x HTTP/1.1\r\nConnection: close\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n");
  session.turn(pipe);
  assert.equal(pipe.taken(), "HTTP/1.1 100 Continue\r\n\r\n");
  pipe.incoming.push(patternBytes(60_000), patternBytes(100_000).slice(60_000));
  assert.equal(session.turn(pipe), "done");
  assert.ok(pipe.taken().endsWith(`\r\n\r\n100000 bytes, sha256 ${sha256(patternBytes(100_000))}\n`));
});

test("http: two requests at once get two answers in order; what is none is refused and closed", () => {
  const pipe = new Pipe();
  const session = http();
  pipe.say("GET /nowhere HTTP/1.1\r\n\r\nHEAD /bytes/5 HTTP/1.1\r\n\r\nhello\r\n\r\n");
  assert.equal(session.turn(pipe), "done");
  const statuses = [...pipe.taken().matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);
  assert.deepEqual(statuses, ["404", "200", "400"]);
});

test("http: a client that closes gets what it asked for, and then the end", () => {
  const pipe = new Pipe();
  const session = http();
  pipe.say("GET /bytes/10 HTTP/1.1\r\n\r\nGET / HT");
  pipe.peerClosed = true;
  assert.equal(session.turn(pipe), "done");
  assert.equal(pipe.taken().match(/^HTTP/gm)?.length, 1);
});

test("sessions: after a megabyte, others have their turn", () => {
  for (const session of [source(Infinity, false), sink(false), echo(), http()]) {
    const pipe = new Pipe();
    for (let i = 0; i < 10; i++) pipe.incoming.push(patternAt(0, 1 << 18));
    pipe.incoming.unshift(new TextEncoder().encode("GET /bytes/9000000 HTTP/1.1\r\n\r\n"));
    assert.equal(session.turn(pipe), "more");
    assert.ok(pipe.incoming.length > 5, "read it all at once");
  }
});

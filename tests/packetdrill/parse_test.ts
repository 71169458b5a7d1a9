/** The language: what each form means, as the tree that comes out. */
import assert from "node:assert/strict";
import test from "node:test";
import { parseScript } from "../../src/packetdrill/parse.ts";
import type { Action, Event, EventTime, Expression, SystemCall, TcpPacket } from "../../src/packetdrill/syntax.ts";
import { TCP_INFO_FIELDS } from "../../src/packetdrill/symbols.ts";
import { Host } from "../../src/sockets/host.ts";
import { optionText } from "../../src/packetdrill/tcp_options.ts";
import { packetText } from "../../src/packetdrill/notation.ts";

function events(text: string): readonly Event[] {
  return parseScript("a.pkt", text).events;
}

function timeOf(text: string): EventTime {
  return events(`0 close(1) = 0\n${text}`)[1].time;
}

function packetOf(text: string): TcpPacket {
  const { action } = events(`0 close(1) = 0 ${text}`)[1];
  assert.ok(action.kind === "inbound" || action.kind === "outbound");
  assert.ok(action.packet.kind === "tcp");
  return action.packet;
}

function callOf(text: string): SystemCall {
  const { action } = events(text)[0];
  assert.equal(action.kind, "call");
  return (action as Action & { kind: "call" }).call;
}

test("times: absolute, relative, ranges and any time, in microseconds", () => {
  const packet = "> . 1:1(0) ack 1";
  assert.deepEqual(timeOf(`0.25 ${packet}`), { kind: "absolute", at: 250_000 });
  assert.deepEqual(timeOf(`+.01 ${packet}`), { kind: "relative", at: 10_000 });
  assert.deepEqual(timeOf(`+1 ${packet}`), { kind: "relative", at: 1_000_000 });
  assert.deepEqual(timeOf(`0.1~.2 ${packet}`), { kind: "absolute", at: 100_000, until: 200_000 });
  assert.deepEqual(timeOf(`+0~+.000001 ${packet}`), { kind: "relative", at: 0, until: 1 });
  assert.deepEqual(timeOf(`* ${packet}`), { kind: "any" });
});

test("times: a blocking call has an end on the base of its start", () => {
  const [event] = events("+0...1.5 read(4, ..., 10) = 10");
  assert.deepEqual(event.time, { kind: "relative", at: 0 });
  assert.equal((event.action as { returnsAt?: number }).returnsAt, 1_500_000);
  const [tight] = events("0.1...0.2 read(4, ..., 10) = 10");
  assert.deepEqual([tight.time, (tight.action as { returnsAt?: number }).returnsAt], [
    { kind: "absolute", at: 100_000 },
    200_000,
  ]);
});

test("layout: comments, blanks and ends of lines separate; an event may span lines", () => {
  const text = "// one\n0 /* two\n lines */ < S\n 0:0(0)\n\twin 5 <mss 1000> // end\n+0 > S. 0:0(0) ack 1 <...>";
  assert.deepEqual(events(text).map(({ line }) => line), [2, 6]);
});

test("packets: every field", () => {
  const packet = packetOf("+0 < [ce, ttl 9] SEW 5:5(0) ack 7 win 1024 urg 3 <mss 1000,nop,wscale 7>");
  assert.deepEqual(packet.ip, { ecn: 3, ttl: 9 });
  assert.equal(packet.flags, 0xc2);
  assert.deepEqual([packet.seq, packet.ack, packet.win, packet.urg], [{ start: 5, length: 0 }, 7, 1024, 3]);
  assert.deepEqual(packet.options!.map(optionText), ["mss 1000", "nop", "wscale 7"]);
});

test("packets: what is left out is not there", () => {
  const packet = packetOf("+0 > P. 1:1001(1000)");
  assert.deepEqual(packet, {
    kind: "tcp",
    ip: {},
    flags: 0x18,
    seq: { start: 1, length: 1000 },
    ack: 0,
    win: undefined,
    urg: undefined,
    options: [],
  });
  assert.equal(packetOf("+0 > . 1:1(0) ack 1 <...>").options, undefined);
});

const FLAGS: [string, number][] = [
  ["-", 0],
  [".", 0x10],
  ["SEWA", 0x1c2],
  ["5.", 0x150],
  ["P6.", 0x198],
  ["UFRP.", 0x3d],
];
for (const [text, bits] of FLAGS) {
  test(`packets: flags ${text}`, () => assert.equal(packetOf(`+0 > ${text} 1:1(0) ack 1`).flags, bits));
}

const OPTIONS = [
  "sackOK,TS val 1 ecr 2",
  "nop,nop,sack 1:2 3:4 4294967295:5",
  "nop,nop,FO",
  "FO 0123456789abcdef,nop,nop",
  "FOEXP 01234567",
  "nop,nop,md5 000102030405060708090a0b0c0d0e0f",
  "ECN e1b 1 ceb 2 e0b 16777215,nop",
  "ECN e0b 1,nop,nop,nop",
  "eol,eol,eol,eol",
];
for (const text of OPTIONS) {
  test(`packets: options ${text} read and written alike`, () => {
    assert.equal(packetText(packetOf(`+0 > . 1:1(0) ack 1 <${text}>`)), `. 1:1(0) ack 1 <${text}>`);
  });
}

test("packets: sequence numbers wrap", () => {
  assert.deepEqual(packetOf("+0 > . 4294967290:4(10) ack 1").seq, { start: 4294967290, length: 10 });
});

test("ICMP: type, code, MTU and the segment it quotes", () => {
  const [, event] = events("0 close(1) = 0 +0 < [tos 0x10] icmp unreachable frag_needed mtu 1200 [1:1461(1460)]");
  assert.deepEqual(event.action, {
    kind: "inbound",
    packet: {
      kind: "icmp",
      ip: { tos: 16 },
      type: "unreachable",
      code: "frag_needed",
      mtu: 1200,
      quoted: { start: 1, length: 1460 },
    },
  });
});

test("calls: numbers, symbols, alternatives, casts, sizeof, strings", () => {
  const call = callOf(
    '0 setsockopt(3, SOL_TCP, 0x10|O_NONBLOCK|1, (char *)"re" "no\\x41\\n", sizeof(int)) = -1 EINVAL (Invalid (really) argument)',
  );
  assert.deepEqual(call.args.map((arg) => arg.kind === "number" || arg.kind === "string" ? arg.value : arg.kind), [
    3,
    6,
    0o4000 | 0x11,
    "renoA\n",
    4,
  ]);
  assert.deepEqual([call.relation, call.errno], ["=", "EINVAL"]);
});

test("calls: structs and lists", () => {
  const { args } = callOf(
    "0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, MSG_MORE) = 30",
  );
  assert.equal(args[1].kind, "struct");
  assert.deepEqual((args[1] as Expression & { kind: "struct" }).fields.map(({ name }) => name), [
    "msg_name",
    "msg_iov",
    "msg_flags",
  ]);
  const { args: polled } = callOf("0 poll([{fd=4, events=POLLIN|POLLERR, revents=0}], 1, -1) = 0");
  assert.equal(polled[0].kind, "list");
  assert.deepEqual(polled[2], { kind: "number", value: -1, text: "-1" });
});

test("calls: a result may be left open or bounded", () => {
  assert.equal(callOf("0 read(4, ..., 10) = ...").result.kind, "any");
  assert.equal(callOf("0 read(4, ..., 10) >= 1").relation, ">=");
  assert.equal(callOf("0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)").result.kind, "number");
});

test("defines: words are replaced, but not in strings, comments or parts of words", () => {
  const text = '--define=CC=renoX\n0 setsockopt(A, SOL_TCP, TCP_CONGESTION, "A", AB) = 0 // A';
  const defines = new Map([["A", "3"], ["AB", "sizeof(int)"], ["CC", "x"]]);
  const { action } = parseScript("a.pkt", text, defines).events[0];
  const { args } = (action as Action & { kind: "call" }).call;
  assert.deepEqual(args.map((arg) => (arg as { value: unknown }).value), [3, 6, 13, "A", 4]);
});

test("code: statements, persisting names and comments", () => {
  const text =
    "0 close(1) = 0\n+0 %{ x = 3 # three\nassert tcpi_rto == x * (1 +\n 1), tcpi_rto; print x }%\n+0 %{ assert x }%";
  const code = events(text).slice(1).map(({ action }) => (action as Action & { kind: "code" }).statements);
  assert.deepEqual(code.map((statements) => statements.map(({ kind, line }) => [kind, line])), [
    [["assign", 2], ["assert", 3], ["print", 4]],
    [["assert", 5]],
  ]);
});

test("script: options, init and cleanup stand around the events", () => {
  const script = parseScript(
    "a.pkt",
    "--mtu=1400\n--strict_segments\n`sysctl -q a=1`\n0 close(1) = 0\n`$anything | at all`",
  );
  assert.deepEqual(script.options.map(({ line, name, value }) => [line, name, value]), [
    [1, "mtu", "1400"],
    [2, "strict_segments", undefined],
  ]);
  assert.deepEqual(script.init, [{ line: 3, words: ["sysctl", "-q", "a=1"], to: [] }]);
  assert.equal(script.events.length, 1);
});

test("code: every member of TCP_INFO that it may read is one that a socket has", async () => {
  const host = await Host.create();
  const fd = host.socket(2, 1);
  assert.deepEqual([...TCP_INFO_FIELDS].sort(), Object.keys(host.tcpInfo(fd)).sort());
});

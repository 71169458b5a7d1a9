import assert from "node:assert/strict";
import { test } from "node:test";
import { Flag, WireStatus } from "../../src/core/layout.gen.ts";
import { Codec } from "./codec.ts";
import { encodeOracle, internetChecksum, parseOracle, tcpChecksum, type TcpPacket, u16 } from "./oracle.ts";
import { randomPacket } from "./packets.ts";
import { Random, testSeed } from "./random.ts";

const codec = await Codec.load();
const SEED = testSeed();

const DATA: TcpPacket = {
  srcAddr: 0x0a000001,
  dstAddr: 0x0a000002,
  tos: 0,
  id: 7,
  srcPort: 40000,
  dstPort: 80,
  seq: 0xfffffff0,
  ack: 0x01020304,
  flags: Flag.ACK | Flag.PSH,
  wnd: 502,
  urgent: 0,
  timestamps: { tsval: 0x11121314, tsecr: 0x21222324 },
  payload: Uint8Array.of(1, 2, 3),
};
const SYN: TcpPacket = { ...DATA, ack: 0, flags: Flag.SYN, mss: 1460, windowScale: 7, sackPermitted: true };
SYN.payload = new Uint8Array(0);
const BLOCKS = [{ start: 1, end: 2 }, { start: 3, end: 4 }, { start: 5, end: 6 }, { start: 7, end: 8 }];
const BLOCKS_HEX = ["0000000100000002", "0000000300000004", "0000000500000006", "0000000700000008"];

function optionsHex(packet: TcpPacket): string {
  const bytes = codec.encode(packet);
  return Array.from(bytes.slice(40, 20 + (bytes[32] >> 4) * 4), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** An encoded packet with `change` made to its bytes, and both checksums made right again. */
function mended(packet: TcpPacket, change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = encodeOracle(packet);
  change(bytes);
  bytes.set([0, 0], 10);
  bytes.set(u16(internetChecksum(bytes, 0, 20)), 10);
  bytes.set([0, 0], 36);
  bytes.set(u16(tcpChecksum(packet.srcAddr, packet.dstAddr, bytes, 20, bytes.length)), 36);
  return bytes;
}

/** A segment whose forty bytes of options begin with `options`. */
function withOptions(options: number[], flags: number = Flag.ACK): Uint8Array {
  const packet = { ...DATA, flags, timestamps: undefined, payload: new Uint8Array(40) };
  packet.payload.fill(1);
  packet.payload.set(options);
  return mended(packet, (bytes) => bytes[32] = 15 << 4);
}

function parsed(bytes: Uint8Array): TcpPacket {
  const packet = codec.parse(bytes);
  assert.equal(typeof packet, "object", `status ${packet}`);
  return packet as TcpPacket;
}

test("encode: options of a SYN stand in Linux's order", () => {
  const timestamps = "080a1112131421222324";
  assert.equal(optionsHex(SYN), `020405b4${"0402"}${timestamps}${"01030307"}`);
  assert.equal(optionsHex({ ...SYN, sackPermitted: false }), `020405b4${"0101"}${timestamps}${"01030307"}`);
  assert.equal(optionsHex({ ...SYN, timestamps: undefined }), `020405b4${"01010402"}${"01030307"}`);
  assert.equal(optionsHex({ ...SYN, windowScale: undefined }), `020405b4${"0402"}${timestamps}`);
  assert.equal(optionsHex({ ...SYN, windowScale: 0, timestamps: undefined, sackPermitted: false }), "020405b401030300");
  assert.equal(optionsHex({ ...SYN, mss: undefined, timestamps: undefined, sackPermitted: false }), "01030307");
});

test("encode: data carries `nop,nop,TS`, then `nop,nop,sack`, four blocks only without timestamps", () => {
  const timestamps = "0101080a1112131421222324";
  assert.equal(optionsHex(DATA), timestamps);
  assert.equal(optionsHex({ ...DATA, timestamps: undefined }), "");
  for (let n = 1; n <= 4; n++) {
    const sack = "010105" + (2 + 8 * n).toString(16).padStart(2, "0") + BLOCKS_HEX.slice(0, n).join("");
    const packet = { ...DATA, sack: BLOCKS.slice(0, n) };
    assert.equal(optionsHex({ ...packet, timestamps: undefined }), sack);
    if (n < 4) assert.equal(optionsHex(packet), timestamps + sack);
  }
});

test("encode: the IPv4 header is Linux's", () => {
  const header = codec.encode(DATA).subarray(0, 20);
  assert.deepEqual(
    Array.from(header),
    [0x45, 0, 0, 55, 0, 7, 0x40, 0, 64, 6, header[10], header[11], 10, 0, 0, 1, 10, 0, 0, 2],
  );
  assert.equal(internetChecksum(header), 0);
});

test("encode: random segments equal the oracle's bytes, and read back as what was written", () => {
  const random = new Random(SEED);
  for (let i = 0; i < 5000; i++) {
    const packet = randomPacket(random);
    const where = `packet ${i}, seed ${SEED}`;
    const bytes = codec.encode(packet);
    assert.deepEqual(bytes, encodeOracle(packet), where);
    assert.equal(codec.length(packet), bytes.length, where);
    assert.deepEqual(codec.parse(bytes), packet, where);
    assert.deepEqual(parseOracle(bytes), packet, where);
  }
});

test("encode: a virtual payload is sent as zeros", () => {
  for (const length of [0, 1, 2, 1448]) {
    const packet = { ...DATA, payload: new Uint8Array(length) };
    assert.deepEqual(codec.encode(packet, { virtual: true }), encodeOracle(packet));
  }
});

test("encode: a snap length cuts the payload but never the headers, and changes neither lengths nor checksums", () => {
  const packet = { ...DATA, payload: Uint8Array.from({ length: 100 }, (_, i) => i) };
  const whole = encodeOracle(packet);
  for (const virtual of [false, true]) {
    const sent = virtual ? encodeOracle({ ...packet, payload: new Uint8Array(100) }) : whole;
    for (const [snaplen, kept] of [[0, 52], [51, 52], [52, 52], [53, 53], [151, 151], [152, 152], [65535, 152]]) {
      assert.deepEqual(codec.encode(packet, { snaplen, virtual }), sent.slice(0, kept), `snap length ${snaplen}`);
    }
  }
});

test("encode: a corrupted segment has a wrong TCP checksum and is otherwise the same", () => {
  const random = new Random(SEED);
  for (let i = 0; i < 200; i++) {
    const packet = randomPacket(random);
    const bytes = codec.encode(packet, { corrupted: true });
    assert.equal(codec.parse(bytes), WireStatus.BAD_CHECKSUM);
    assert.equal(parseOracle(bytes), WireStatus.BAD_CHECKSUM);
    const good = encodeOracle(packet);
    bytes.set(good.subarray(36, 38), 36);
    assert.deepEqual(bytes, good);
  }
});

test("encode: a packet longer than IPv4 can say is a broken invariant", async () => {
  const other = await Codec.load(); // a trap leaves its engine unusable
  const payload = new Uint8Array(65535 - 52);
  assert.equal(other.encode({ ...DATA, payload }, { snaplen: 0, virtual: true }).length, 52);
  const tooLong = { ...DATA, payload: new Uint8Array(65536 - 52) };
  assert.throws(() => other.encode(tooLong, { snaplen: 0, virtual: true }), WebAssembly.RuntimeError);
});

test("parse: each reason to refuse a packet has its name", () => {
  const cases: [string, number, Uint8Array][] = [
    ["no bytes", WireStatus.TRUNCATED, new Uint8Array(0)],
    ["half an IPv4 header", WireStatus.TRUNCATED, encodeOracle(DATA).slice(0, 19)],
    ["a byte of the payload missing", WireStatus.TRUNCATED, encodeOracle(DATA).slice(0, -1)],
    ["IPv6", WireStatus.NOT_IPV4, mended(DATA, (bytes) => bytes[0] = 0x65)],
    ["IPv4 header length 4", WireStatus.BAD_IP_LENGTH, mended(DATA, (bytes) => bytes[0] = 0x44)],
    ["IPv4 header beyond the packet", WireStatus.TRUNCATED, encodeOracle(DATA).slice(0, 20).fill(0x4f, 0, 1)],
    ["total length below the header's", WireStatus.BAD_IP_LENGTH, mended(DATA, (bytes) => bytes[3] = 19)],
    ["total length beyond the packet", WireStatus.TRUNCATED, mended(DATA, (bytes) => bytes[3]++)],
    ["a flipped bit in the IPv4 header", WireStatus.BAD_IP_CHECKSUM, encodeOracle({ ...DATA }).fill(63, 8, 9)],
    ["more fragments", WireStatus.FRAGMENT, mended(DATA, (bytes) => bytes[6] = 0x20)],
    ["fragment offset", WireStatus.FRAGMENT, mended(DATA, (bytes) => bytes[7] = 1)],
    ["UDP", WireStatus.NOT_TCP, mended(DATA, (bytes) => bytes[9] = 17)],
    ["half a TCP header", WireStatus.TRUNCATED, mended(DATA, (bytes) => bytes[3] = 39)],
    ["data offset 4", WireStatus.BAD_OFFSET, mended(DATA, (bytes) => bytes[32] = 0x40)],
    ["data offset beyond the segment", WireStatus.BAD_OFFSET, mended(DATA, (bytes) => bytes[32] = 0x90)],
    ["a flipped bit in the payload", WireStatus.BAD_CHECKSUM, encodeOracle(DATA).fill(0, 52, 53)],
    ["a flipped bit in the address", WireStatus.BAD_IP_CHECKSUM, encodeOracle(DATA).fill(11, 12, 13)],
  ];
  for (const [what, status, bytes] of cases) {
    assert.equal(codec.parse(bytes), status, what);
    assert.equal(parseOracle(bytes), status, `${what}, by the oracle`);
  }
});

test("parse: an option of a wrong length is skipped, an impossible length ends the options: no segment is refused (Linux)", () => {
  const timestamps = [8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
  const skipped: [string, number[], number][] = [
    ["MSS of length 3", [2, 3, 0], Flag.SYN],
    ["window scale of length 4", [3, 4, 0, 0], Flag.SYN],
    ["SACK-permitted of length 3", [4, 3, 0], Flag.SYN],
    ["SACK without blocks", [5, 2], Flag.ACK],
    ["SACK with half a block", [5, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Flag.ACK],
    ["timestamps of length 8", [8, 8, 0, 0, 0, 0, 0, 0], Flag.ACK],
    ["an MD5 signature of length 4", [19, 4, 0, 0], Flag.ACK],
  ];
  for (const [what, option, flags] of skipped) {
    const { mss, windowScale, sackPermitted, sack, md5, timestamps: ts } = parsed(
      withOptions([...option, ...timestamps], flags),
    );
    assert.deepEqual([mss, windowScale, sackPermitted, sack, md5], Array(5).fill(undefined), what);
    assert.deepEqual(ts, { tsval: 1, tsecr: 2 }, what);
  }
  const ending: [string, number[]][] = [
    ["option of length 0", [77, 0]],
    ["option of length 1", [77, 1]],
    ["option beyond the header", [77, 41]],
  ];
  for (const [what, option] of ending) {
    assert.equal(parsed(withOptions([...option, ...timestamps])).timestamps, undefined, what);
    assert.deepEqual(parsed(withOptions([...timestamps, ...option])).timestamps, { tsval: 1, tsecr: 2 }, what);
  }
  assert.equal(parsed(withOptions([77, 39, ...Array(37).fill(0), 8])).timestamps, undefined, "without a length");
});

test("encode: AccECN stands behind the timestamps and takes the place of nops (RFC 9768 §3.2.3)", () => {
  const timestamps = "0101080a1112131421222324";
  const option = (...fields: number[]): TcpPacket => ({ ...DATA, accEcn: { order: 1, fields } });
  assert.equal(optionsHex(option(1, 0, 0x0a0b0c)), `${timestamps}ae0b0000010000000a0b0c01`);
  assert.equal(
    optionsHex({ ...DATA, accEcn: { order: 0, fields: [1, 2, 3] } }),
    `${timestamps}ac0b00000100000200000301`,
  );
  assert.equal(optionsHex(option(1, 2)), `${timestamps}ae08000001000002`);
  assert.equal(optionsHex(option(5)), `${timestamps}ae05000005010101`);
  assert.equal(optionsHex(option()), `${timestamps}ae020101`);
  const sack = BLOCKS.slice(0, 1);
  assert.equal(optionsHex({ ...option(5), sack }), `${timestamps}ae0500000501050a${BLOCKS_HEX[0]}`);
  assert.equal(optionsHex({ ...option(), sack }), `${timestamps}ae02050a${BLOCKS_HEX[0]}`);
  const synAck = { ...SYN, flags: Flag.SYN | Flag.ACK };
  const head = "020405b40402080a1112131421222324";
  assert.equal(
    optionsHex({ ...synAck, accEcn: { order: 1, fields: [1, 0, 1] } }),
    `${head}ae0b0000010000000000010101030307`,
  );
  assert.equal(optionsHex({ ...synAck, accEcn: { order: 1, fields: [5] } }), `${head}ae05000005030307`);
  const unstamped = { ...synAck, timestamps: undefined, accEcn: { order: 1 as const, fields: [] } };
  assert.equal(optionsHex(unstamped), "020405b4ae02040201030307");
});

test("encode: Fast Open stands last, with nops behind it (RFC 7413 §4.1.1)", () => {
  const head = "020405b40402080a111213142122232401030307";
  const cookie = [1, 2, 3, 4, 5, 6, 7, 8];
  assert.equal(optionsHex({ ...SYN, fastOpen: { cookie, experimental: false } }), `${head}220a01020304050607080101`);
  assert.equal(optionsHex({ ...SYN, fastOpen: { cookie, experimental: true } }), `${head}fe0cf9890102030405060708`);
  assert.equal(optionsHex({ ...SYN, fastOpen: { cookie: [], experimental: false } }), `${head}22020101`);
  assert.equal(optionsHex({ ...SYN, fastOpen: { cookie: [], experimental: true } }), `${head}fe04f989`);
});

test("encode: the Alternate Checksum Request stands last (RFC 1146)", () => {
  assert.equal(optionsHex({ ...SYN, altChecksum: 2 }), "020405b40402080a1112131421222324010303070e030201");
});

test("parse: a Fast Open cookie has an even length from 4 to 16; a request has none (RFC 7413 §4.1.1)", () => {
  const cookieOf = (length: number) =>
    parsed(withOptions([34, 2 + length, ...Array(length).fill(7)], Flag.SYN)).fastOpen;
  for (const length of [0, 4, 6, 8, 16]) {
    assert.deepEqual(cookieOf(length), { cookie: Array(length).fill(7), experimental: false });
  }
  for (const length of [1, 2, 3, 5, 15, 17, 18]) assert.equal(cookieOf(length), undefined, `${length}`);
  assert.deepEqual(parsed(withOptions([254, 8, 0xf9, 0x89, 1, 2, 3, 4], Flag.SYN)).fastOpen, {
    cookie: [1, 2, 3, 4],
    experimental: true,
  });
  assert.equal(parsed(withOptions([254, 8, 0xf9, 0x88, 1, 2, 3, 4], Flag.SYN)).fastOpen, undefined);
  assert.equal(parsed(withOptions([34, 6, 1, 2, 3, 4])).fastOpen, undefined, "not on a SYN");
});

test("parse: the AccECN option in both orders, whole fields only (RFC 9768 §3.2.3)", () => {
  const of = (option: number[]) => parsed(withOptions(option)).accEcn;
  assert.deepEqual(of([174, 11, 0, 0, 1, 0, 0, 2, 0, 0, 3]), { order: 1, fields: [1, 2, 3] });
  assert.deepEqual(of([172, 5, 1, 2, 3]), { order: 0, fields: [0x010203] });
  assert.deepEqual(of([174, 2]), { order: 1, fields: [] });
  assert.deepEqual(of([174, 7, 0, 0, 9, 1, 1]), { order: 1, fields: [9] });
});

test("parse: the ECN field, AE and the urgent pointer", () => {
  for (const tos of [0, 1, 2, 3, 0xb8 + 3]) {
    const packet = { ...DATA, tos, ae: true, urgent: 77, flags: Flag.ACK | Flag.URG | Flag.ECE | Flag.CWR };
    assert.deepEqual(parsed(encodeOracle(packet)), packet);
    assert.deepEqual(codec.encode(packet), encodeOracle(packet));
  }
});

test("parse: an MD5 signature is recognised (RFC 2385)", () => {
  assert.equal(parsed(withOptions([19, 18, ...Array(16).fill(3)])).md5, true);
});

test("parse: unknown options are skipped, and nothing after the end of options counts", () => {
  const timestamps = [8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
  assert.deepEqual(parsed(withOptions([30, 4, 8, 10, 253, 2, ...timestamps])).timestamps, { tsval: 1, tsecr: 2 });
  assert.equal(parsed(withOptions([1, 0, ...timestamps])).timestamps, undefined);
  assert.equal(parsed(withOptions([0, 77, 0])).timestamps, undefined);
});

test("parse: of an option given twice the last counts", () => {
  const packet = parsed(withOptions([8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4]));
  assert.deepEqual(packet.timestamps, { tsval: 3, tsecr: 4 });
  const block = (n: number): number[] => [0, 0, 0, n, 0, 0, 0, n + 1];
  const { sack } = parsed(withOptions([5, 18, ...block(1), ...block(3), 5, 10, ...block(5)]));
  assert.deepEqual(sack, [{ start: 5, end: 6 }]);
});

test("parse: MSS, window scale and SACK-permitted count on a SYN only, SACK blocks on others only", () => {
  const options = [2, 4, 5, 180, 3, 3, 7, 4, 2, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2];
  const { mss, windowScale, sackPermitted, sack } = parsed(withOptions(options));
  assert.deepEqual({ mss, windowScale, sackPermitted }, {
    mss: undefined,
    windowScale: undefined,
    sackPermitted: undefined,
  });
  assert.deepEqual(sack, [{ start: 1, end: 2 }]);
  const syn = parsed(withOptions(options, Flag.SYN | Flag.ACK));
  assert.deepEqual([syn.mss, syn.windowScale, syn.sackPermitted, syn.sack], [1460, 7, true, undefined]);
});

test("parse: a window scale above 14 counts as 14, RFC 7323 §2.3", () => {
  for (const [sent, used] of [[0, 0], [14, 14], [15, 14], [255, 14]]) {
    assert.equal(parsed(withOptions([3, 3, sent], Flag.SYN)).windowScale, used);
  }
});

test("parse: an MSS of 0 says nothing", () => {
  assert.equal(parsed(withOptions([2, 4, 0, 0], Flag.SYN)).mss, undefined);
  assert.equal(parsed(withOptions([2, 4, 0, 1], Flag.SYN)).mss, 1);
});

test("parse: IPv4 options are skipped, and bytes beyond the total length are padding", () => {
  const plain = encodeOracle(DATA);
  const bytes = new Uint8Array(plain.length + 8 + 6).fill(0x55);
  bytes.set(plain.subarray(0, 20));
  bytes.fill(1, 20, 28);
  bytes.set(plain.subarray(20), 28);
  bytes[0] = 0x47;
  bytes[3] += 8;
  bytes.set([0, 0], 10);
  bytes.set(u16(internetChecksum(bytes, 0, 28)), 10);
  assert.deepEqual(codec.parse(bytes), DATA);
});

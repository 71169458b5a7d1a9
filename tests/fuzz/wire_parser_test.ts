/**
 * The segment parser against a million mutated packets: its verdict and all it reads must be the oracle's, it must not
 * trap, and every packet lies at the very end of memory, so that a read beyond it would. `CWND_TEST_SEED` changes the seed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WIRE_STATUS_NAMES, WireStatus } from "../../src/core/layout.gen.ts";
import { Codec } from "../wire/codec.ts";
import { timeIsOver } from "./budget.ts";
import {
  encodeOracle,
  internetChecksum,
  parseOracle,
  readU16,
  readU32,
  tcpChecksum,
  type TcpPacket,
  u16,
} from "../wire/oracle.ts";
import { randomPacket } from "../wire/packets.ts";
import { Random, testSeed } from "../wire/random.ts";

/** At least, and for this share of the time of all fuzz tests. */
const PACKETS = 1_000_000;
const SHARE = 0.1;
/** Packets that are mutated; each serves many times, so that making them does not cost more than parsing. */
const ORIGINALS = 1000;
const PACKET_MAX = 2048;

const OPTION_KINDS = [0, 1, 2, 3, 4, 5, 8, 14, 15, 19, 30, 34, 172, 174, 254];
const OPTION_LENGTHS = [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 18, 26, 34, 38, 39, 40, 41, 255];

/** A packet that is being mutated: the first `length` bytes. */
interface Specimen {
  bytes: Uint8Array;
  length: number;
}

type Mutation = (specimen: Specimen, random: Random) => void;

/** Where the TCP header seems to begin. */
function tcpAt({ bytes }: Specimen): number {
  return (bytes[0] & 15) * 4;
}

const MUTATIONS: Mutation[] = [
  function truncate(specimen, random) {
    specimen.length = random.below(specimen.length + 1);
  },
  function truncateInHeaders(specimen, random) {
    specimen.length = Math.min(specimen.length, random.below(81));
  },
  function shortenHonestly(specimen, random) {
    specimen.length = random.below(specimen.length + 1);
    specimen.bytes.set(u16(specimen.length), 2);
  },
  function pad(specimen, random) {
    const end = Math.min(PACKET_MAX, specimen.length + random.between(1, 46));
    while (specimen.length < end) specimen.bytes[specimen.length++] = random.below(256);
  },
  function flipBits({ bytes, length }, random) {
    for (let n = random.between(1, 4); n > 0 && length > 0; n--) bytes[random.below(length)] ^= 1 << random.below(8);
  },
  function flipHeaderBit({ bytes, length }, random) {
    if (length > 0) bytes[random.below(Math.min(length, 80))] ^= 1 << random.below(8);
  },
  function totalLength({ bytes, length }, random) {
    bytes.set(u16(random.chance(0.5) ? random.below(65536) : Math.max(0, length + random.between(-60, 4))), 2);
  },
  function headerLength({ bytes }, random) {
    bytes[0] = 0x40 | random.below(16);
  },
  function version({ bytes }, random) {
    bytes[0] = random.below(256);
  },
  function ipOptions(specimen, random) {
    const words = random.between(1, 10);
    const to = Math.min(PACKET_MAX, specimen.length + 4 * words);
    specimen.bytes.copyWithin(20 + 4 * words, 20, Math.max(20, to - 4 * words));
    specimen.bytes.fill(1, 20, 20 + 4 * words);
    specimen.bytes[0] = 0x45 + words;
    specimen.bytes.set(u16(to), 2);
    specimen.length = to;
  },
  function fragment({ bytes }, random) {
    bytes[6] = random.below(256);
    bytes[7] = random.chance(0.5) ? 0 : random.below(256);
  },
  function protocol({ bytes }, random) {
    bytes[9] = random.below(256);
  },
  function dataOffset(specimen, random) {
    specimen.bytes[tcpAt(specimen) + 12] = random.below(16) << 4;
  },
  function optionKind(specimen, random) {
    specimen.bytes[tcpAt(specimen) + 20 + random.below(40)] = random.pick(OPTION_KINDS);
  },
  function optionLength(specimen, random) {
    const at = tcpAt(specimen) + 20;
    const steps = random.below(5);
    let option = at;
    for (let i = 0; i < steps; i++) option += specimen.bytes[option] < 2 ? 1 : specimen.bytes[option + 1];
    if (option < at + 40) specimen.bytes[option + 1] = random.pick(OPTION_LENGTHS);
  },
  function optionGarbage(specimen, random) {
    const at = tcpAt(specimen) + 20;
    specimen.bytes[at - 8] = random.between(5, 15) << 4;
    for (let option = at; option < at + 40;) {
      const length = random.chance(0.9) ? random.pick([2, 3, 4, 10, 10, 18]) : random.pick(OPTION_LENGTHS);
      specimen.bytes[option] = random.pick(OPTION_KINDS);
      specimen.bytes[option + 1] = length;
      for (let i = 2; i < length; i++) specimen.bytes[option + i] = random.below(256);
      option += Math.max(1, length);
    }
  },
  function validOptionsAnywhere(specimen, random) {
    const at = tcpAt(specimen) + 20;
    specimen.bytes[at - 8] = 0xf0;
    specimen.bytes.fill(1, at, at + 40);
    for (let option = at; option < at + 40;) {
      const [kind, length] = random.pick([
        [1, 1],
        [1, 1],
        [2, 4],
        [3, 3],
        [4, 2],
        [5, 10],
        [5, 18],
        [5, 34],
        [8, 10],
        [14, 3],
        [19, 18],
        [
          34,
          10,
        ],
        [172, 5],
        [174, 11],
        [77, 6],
      ]);
      if (option + length > at + 40) break;
      specimen.bytes[option] = kind;
      if (length > 1) specimen.bytes[option + 1] = length;
      option += length;
    }
  },
  function flags(specimen, random) {
    specimen.bytes[tcpAt(specimen) + 13] = random.below(256);
  },
];

/** Makes the checksums right where the packet still has them: without this all that is parsed is the checksum. */
function mend({ bytes, length }: Specimen, random: Random): void {
  const header = (bytes[0] & 15) * 4;
  if (random.chance(0.97) && header >= 20 && header <= length) {
    bytes.set([0, 0], 10);
    bytes.set(u16(internetChecksum(bytes, 0, header)), 10);
  }
  const end = readU16(bytes, 2);
  if (random.chance(0.95) && end <= length && end >= header + 20) {
    bytes.set([0, 0], header + 16);
    bytes.set(u16(tcpChecksum(readU32(bytes, 12), readU32(bytes, 16), bytes, header, end)), header + 16);
  }
}

/** All fields of a verdict as one text; much faster to compare than two objects, and to read in a failure. */
function show(verdict: TcpPacket | number): string {
  if (typeof verdict === "number") return WIRE_STATUS_NAMES[verdict];
  const { timestamps: ts, sack, payload, fastOpen, accEcn, ...rest } = verdict;
  const blocks = sack?.map(({ start, end }) => `${start}-${end}`);
  return `${rest.srcAddr} ${rest.dstAddr} tos ${rest.tos} id ${rest.id} ports ${rest.srcPort} ${rest.dstPort} ` +
    `seq ${rest.seq} ack ${rest.ack} flags ${rest.flags} wnd ${rest.wnd} urgent ${rest.urgent} mss ${rest.mss} ` +
    `wscale ${rest.windowScale} sackOK ${rest.sackPermitted} ts ${ts?.tsval} ${ts?.tsecr} sack ${blocks} ` +
    `ae ${rest.ae} md5 ${rest.md5} checksum ${rest.altChecksum} accecn ${accEcn?.order} ${accEcn?.fields} ` +
    `fo ${fastOpen?.experimental} ${fastOpen?.cookie} ` +
    `payload ${payload.length} at ${payload.length > 0 ? payload[0] : ""}`;
}

test("parse: a million mutated packets are judged as the oracle judges them, without a trap or a leak", async () => {
  const codec = await Codec.load();
  const seed = testSeed();
  const random = new Random(seed);
  const originals = Array.from({ length: ORIGINALS }, () => encodeOracle(randomPacket(random)));
  const memoryBytes = codec.memoryBytes;
  const arenaTop = codec.arenaTop;
  const verdicts = new Array<number>(WIRE_STATUS_NAMES.length).fill(0);
  const buffer = new Uint8Array(PACKET_MAX + 512); // room for options that a mutation writes beyond the end

  const end = timeIsOver(SHARE);
  let i = 0;
  for (; i < PACKETS || i % 1024 !== 0 || performance.now() < end; i++) {
    const original = random.pick(originals);
    buffer.set(original);
    const specimen = { bytes: buffer, length: original.length };
    for (let n = random.between(1, 3); n > 0; n--) random.pick(MUTATIONS)(specimen, random);
    mend(specimen, random);
    const packet = buffer.subarray(0, specimen.length);

    const describe = (): string => `packet ${i}, seed ${seed}: ${Array.from(packet).join(" ")}`;
    let verdict: TcpPacket | number;
    try {
      verdict = codec.parse(packet);
    } catch (error) {
      throw new Error(`trap at ${describe()}`, { cause: error });
    }
    const expected = parseOracle(packet);
    if (show(verdict) !== show(expected)) assert.equal(show(verdict), show(expected), describe());
    verdicts[typeof verdict === "number" ? verdict : WireStatus.OK]++;
  }

  assert.equal(codec.memoryBytes, memoryBytes, "memory grew");
  assert.equal(codec.arenaTop, arenaTop, "the arena grew");
  // Mutations that never get past the first check, or never fail one, would test nothing.
  WIRE_STATUS_NAMES.forEach((name, status) => {
    assert.ok(verdicts[status] > i / 1000, `only ${verdicts[status]} packets were ${name}, seed ${seed}`);
  });
});
